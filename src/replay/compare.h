/**
 * \file compare.h
 * \brief Where a replay and what it is compared with part: a plain list of differences.
 */
#ifndef VRRL_REPLAY_COMPARE_H
#define VRRL_REPLAY_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/backend.h"
#include "replay/timeline.h"

/** Divergences that are kept; all are counted. */
#define DIVERGENCES_MAX 256u

/** Records that are named beside a word that differs. */
#define DIVERGENCE_WRITERS_MAX 8u

enum divergence_kind {
    /** The host had seen an epoch that the replay has not reached. */
    DIVERGENCE_EPOCH_AHEAD,
    /** The recorded epoch goes back for one ring and thread. */
    DIVERGENCE_EPOCH_BACK,
    /** Strict: the replay is past the epoch that the host had seen. */
    DIVERGENCE_EPOCH_BEHIND,
    /** The host published a slot which is neither EMPTY nor DONE in the replay. */
    DIVERGENCE_SLOT_BUSY,
    /** A control word is another. */
    DIVERGENCE_CONTROL,
    /** A control word that only grows is less than what the host saw while launches were in flight.
     */
    DIVERGENCE_CONTROL_LESS,
    /** A slot's status is another. */
    DIVERGENCE_STATUS,
    /** Other numbers of slots have a status: word is the status, expected and actual how many. */
    DIVERGENCE_STATUS_COUNT,
    /** The debug log has other records. */
    DIVERGENCE_DEBUG_LOG,
    /** A word of the IO queue is another. */
    DIVERGENCE_IO_QUEUE,
};

struct divergence {
    enum divergence_kind kind;
    /** Against what was recorded; false: the reference interpreter. */
    bool recorded;
    /** Index of the event in the timeline where it was seen: an observation, or a submit for what
     * is about its records. */
    size_t event;
    /** The record's index in the log: the one at fault, or the last that writes the word. */
    uint32_t record;
    /** Recorded epoch of the newest record before it. */
    uint32_t epoch;
    /** Index into the control buffer, the ring, the debug log or the IO queue, as the kind says. */
    uint32_t word;
    uint32_t expected;
    uint32_t actual;
    /** Index of each record in flight that writes the word: where there are several, their
     *  order is not defined. */
    uint32_t writers[DIVERGENCE_WRITERS_MAX];
    size_t writers_len;
};

struct divergences {
    struct divergence list[DIVERGENCES_MAX];
    size_t len;
    /** Counting those that were not kept. */
    uint64_t total;
};

/** Add one. */
void divergences_add(struct divergences *divergences, const struct divergence *divergence);

/** "recorded" or "reference". */
const char *divergence_against(const struct divergence *divergence);

/** "control", "ring", "debug_log" or "io_queue": what the word is in. */
const char *divergence_buffer(const struct divergence *divergence);

/** Write the name of the word, e.g. "EPOCH", "slot 3 status" or "debug_log[5]". */
void divergence_word_name(const struct divergence *divergence, char *out, size_t size);

/** What is compared from observation to observation.  A word that differed once is not reported
 *  again. */
struct comparison {
    const struct timeline *timeline;
    uint32_t control_words;
    bool *reported;
    bool *slots_reported;
    /** By slot: 1 + the observation's event before which, and after the last launch, it was put
     * into the ring. */
    size_t *put_late;
    bool counts_reported;
    bool debug_log_reported;
    bool io_queue_reported;
    /** Places in the excerpt of those that were published and not yet seen drained. */
    size_t *flying;
    size_t flying_len;
    /** By place in the excerpt. */
    bool *is_flying;
    /** Control words below VYRE_CONTROL_WORDS_MIN that nothing but the kernel's own counting
     *  changes. */
    bool grows[VYRE_CONTROL_WORDS_MIN];
    /** Recorded epoch of the newest record that was published. */
    uint32_t epoch;
    struct divergences *divergences;
};

/** \return false when memory could not be had; then there is nothing to free */
bool comparison_init(struct comparison *comparison, const struct timeline *timeline,
                     struct divergences *divergences, struct replay_error *error);

/** A record was published.  \param place  in the excerpt */
void comparison_publish(struct comparison *comparison, size_t place);

/**
 * Compare with the reference interpreter: all control words, the status of each slot in
 * flight, and the debug log, whose records have no order, until it overflows.
 *
 * \param event  index of the observation in the timeline
 */
void comparison_check(struct comparison *comparison, size_t event,
                      const struct backend_view *actual, const struct backend_view *expected);

/**
 * Compare with what the host read back at this event, in the range that it read.  One that was
 * made while launches were in flight can be held against words that only grow: EPOCH,
 * DONE_COUNT and the metrics, where no record and no host writes them.
 *
 * \return whether it could be compared word by word
 */
bool comparison_check_recorded(struct comparison *comparison, size_t event,
                               const struct backend_view *actual);

/** The next event changes buffers: what is not PUBLISHED any more is no more in flight. */
void comparison_settle(struct comparison *comparison, const struct backend_view *actual);

void comparison_free(struct comparison *comparison);

/* For the files of the comparison alone. */

/** Add a divergence, with the records in flight behind it. */
void comparison_add(struct comparison *comparison, struct divergence *divergence);

/**
 * Find the first word in which two debug logs differ, as sets of records.  Once they overflowed the
 * cursor alone counts.
 *
 * \return false when they do not differ
 */
bool debug_logs_differ(const uint32_t *actual, const uint32_t *expected, uint32_t *word,
                       uint32_t *actual_word, uint32_t *expected_word);

/** A debug log as a set: its records in one order; of one that overflowed the cursor alone. */
void debug_log_without_order(const uint32_t *log, uint32_t out[VYRE_DEBUG_LOG_WORDS]);

#endif
