/**
 * \file compare.h
 * \brief Where a replay and what it is compared with part.
 */
#ifndef VRRL_REPLAY_COMPARE_H
#define VRRL_REPLAY_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/backend.h"
#include "replay/excerpt.h"

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
    /** A control word is not the reference interpreter's. */
    DIVERGENCE_CONTROL,
    /** A slot's status is not the reference interpreter's. */
    DIVERGENCE_STATUS,
    /** The debug log has other records than the reference interpreter's. */
    DIVERGENCE_DEBUG_LOG,
};

struct divergence {
    enum divergence_kind kind;
    /** The record's index in the log: the one at fault, or the last that writes the word. */
    uint32_t record;
    /** Recorded epoch of its batch. */
    uint32_t epoch;
    /** Index into the control buffer, the ring or the debug log, as the kind says. */
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

/** "control", "ring" or "debug_log": what the word is in. */
const char *divergence_buffer(const struct divergence *divergence);

/** Write the name of the word, e.g. "EPOCH", "slot 3 status" or "debug_log[5]". */
void divergence_word_name(const struct divergence *divergence, char *out, size_t size);

/** What is compared from batch to batch.  A word that differed once is not reported again. */
struct comparison {
    const struct recorded_slot *slots;
    uint32_t control_words;
    bool *reported;
    bool debug_log_reported;
    /** Places in the excerpt of those that are PUBLISHED: in flight now, or masked. */
    size_t *flying;
    size_t flying_len;
    struct divergences *divergences;
};

/** \return false when memory could not be had; then there is nothing to free */
bool comparison_init(struct comparison *comparison, const struct excerpt *excerpt,
                     uint32_t control_words, struct divergences *divergences,
                     struct replay_error *error);

/** A record of the batch was published. */
void comparison_publish(struct comparison *comparison, size_t place);

/**
 * Compare what came of a batch with what the reference interpreter says: all
 * control words, the status of each slot in flight, and the debug log, whose
 * records have no order, until it overflows.
 *
 * \param epoch  recorded epoch of the batch
 */
void comparison_check(struct comparison *comparison, uint32_t epoch,
                      const struct backend_view *actual, const struct backend_view *expected);

void comparison_free(struct comparison *comparison);

#endif
