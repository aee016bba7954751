/**
 * \file replay_parts.h
 * \brief A replay under way: what its files share with each other and with nobody else.
 */
#ifndef VRRL_REPLAY_REPLAY_PARTS_H
#define VRRL_REPLAY_REPLAY_PARTS_H

#include "replay/builtin.h"
#include "replay/pace.h"
#include "replay/replay.h"

/** A backend that was opened. */
struct place {
    const struct backend *backend;
    void *state;
    struct backend_view view;
};

/** What a thread had seen when it published a record, by its place in the excerpt. */
struct seen_epoch {
    uint32_t epoch;
    uint32_t place;
};

struct replay {
    const struct timeline *timeline;
    const struct replay_options *options;
    struct replay_result *result;
    struct builtin builtin;
    struct backend_image image;
    struct place device;
    /** What runs beside it, the reference interpreter or another device; its backend is NULL when
     *  nothing does. */
    struct place beside;
    /** The run before; its trace is NULL without one. */
    struct trace_reader first_run;
    struct comparison comparison;
    /** For each thread the latest epoch that it had seen. */
    struct seen_epoch *seen;
    /** Records that went up since the last launch for the first time, as places in the excerpt. */
    uint32_t *fresh;
    size_t fresh_len;
    /** Records that went up, by place in the excerpt. */
    bool *went_up;
    /** Records whose opcode was looked at, by place in the excerpt. */
    bool *looked_at;
    struct pace pace;
    /** The view of the device is as it is now. */
    bool observed;
    /** The device runs a launch that is fed. */
    bool running;
    uint64_t work;
};

/** Read back what the launches did, and what runs beside. */
bool replay_observe(struct replay *replay, bool whole_ring, struct replay_error *error);

/** Hold the recorded epochs of what is launched against the replay's.  At most one divergence a
 *  launch. */
bool replay_check_epochs(struct replay *replay, size_t event, struct replay_error *error);

/** Whether a record may be published into its slot; it is a divergence when not.
 *
 * A host publishes into slots that are EMPTY or DONE, so in the recorded run this one was.  Where
 * the uploads are known it is not asked: a host may upload what is PUBLISHED still. */
bool replay_slot_is_free(struct replay *replay, size_t event, const struct recorded_slot *slot);

/** Count the work of a launch.  \return false when the log asks for more than a replay may do */
bool replay_can_afford(struct replay *replay, const struct timeline_submit *submit,
                       struct replay_error *error);

/** Count what the built-in megakernel does not handle; refuse what the reference interpreter beside
 *  it does not. */
bool replay_check_opcodes(struct replay *replay, struct replay_error *error);

#endif
