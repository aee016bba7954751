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
 * slot neither EMPTY nor DONE; work-groups that have left. */
#define RESIDENT_FINISHED 32u
#define RESIDENT_UNFINISHED 33u
#define RESIDENT_LEFT 34u

/* Of vyre_ring: the last round that it has seen finished. */
#define RESIDENT_SEEN 35u

/* Work-groups that have come, and how many of them the host keeps; 0 until it has decided. */
#define RESIDENT_ENLISTED 64u
#define RESIDENT_GROUPS 65u

#define RESIDENT_MAILBOX_WORDS 128u

#endif
