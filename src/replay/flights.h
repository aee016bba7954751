/**
 * \file flights.h
 * \brief When each slot of a timeline was in flight: published, launched, seen DONE.
 *
 * Time is the index of an event, plus 1; observations with nothing between them are of one time,
 * that of the first.  A slot was seen DONE at the first observation that tells so: one with no
 * launch in flight and its own launch among the complete ones, or a look at the ring where it is
 * not PUBLISHED and no slot is anything between PUBLISHED and DONE.  A host that publishes into a
 * slot again knows that it was free.
 */
#ifndef VRRL_REPLAY_FLIGHTS_H
#define VRRL_REPLAY_FLIGHTS_H

#include <stddef.h>

#include "replay/suspects.h"
#include "replay/timeline.h"

struct flights {
    /** In the order of publishing; their words are the timeline's. */
    struct flight *list;
    size_t len;
};

/**
 * \param[out] flights  released with flights_free(), only when true was returned
 * \return false when memory could not be had
 */
bool flights_make(const struct timeline *timeline, struct flights *flights,
                  struct replay_error *error);

/** The time of an event of a timeline. */
uint64_t flights_time(const struct timeline *timeline, size_t event);

void flights_free(struct flights *flights);

#endif
