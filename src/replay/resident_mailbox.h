/*
 * resident_mailbox.h - the words over which the host and the lanes of a resident kernel meet.
 *
 * Nothing but constants: read by C and by OpenCL C.  What is polled and what is written often are
 * in cache lines of their own.
 */
#ifndef VRRL_REPLAY_RESIDENT_MAILBOX_H
#define VRRL_REPLAY_RESIDENT_MAILBOX_H

/* Of the host: how often it has rung since the launch, and the slots that were published are
 * between FIRST and END.  Lanes read these two after they have heard the doorbell. */
#define RESIDENT_DOORBELL 0u
#define RESIDENT_FIRST 1u
#define RESIDENT_END 2u

/* Of the lanes: work-groups that have finished a round, all rounds together; visits that left a
 * slot neither EMPTY nor DONE; work-groups that have left, or that they are to leave. */
#define RESIDENT_FINISHED 32u
#define RESIDENT_UNFINISHED 33u
#define RESIDENT_LEFT 34u

/* The last round that was seen finished: of vyre_ring, and of vyre_resident_reached. */
#define RESIDENT_SEEN 35u

/* Work-groups that have come, and how many of them the host keeps; 0 until it has decided. */
#define RESIDENT_ENLISTED 64u
#define RESIDENT_GROUPS 65u

#define RESIDENT_MAILBOX_WORDS 128u

/*
 * Memory of the host that lanes reach: DOORBELL, FIRST, END and, so that words of two moments are
 * known as such, a CHECK of them, in one vector; SEEN as above, and STATUSES_SEEN, the last round
 * that left a slot neither EMPTY nor DONE.  Then, from these words on, results, the statuses of
 * such a round, and the slots, with the number of the put that brought them in the place of their
 * status.
 */
#define RESIDENT_CHECK 3u
#define RESIDENT_CHECK_OF(doorbell, first, end)                                                    \
    ((doorbell) ^ (first)*0x9E3779B1u ^ (end)*0x85EBCA77u)
#define RESIDENT_STATUSES_SEEN 36u
#define RESIDENT_HOST_ALIGN(words) (((words) + 31u) / 32u * 32u)
#define RESIDENT_HOST_CONTROL RESIDENT_MAILBOX_WORDS
#define RESIDENT_HOST_DEBUG_LOG(control_words)                                                     \
    (RESIDENT_HOST_CONTROL + RESIDENT_HOST_ALIGN((size_t)(control_words)))
#define RESIDENT_HOST_STATUSES(control_words)                                                      \
    (RESIDENT_HOST_DEBUG_LOG(control_words) + RESIDENT_HOST_ALIGN(VYRE_DEBUG_LOG_WORDS))
#define RESIDENT_HOST_SLOTS(control_words, ring_slots)                                             \
    (RESIDENT_HOST_STATUSES(control_words) + RESIDENT_HOST_ALIGN((size_t)(ring_slots)))
#define RESIDENT_HOST_WORDS(control_words, ring_slots)                                             \
    (RESIDENT_HOST_SLOTS(control_words, ring_slots) + (size_t)(ring_slots)*VYRE_SLOT_WORDS)

/* OPENCL_GROUP_LANES, for the lanes. */
#define RESIDENT_GROUP_LANES_MAX 64u

#endif
