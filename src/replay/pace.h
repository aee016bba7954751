/**
 * \file pace.h
 * \brief A replay as slow as the recorded run was.
 */
#ifndef VRRL_REPLAY_PACE_H
#define VRRL_REPLAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/timeline.h"

/** All 0 at first. */
struct pace {
    bool begun;
    /** On the clock of the log, and on ours, when it began. */
    uint64_t recorded_ns;
    uint64_t here_ns;
};

/**
 * How long to wait until an event is due: as long after the first event as it was recorded.  Events
 * whose time is not known, and those that come late, are due at once.
 *
 * \return nanoseconds
 */
uint64_t pace_wait_ns(struct pace *pace, const struct timeline *timeline,
                      const struct timeline_event *event);

#endif
