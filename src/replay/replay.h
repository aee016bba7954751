/**
 * \file replay.h
 * \brief Run an excerpt of a log again, batch by batch, and compare.
 *
 * EPOCH starts at the first record's epoch.  A recorded epoch is what the host
 * had seen: the replay must have reached at least that when it comes to the
 * record, and for one thread it never goes back.  After each batch the buffers
 * are compared with the reference interpreter's.
 */
#ifndef VRRL_REPLAY_H
#define VRRL_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/backend.h"
#include "replay/compare.h"
#include "replay/excerpt.h"
#include "replay/schedule.h"

/**
 * What a replay may cost, in visits to slots in flight and words copied by
 * MEMCPY, with 64 lanes launched or words read back counting as one.  A log of a million
 * records stays far below unless it was made to keep a device busy.
 */
#define REPLAY_WORK_MAX (UINT64_C(1) << 28)

struct replay_options {
    /** Number or part of a name; NULL for the first device. */
    const char *device;
    /** A recorded epoch must be the replay's, not only reached. */
    bool strict;
};

struct replay_result {
    struct divergences divergences;
    /** As the backend names it. */
    char device[256];
    /** How far the replay was past an epoch that the host had seen, at most, and where. */
    uint32_t largest_lead;
    uint32_t largest_lead_record;
    /** EPOCH at the end. */
    uint32_t last_epoch;
    /** Slots that are PUBLISHED at the end: their tenants are masked. */
    size_t left_published;
    /** Wall time of the batches, without opening the device. */
    double seconds;
};

/**
 * Replay.
 *
 * \param excerpt  without obstacles
 * \param backend    where; it is compared with backend_reference
 * \return false when it could not be done; a divergence is no failure
 */
bool replay_run(const struct excerpt *excerpt, const struct schedule *schedule,
                const struct backend *backend, const struct replay_options *options,
                struct replay_result *result, struct replay_error *error);

#endif
