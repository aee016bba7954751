/**
 * \file replay.h
 * \brief Run a timeline again, event by event, and compare.
 *
 * What is compared is what the host read back, or what the reference interpreter, another device
 * or another run makes of the same publishes and launches.  With the first two also the recorded
 * epochs: a recorded epoch is what the host had seen, so the replay must have reached at least
 * that when it comes to the record, and for one thread it never goes back.
 */
#ifndef VRRL_REPLAY_REPLAY_H
#define VRRL_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/backend.h"
#include "replay/compare.h"
#include "replay/handlers.h"
#include "replay/timeline.h"
#include "replay/trace.h"
#include "replay/watch.h"

/**
 * What a replay may cost, and what each of its records adds to that: in visits to slots in flight
 * and words copied by MEMCPY, with 64 lanes launched or words read back counting as one.  Logs stay
 * far below unless they were made to keep a device busy.
 */
#define REPLAY_WORK_MAX (UINT64_C(1) << 28)
#define REPLAY_WORK_OF_RECORD (UINT64_C(1) << 12)

enum replay_against {
    /** RECORDED where the timeline has observations that can be compared, else REFERENCE. */
    REPLAY_AGAINST_DEFAULT,
    REPLAY_AGAINST_RECORDED,
    REPLAY_AGAINST_REFERENCE,
    /** Another device that does the same beside it. */
    REPLAY_AGAINST_DEVICE,
    /** A run that was made before. */
    REPLAY_AGAINST_RUN,
};

struct replay_options {
    /** Number or part of a name; NULL for the first device. */
    const char *device;
    /** A recorded epoch must be the replay's, not only reached. */
    bool strict;
    enum replay_against against;
    /** DEVICE: as \c device. */
    const char *other_device;
    /** RUN: what was kept of it; NULL: there is none yet, and nothing is compared. */
    const struct trace *first_run;
    /** Where to keep what this run makes; NULL: nowhere. */
    struct trace *trace;
    /** The built-in megakernel, whatever was launched; a timeline that was made has nothing else.
     */
    bool builtin;
    /** For the built-in megakernel; none when \c len is 0. */
    const struct handlers *handlers;
    /** Events come when they came in the recorded run; otherwise at once. */
    bool recorded_pace;
    /** Who watches over it; NULL: nobody. */
    struct watch *watch;
};

/** Opcodes without a handler that are told apart. */
#define REPLAY_UNHANDLED_MAX 16u

struct replay_unhandled {
    uint32_t opcode;
    /** Records of it, and the index of the first. */
    size_t records;
    uint32_t first;
};

struct replay_result {
    struct divergences divergences;
    /** As the backend names it. */
    char device[256];
    /** DEVICE: the other one. */
    char other_device[256];
    /** Not DEFAULT. */
    enum replay_against against;
    bool builtin;
    size_t launches;
    /** Observations that were compared; of those against the recorded ones, and those made while
     *  launches were in flight. */
    size_t compared;
    size_t in_flight;
    /** How far the replay was past an epoch that the host had seen, at most, and where. */
    uint32_t largest_lead;
    uint32_t largest_lead_record;
    /** EPOCH at first and at the end. */
    uint32_t first_epoch;
    uint32_t last_epoch;
    /** Slots that are PUBLISHED at the end: their tenants are masked. */
    size_t left_published;
    /** Opcodes that the built-in megakernel has no handler for: claimed and DONE without effect. */
    struct replay_unhandled unhandled[REPLAY_UNHANDLED_MAX];
    size_t unhandled_len;
    size_t unhandled_records;
    /** The user wanted an end: what comes after these records was not replayed. */
    bool stopped;
    size_t published;
    /** Wall time of the events, without opening the device and building. */
    double seconds;
};

/**
 * Replay.
 *
 * \param timeline  without obstacles
 * \param backend   where
 * \return false when it could not be done; a divergence is no failure
 */
bool replay_run(const struct timeline *timeline, const struct backend *backend,
                const struct replay_options *options, struct replay_result *result,
                struct replay_error *error);

#endif
