/**
 * \file timeline_parts.h
 * \brief How a timeline is made: what its files share with each other and with nobody else.
 */
#ifndef VRRL_REPLAY_TIMELINE_PARTS_H
#define VRRL_REPLAY_TIMELINE_PARTS_H

#include "replay/timeline.h"
#include "session/journal.h"

/** An entry of a journal. */
struct raw_entry {
    struct journal_entry head;
    const void *payload;
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

/** Refuse an entry.  \return false */
bool raw_entry_wrong(const struct raw_journals *journals, enum journal_kind kind,
                     const struct raw_entry *entry, const char *what, struct replay_error *error);

/** Read programs, kernels and buffers of the ring's launches, its roles, and the first contents of
 *  its buffers as the first events. */
bool timeline_read_launched(struct timeline *timeline, const struct raw_journals *journals,
                            struct replay_error *error);

/** Index of the kernel of a journal entry, below kernels_len, or TIMELINE_NONE. */
uint32_t timeline_kernel_of(const struct timeline *timeline, uint64_t entry);

/** Bytes came into a buffer of the session, if it is one of the timeline's: add an event for all
 *  of them that are not the ring's. */
bool timeline_add_contents(struct timeline *timeline, const struct session_contents_view *contents,
                           uint64_t position);

/** Add an event. */
bool timeline_add_event(struct timeline *timeline, enum timeline_kind kind, uint32_t which,
                        uint64_t position);

/** Merge publishes, changes, launches and observations into events. */
bool timeline_merge(struct timeline *timeline, const struct raw_journals *journals,
                    struct replay_error *error);

#endif
