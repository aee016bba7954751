/**
 * \file repeat.h
 * \brief A replay against itself: how many ways it ends in, and where two of them part.
 */
#ifndef VRRL_REPLAY_REPEAT_H
#define VRRL_REPLAY_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/replay.h"

#define REPEAT_MAX 100000u

/** One way to end, or to come there. */
struct repeat_outcome {
    uint64_t digest;
    /** The first run of it, from 1, and how many there were. */
    uint32_t first_run;
    uint32_t runs;
};

struct repeat {
    /** In the order in which they came. */
    struct repeat_outcome *outcomes;
    size_t len;
    /** Runs that were made: fewer than asked for when the user wanted an end. */
    uint32_t runs;
    /** The first run that was another than run 1; 0: none. */
    uint32_t parted;
};

/**
 * Replay again and again.
 *
 * \param options  what it is compared with, and what it is kept in, does not count
 * \param runs  1 … REPEAT_MAX
 * \param[out] repeat  released with repeat_free(), only when true was returned
 * \param[out] result  of the run that parted, compared with run 1; or else of the last one
 */
bool replay_repeat(const struct timeline *timeline, const struct backend *backend,
                   const struct replay_options *options, uint32_t runs, struct repeat *repeat,
                   struct replay_result *result, struct replay_error *error);

void repeat_free(struct repeat *repeat);

#endif
