/*
 * What is held against the recorded run, and refused, besides the words that come back: epochs,
 * slots that must be free, work, opcodes.
 */
#include <stdlib.h>

#include "replay/replay_parts.h"
#include "replay/words.h"

/** Whether it matters what the host had seen; otherwise only whether two replays part. */
static bool against_host(enum replay_against against)
{
    return against == REPLAY_AGAINST_RECORDED || against == REPLAY_AGAINST_REFERENCE;
}

bool replay_check_epochs(struct replay *replay, size_t event, struct replay_error *error)
{
    const struct recorded_slot *slots = replay->timeline->excerpt.slots;
    struct replay_result *result = replay->result;
    if (!against_host(result->against))
        return true;
    /* That EPOCH is another than the host had seen is known by then. */
    if (replay->comparison.reported[VYRE_CONTROL_EPOCH])
        return true;
    /* They go up in the order of their slots. */
    qsort(replay->fresh, replay->fresh_len, sizeof(*replay->fresh), compare_words);
    for (size_t i = 0; i < replay->fresh_len; i++) {
        uint32_t place = replay->fresh[i];
        const struct recorded_slot *slot = &slots[place];
        struct seen_epoch *seen = &replay->seen[slot->thread];
        uint32_t epoch = replay->device.view.control[VYRE_CONTROL_EPOCH];
        if (slot->epoch > epoch && !replay->observed) {
            if (!replay_observe(replay, false, error))
                return false;
            epoch = replay->device.view.control[VYRE_CONTROL_EPOCH];
        }
        struct divergence divergence = {.recorded = true,
                                        .event = event,
                                        .record = slot->index,
                                        .epoch = slot->epoch,
                                        .word = VYRE_CONTROL_EPOCH,
                                        .expected = slot->epoch,
                                        .actual = epoch};
        uint32_t lead = epoch - slot->epoch;
        if (slot->epoch > epoch) {
            divergence.kind = DIVERGENCE_EPOCH_AHEAD;
        } else if (slot->epoch < seen->epoch && seen->place < place) {
            divergence.kind = DIVERGENCE_EPOCH_BACK;
        } else {
            if (slot->epoch >= seen->epoch)
                *seen = (struct seen_epoch){slot->epoch, place};
            if (lead > result->largest_lead) {
                result->largest_lead = lead;
                result->largest_lead_record = slot->index;
            }
            if (lead == 0 || !replay->options->strict)
                continue;
            divergence.kind = DIVERGENCE_EPOCH_BEHIND;
        }
        divergences_add(&result->divergences, &divergence);
        return true;
    }
    return true;
}

bool replay_slot_is_free(struct replay *replay, size_t event, const struct recorded_slot *slot)
{
    uint32_t word = slot->slot_idx * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS;
    uint32_t status = backend_status(&replay->device.view, slot->slot_idx);
    if (replay->timeline->recorded || status == VYRE_STATUS_EMPTY || status == VYRE_STATUS_DONE)
        return true;
    struct divergence divergence = {.kind = DIVERGENCE_SLOT_BUSY,
                                    .recorded = true,
                                    .event = event,
                                    .record = slot->index,
                                    .epoch = slot->epoch,
                                    .word = word,
                                    .expected = VYRE_STATUS_DONE,
                                    .actual = status};
    if (against_host(replay->result->against))
        divergences_add(&replay->result->divergences, &divergence);
    return false;
}

static uint64_t lanes_of(const struct timeline_submit *submit)
{
    uint64_t lanes = 1;
    for (uint32_t i = 0; i < submit->dimensions; i++) {
        if (submit->global_size[i] > REPLAY_WORK_MAX * 64 / lanes)
            return UINT64_MAX / 2;
        lanes *= submit->global_size[i];
    }
    return lanes;
}

/** Lanes that a launch as wide as needed has. */
static uint64_t needed_lanes(const struct replay *replay)
{
    const struct comparison *comparison = &replay->comparison;
    const struct recorded_slot *slots = replay->timeline->excerpt.slots;
    uint32_t low = UINT32_MAX;
    uint32_t high = 0;
    for (size_t i = 0; i < comparison->flying_len; i++) {
        uint32_t slot = slots[comparison->flying[i]].slot_idx;
        low = slot < low ? slot : low;
        high = slot > high ? slot : high;
    }
    return low <= high ? high - low + 1 : 0;
}

bool replay_can_afford(struct replay *replay, const struct timeline_submit *submit,
                       struct replay_error *error)
{
    const struct comparison *comparison = &replay->comparison;
    if (submit->dimensions > 0)
        replay->work += replay->fresh_len + lanes_of(submit) / 64;
    else
        replay->work += comparison->flying_len + needed_lanes(replay) / 64;
    if (replay->work <= REPLAY_WORK_MAX + replay->timeline->excerpt.len * REPLAY_WORK_OF_RECORD)
        return true;
    size_t last = comparison->flying_len > 0 ? comparison->flying[comparison->flying_len - 1] : 0;
    return replay_fail(
        error,
        "by record %u the log asks for more work than a replay may do (long MEMCPYs, "
        "or huge buffers in very small batches). Fix: record a shorter run.",
        replay->timeline->excerpt.slots[last].index);
}

static void count_unhandled(const struct recorded_slot *slot, uint32_t opcode,
                            struct replay_result *result)
{
    size_t i = 0;
    while (i < result->unhandled_len && result->unhandled[i].opcode != opcode)
        i++;
    result->unhandled_records++;
    if (i == REPLAY_UNHANDLED_MAX)
        return;
    if (i == result->unhandled_len)
        result->unhandled[result->unhandled_len++] =
            (struct replay_unhandled){.opcode = opcode, .first = slot->index};
    result->unhandled[i].records++;
}

bool replay_check_opcodes(struct replay *replay, struct replay_error *error)
{
    static const struct handlers none = {0};
    const struct handlers *handlers =
        replay->options->handlers == NULL ? &none : replay->options->handlers;
    const struct timeline *timeline = replay->timeline;
    for (size_t i = 0; replay->result->builtin && i < timeline->events_len; i++) {
        uint32_t which = timeline->events[i].which;
        if (timeline->events[i].kind != TIMELINE_PUBLISH || replay->looked_at[which])
            continue;
        replay->looked_at[which] = true;
        const struct recorded_slot *slot = &timeline->excerpt.slots[which];
        uint32_t opcode;
        if (!handlers_know(handlers, slot->words, &opcode))
            count_unhandled(slot, opcode, replay->result);
        else if (replay->beside.backend == &backend_reference &&
                 !handlers_know(&none, slot->words, &opcode))
            return replay_fail(error,
                               "record %u has opcode 0x%x, whose handler the reference interpreter "
                               "does not have. Fix: compare with something else, see --against.",
                               slot->index, opcode);
    }
    return true;
}
