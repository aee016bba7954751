/*
 * Where a timeline begins whose first entries were overwritten: at a checkpoint.
 */
#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

void checkpoint_note(struct merge *merge, uint32_t which)
{
    const struct timeline *timeline = merge->timeline;
    const struct timeline_observation *observation = &timeline->observations[which];
    if (!observation->exact || observation->offset > 0 || merge->launch == 0)
        return;
    const struct timeline_range *roles = timeline->roles;
    if (observation->what == SESSION_OBSERVED_CONTROL &&
        observation->count == roles[VYRE_KERNEL_ARG_CONTROL].bytes)
        merge->seen.control = which;
    if (observation->what == SESSION_OBSERVED_RING &&
        observation->count == roles[VYRE_KERNEL_ARG_RING].bytes)
        merge->seen.ring = which;
    if (observation->what == SESSION_OBSERVED_DEBUG_LOG &&
        observation->count == roles[VYRE_KERNEL_ARG_DEBUG_LOG].bytes)
        merge->seen.debug_log = which;
}

/** Whether the slots that were seen PUBLISHED are known, and nothing was on its way. */
static bool ring_is_known(const struct merge *merge)
{
    const struct timeline_observation *ring = &merge->timeline->observations[merge->seen.ring];
    const uint64_t *statuses = ring->statuses;
    uint64_t known =
        statuses[VYRE_STATUS_EMPTY] + statuses[VYRE_STATUS_DONE] + statuses[VYRE_STATUS_PUBLISHED];
    if (known != merge->timeline->ring_slots)
        return false;
    for (uint32_t slot = 0; ring->bytes != NULL && slot < merge->timeline->ring_slots; slot++)
        if (timeline_observed_published(ring, slot) && merge->slots[slot].latest == TIMELINE_NONE)
            return false;
    return true;
}

/** Of what was before a checkpoint only what came into other buffers is of use. */
static void forget_before(struct timeline *timeline)
{
    size_t kept = 0;
    for (size_t i = 0; i < timeline->events_len; i++)
        if (timeline->events[i].kind == TIMELINE_CONTENTS)
            timeline->events[kept++] = timeline->events[i];
    timeline->events_len = kept;
    timeline->gaps.unrecorded = 0;
    timeline->gaps.lost = 0;
}

static bool restore(struct merge *merge, uint32_t role, uint32_t observation, uint64_t position)
{
    struct timeline *timeline = merge->timeline;
    struct timeline_contents contents = {timeline->roles[role],
                                         timeline->observations[observation].bytes};
    feeding_contents(merge, &contents);
    return (timeline_append_32(&timeline->contents, &timeline->contents_len, sizeof(contents),
                               &contents) ||
            replay_fail_memory(merge->error)) &&
           merge_add_event(merge, TIMELINE_CONTENTS, timeline->contents_len - 1, position);
}

static bool restore_ring(struct merge *merge, uint64_t position)
{
    struct timeline *timeline = merge->timeline;
    const struct timeline_observation *ring = &timeline->observations[merge->seen.ring];
    uint32_t free_status =
        ring->statuses[VYRE_STATUS_DONE] > 0 ? VYRE_STATUS_DONE : VYRE_STATUS_EMPTY;
    timeline->gaps.free_slots_unknown =
        ring->statuses[VYRE_STATUS_DONE] > 0 && ring->statuses[VYRE_STATUS_EMPTY] > 0;
    if (!merge_add_run(merge, 0, timeline->ring_slots, free_status, position))
        return false;
    for (uint32_t slot = 0; ring->bytes != NULL && slot < timeline->ring_slots; slot++)
        if (timeline_observed_published(ring, slot) &&
            !merge_add_run(merge, slot, 1, VYRE_STATUS_PUBLISHED, position))
            return false;
    return true;
}

bool checkpoint_try(struct merge *merge)
{
    struct timeline *timeline = merge->timeline;
    struct seen *seen = &merge->seen;
    if (!merge->looking || seen->control == TIMELINE_NONE || seen->ring == TIMELINE_NONE ||
        !ring_is_known(merge))
        return true;
    uint64_t position = 0;
    for (size_t i = timeline->events_len; i > 0 && position == 0; i--)
        position = timeline->events[i - 1].position;
    forget_before(timeline);
    merge->looking = false;
    timeline->gaps.checkpoint = merge->launch;
    timeline->gaps.debug_log_unknown =
        seen->debug_log == TIMELINE_NONE &&
        timeline->roles[VYRE_KERNEL_ARG_DEBUG_LOG].buffer != TIMELINE_NONE;
    if (!restore(merge, VYRE_KERNEL_ARG_CONTROL, seen->control, position) ||
        (seen->debug_log != TIMELINE_NONE &&
         !restore(merge, VYRE_KERNEL_ARG_DEBUG_LOG, seen->debug_log, position)))
        return false;
    return restore_ring(merge, position) && feeding_resume(merge, position);
}
