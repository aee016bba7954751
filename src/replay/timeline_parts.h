/**
 * \file timeline_parts.h
 * \brief How a timeline is made: what its files share with each other and with nobody else.
 */
#ifndef VRRL_REPLAY_TIMELINE_PARTS_H
#define VRRL_REPLAY_TIMELINE_PARTS_H

#include "replay/timeline.h"
#include "session/entries.h"
#include "session/journal.h"
#include "session/layout.h"

/** An entry of a journal. */
struct raw_entry {
    struct journal_entry head;
    const void *payload;
    /** Index of the kernel or program that was made of it, TIMELINE_NONE. */
    uint32_t made;
};

/** The entries of one run in one journal, oldest first. */
struct raw_journal {
    struct raw_entry *entries;
    size_t len;
    bool there;
    /** Older entries of the run were overwritten. */
    bool cut;
    /** Entries that had no room. */
    uint64_t dropped;
};

struct raw_journals {
    const char *path;
    struct raw_journal of[JOURNAL_KINDS];
};

/** Memory that lives as long as the timeline, aligned for anything.  \return NULL when it could not
 *  be had */
void *timeline_allocate(struct timeline *timeline, size_t bytes);

/**
 * Append to an array that was allocated with malloc.
 *
 * \param array  address of the pointer to it; it holds *len elements
 */
bool timeline_append(void *array, size_t *len, size_t element_bytes, const void *element);

/** The same, for a length of 32 bits. */
bool timeline_append_32(void *array, uint32_t *len, size_t element_bytes, const void *element);

/** Read the journals' entries of the excerpt's run; what is no entry, or lies outside the log, is
 *  refused. */
bool raw_journals_read(const char *path, struct timeline *timeline, struct raw_journals *journals,
                       struct replay_error *error);
void raw_journals_free(struct raw_journals *journals);

/** The entry of a number.  \return NULL when it is not there */
struct raw_entry *raw_entry_find(const struct raw_journals *journals, enum journal_kind kind,
                                 uint64_t number);

/** Refuse an entry.  \return false */
bool raw_entry_wrong(const struct raw_journals *journals, enum journal_kind kind,
                     const struct raw_entry *entry, const char *what, struct replay_error *error);

/** Index of a buffer by its number in the session, or TIMELINE_NONE. */
uint32_t timeline_buffer_of(const struct timeline *timeline, uint64_t number);

/** Make what the buffers held at first the first events; the ring's is told by its first upload. */
bool timeline_read_first_contents(struct timeline *timeline, const struct raw_journals *journals,
                                  struct replay_error *error);

/** Read programs, kernels and buffers of the ring's launches, its roles, and the first contents of
 *  its buffers as the first events. */
bool timeline_read_launched(struct timeline *timeline, const struct raw_journals *journals,
                            struct replay_error *error);

/** Bytes came into a buffer of the session, if it is one of the timeline's: add an event for all
 *  of them that are not the ring's. */
bool timeline_add_contents(struct timeline *timeline, const struct session_contents_view *contents,
                           uint64_t position);

/** Add an event. */
bool timeline_add_event(struct timeline *timeline, enum timeline_kind kind, uint32_t which,
                        uint64_t position);

/** Observations since the ring changed last: together they may be a checkpoint. */
struct seen {
    /** Indices into observations, TIMELINE_NONE. */
    uint32_t control;
    uint32_t ring;
    uint32_t debug_log;
};

/** What is known of a slot of the ring. */
struct merge_slot {
    /** Place in the excerpt of its newest record so far, TIMELINE_NONE. */
    uint32_t latest;
    /** Of the record that went up last, TIMELINE_NONE. */
    uint32_t carried;
    /** Launches that cannot have drained that record. */
    uint64_t settled;
    /** It was seen to be PUBLISHED since. */
    bool shown;
    /** Round that it went up in, and launch that it went up beside; 0: none. */
    uint32_t round;
    uint64_t beside;
};

/** Whether the last launch is fed while it runs (timeline_fed.c). */
struct feeding {
    /** Something may have been seen by it that went up since it began. */
    bool running;
    /** Something went up since the last round. */
    bool waiting;
    /** Rounds so far, and the one that is filled now, plus 1. */
    uint32_t round;
    /** What DONE_COUNT is once all is drained that went up, and once all is that went up before the
     *  launch, as far as both are known. */
    bool done_known;
    uint32_t done;
    uint32_t done_before;
    /** It was seen to be, and nothing changed since, or nothing but what changes now. */
    bool idle;
    bool was_idle;
};

struct merge {
    struct timeline *timeline;
    const struct raw_journals *journals;
    struct replay_error *error;
    /** Of each slot. */
    struct merge_slot *slots;
    /** First record that is not among them. */
    size_t next_record;
    /** Number of the last launch. */
    uint64_t launch;
    /** Wall clock of the next launch, UINT64_MAX after the last. */
    uint64_t next_launch_ns;
    struct seen seen;
    struct feeding feeding;
    /** A beginning is looked for. */
    bool looking;
    /** Entries or records were overwritten. */
    bool cut;
    /** Slots of uploads that were looked at. */
    uint64_t looked_at;
};

/** An observation, to be put in order. */
struct observed {
    uint64_t launches;
    const struct raw_entry *entry;
};

/** The observations of the ring, by the launches before them: one that the host learned of late
 *  belongs where it was made.  \return NULL, and the error is set, when they cannot be listed */
struct observed *observed_list(const struct merge *merge, size_t *len);

/** Read and check an observation. */
bool observed_read(const struct merge *merge, const struct raw_entry *entry,
                   struct timeline_observation *observation);

bool merge_add_event(struct merge *merge, enum timeline_kind kind, uint32_t which,
                     uint64_t position);

/** Slots went up: a run with one status. */
bool merge_add_run(struct merge *merge, uint32_t first, uint32_t slots, uint32_t status,
                   uint64_t position);

/** A change begins: whether it is beside the launch that is under way. */
bool feeding_change(struct merge *merge, const struct raw_entry *entry);

/** A record goes up into a slot. */
bool feeding_publish(struct merge *merge, struct merge_slot *slot, uint64_t position);

/** Bytes go into a buffer. */
void feeding_contents(struct merge *merge, const struct timeline_contents *contents);

/** Records that are not known went up, or bytes that are not known. */
void feeding_lose(struct merge *merge);

/** A launch begins. */
bool feeding_submit(struct merge *merge, uint64_t position);

/** A launch is noted once more. */
void feeding_note(struct merge *merge, const struct raw_entry *entry,
                  const struct session_submit *submit);

/** Something was observed: it may be exact though the launch is under way, and may show that the
 *  launch is fed. */
bool feeding_observe(struct merge *merge, struct timeline_observation *observation,
                     uint64_t position);

/** The timeline begins at a checkpoint: with the launch that is under way there. */
bool feeding_resume(struct merge *merge, uint64_t position);

/** All is merged: rounds of launches that were not fed are none. */
bool feeding_end(struct merge *merge);

/** An observation was added that may be a part of a checkpoint.  \param which  its index */
void checkpoint_note(struct merge *merge, uint32_t which);

/** Begin here, if a beginning is looked for and what was seen since the ring changed last is a
 *  checkpoint. */
bool checkpoint_try(struct merge *merge);

/** Merge publishes, changes, launches and observations into events. */
bool timeline_merge(struct timeline *timeline, const struct raw_journals *journals,
                    struct replay_error *error);

#endif
