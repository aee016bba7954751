/**
 * \file schedule.h
 * \brief In which batches an excerpt is replayed, on buffers of which size, and whether at all.
 *
 * Pure: reads the excerpt and nothing else.
 */
#ifndef VRRL_REPLAY_SCHEDULE_H
#define VRRL_REPLAY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"
#include "replay/excerpt.h"

/** Words of the largest control buffer: 2^20, and their observable results. */
#define SCHEDULE_CONTROL_WORDS_MAX ((1u << 20) + VYRE_CONTROL_OBSERVABLES)

/** Slots of the largest ring: as many as the largest log has records. */
#define SCHEDULE_RING_SLOTS_MAX (1u << 20)

/**
 * A run of records with one recorded epoch and no slot twice: what a host that
 * waits at each epoch had in flight together.
 */
struct batch {
    /** Place in the excerpt. */
    size_t first;
    size_t len;
};

struct schedule {
    struct batch *batches;
    size_t len;
    /** Different epochs among the records. */
    size_t epochs;
    uint32_t control_words;
    uint32_t ring_slots;
    /** Records with an obstacle; without any the excerpt can be replayed. */
    size_t obstacles;
};

/**
 * Plan a replay.  Records that cannot be replayed faithfully get their obstacle
 * here, where reading them had not found one.
 *
 * \param[out] schedule  released with schedule_free(), only when true was returned
 * \return false when memory could not be had
 */
bool schedule_make(struct excerpt *excerpt, struct schedule *schedule, struct replay_error *error);

void schedule_free(struct schedule *schedule);

/** Write why a record cannot be replayed, a sentence that ends with "Fix: …". */
void obstacle_describe(const struct recorded_slot *slot, char *out, size_t size);

#endif
