/**
 * \file findings.h
 * \brief What the divergences of a replay come from: for each word the slots behind it.
 */
#ifndef VRRL_REPLAY_FINDINGS_H
#define VRRL_REPLAY_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "replay/compare.h"
#include "replay/flights.h"
#include "replay/suspects.h"
#include "replay/timeline.h"

struct findings {
    struct flights flights;
    /** One for each divergence of a control word, a status or the debug log. */
    struct finding *list;
    size_t len;
    /** Their places, the likeliest cause first. */
    size_t *order;
};

/**
 * \param timeline     outlives the findings
 * \param divergences  those that were kept
 * \param[out] findings  released with findings_free(), only when true was returned
 * \return false when memory could not be had
 */
bool findings_make(const struct timeline *timeline, const struct divergences *divergences,
                   struct findings *findings, struct replay_error *error);

void findings_free(struct findings *findings);

#endif
