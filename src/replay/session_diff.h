/**
 * \file session_diff.h
 * \brief What two sessions have launched on a ring, and what the hosts read back.
 *
 * Launches are told apart by program, kernel, arguments by value, geometry and how much was
 * published before them.  What came back is compared word by word where both hosts have read the
 * same range after the same launch, with none in flight.  Reads the timelines and nothing else.
 */
#ifndef VRRL_REPLAY_SESSION_DIFF_H
#define VRRL_REPLAY_SESSION_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "replay/align.h"
#include "replay/compare.h"
#include "replay/timeline.h"

struct session_diff {
    /** Places in the submits of the timelines. */
    struct align_edit *launches;
    size_t launches_len;
    /** Observations that both have; that only one has; and that were made with launches in flight.
     */
    size_t compared;
    size_t alone;
    size_t in_flight;
    /** Events are of a's timeline; expected is a's, actual b's. */
    struct divergences divergences;
};

/**
 * \param a, b  of one ring each, recorded
 * \param[out] diff  released with session_diff_free(), only when true was returned
 * \return false when memory could not be had
 */
bool session_diff_make(const struct timeline *a, const struct timeline *b,
                       struct session_diff *diff, struct replay_error *error);

void session_diff_free(struct session_diff *diff);

#endif
