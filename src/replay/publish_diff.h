/**
 * \file publish_diff.h
 * \brief What two logs have published: the one, the other, and where they part.
 *
 * Publishes are compared in the order of each ring and thread, since threads have no order among
 * each other; rings by their number in the run, threads by what they published, and then by their
 * number. Timestamps do not count.  A log without session is one stream with four args each, and
 * whatever it is compared with is taken so, too.  Reads the excerpts and nothing else.
 */
#ifndef VRRL_REPLAY_PUBLISH_DIFF_H
#define VRRL_REPLAY_PUBLISH_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"
#include "replay/excerpt.h"

enum publish_change {
    /** In a, and not in b. */
    PUBLISH_MISSING,
    /** In b, and not in a. */
    PUBLISH_EXTRA,
    /** Opcode, tenant, priority or args are not the same. */
    PUBLISH_OTHER,
    /** The same, into another slot of the ring. */
    PUBLISH_SLOT,
    /** The same, when the host had seen another epoch. */
    PUBLISH_EPOCH,
    PUBLISH_CHANGES,
};

/** Neighbours of one stream that changed in one way. */
struct publish_difference {
    enum publish_change change;
    /** Places of the first in the excerpts; SIZE_MAX on the side that lacks it. */
    size_t a;
    size_t b;
    size_t len;
    /** Where it would be in a, for the order of differences. */
    size_t near_a;
};

struct publish_diff {
    struct publish_difference *list;
    size_t len;
    /** Publishes that changed, by the way they did. */
    uint64_t totals[PUBLISH_CHANGES];
    /** All 16 words were compared, and the order in each ring and thread; otherwise what a bare log
     *  tells. */
    bool whole;
};

/**
 * Compare.
 *
 * \param[out] diff  differences in the order of a's records; released with publish_diff_free(),
 * only when true was returned \return false when memory could not be had
 */
bool publish_diff_make(const struct excerpt *a, const struct excerpt *b, struct publish_diff *diff,
                       struct replay_error *error);

void publish_diff_free(struct publish_diff *diff);

#endif
