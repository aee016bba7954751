/*
 * Launches that are fed while they run, as those of kernels that never stop.
 *
 * That something went up beside a launch does not tell whether it looked there: a "once" kernel
 * does not, or has been there already.  So it counts as fed when it was seen to have drained what
 * went up after it began.  Its rounds stand where a replay that launches anew for each has to do
 * so: before what the host observed, and before it used a slot again.
 */
#include <string.h>

#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

static bool end_round(struct merge *merge, uint64_t position)
{
    struct feeding *feeding = &merge->feeding;
    if (!feeding->waiting)
        return true;
    feeding->waiting = false;
    feeding->round++;
    return merge_add_event(merge, TIMELINE_ROUND, merge->timeline->submits_len - 1, position);
}

bool feeding_change(struct merge *merge, const struct raw_entry *entry)
{
    struct feeding *feeding = &merge->feeding;
    uint32_t type = entry->head.type;
    if (entry->head.ring != merge->timeline->excerpt.ring || type == SESSION_ENTRY_SUBMIT)
        return true;
    bool beside =
        (entry->head.flags & JOURNAL_ENTRY_BESIDE) != 0 && merge->timeline->submits_len > 0;
    feeding->was_idle = feeding->idle;
    feeding->idle = false;
    /* What the host writes elsewhere changes what the lanes do with what they have. */
    if ((type != SESSION_ENTRY_UPLOAD || !beside) && !end_round(merge, entry->head.position))
        return false;
    if (type != SESSION_ENTRY_LOST)
        feeding->running = beside;
    feeding->waiting = feeding->waiting || (beside && type == SESSION_ENTRY_CONTENTS);
    return true;
}

bool feeding_publish(struct merge *merge, struct merge_slot *slot, uint64_t position)
{
    struct feeding *feeding = &merge->feeding;
    if (!feeding->running)
        return true;
    if (feeding->waiting && slot->round == feeding->round + 1 && !end_round(merge, position))
        return false;
    slot->round = feeding->round + 1;
    slot->beside = merge->launch;
    feeding->waiting = true;
    return true;
}

void feeding_contents(struct merge *merge, const struct timeline_contents *contents)
{
    const struct timeline_range *control = &merge->timeline->roles[VYRE_KERNEL_ARG_CONTROL];
    const struct timeline_range *to = &contents->to;
    uint64_t at = control->offset + VYRE_CONTROL_DONE_COUNT * sizeof(uint32_t);
    if (to->buffer != control->buffer || to->offset >= at + sizeof(uint32_t) ||
        to->offset + to->bytes <= at)
        return;
    bool whole = to->offset <= at && to->offset + to->bytes >= at + sizeof(uint32_t);
    /* What was not counted before would be now. */
    merge->feeding.done_known = merge->feeding.done_known && whole && merge->feeding.was_idle;
    if (whole)
        memcpy(&merge->feeding.done, (const uint8_t *)contents->bytes + (at - to->offset),
               sizeof(uint32_t));
}

void feeding_lose(struct merge *merge)
{
    merge->feeding.done_known = false;
}

bool feeding_submit(struct merge *merge, uint64_t position)
{
    struct feeding *feeding = &merge->feeding;
    if (!end_round(merge, position))
        return false;
    feeding->running = feeding->idle = false;
    feeding->done_before = feeding->done;
    return true;
}

bool feeding_resume(struct merge *merge, uint64_t position)
{
    struct feeding *feeding = &merge->feeding;
    feeding->done_before = feeding->done;
    feeding->waiting = false;
    return !feeding->running ||
           merge_add_event(merge, TIMELINE_SUBMIT, merge->timeline->submits_len - 1, position);
}

void feeding_note(struct merge *merge, const struct raw_entry *entry,
                  const struct session_submit *submit)
{
    merge->feeding.done = submit->done;
    merge->feeding.done_known = (entry->head.flags & JOURNAL_ENTRY_COUNTED) != 0;
}

/** Whether slots that went up beside the launch were drained. */
static bool shows_drained(const struct merge *merge, const struct timeline_observation *ring)
{
    for (uint32_t slot = 0; slot < merge->timeline->ring_slots; slot++)
        if (merge->slots[slot].beside == merge->launch && merge->launch > 0 &&
            timeline_observed_slot(ring, slot) && !timeline_observed_published(ring, slot))
            return true;
    return false;
}

/** Whether it has no slot but such as stay as they are. */
static bool is_at_rest(const struct timeline_observation *ring)
{
    return ring->statuses[VYRE_STATUS_EMPTY] + ring->statuses[VYRE_STATUS_DONE] ==
           ring->count / VYRE_SLOT_BYTES;
}

bool feeding_observe(struct merge *merge, struct timeline_observation *observation,
                     uint64_t position)
{
    struct feeding *feeding = &merge->feeding;
    struct timeline *timeline = merge->timeline;
    uint32_t done;
    bool counted = timeline_observed_done(observation, &done) && feeding->done_known;
    bool was_idle = feeding->idle;
    if (!end_round(merge, position))
        return false;
    if (feeding->running &&
        ((counted && (int32_t)(done - feeding->done_before) > 0) ||
         (observation->what == SESSION_OBSERVED_RING && shows_drained(merge, observation))))
        timeline->submits[timeline->submits_len - 1].fed = timeline->fed = true;
    if (counted)
        feeding->idle = done == feeding->done;
    /* DONE_COUNT and the other words of one look need not be of one moment, but what is looked at
     * after nothing was left to do is what it stays. */
    if (!observation->ended && was_idle && (!counted || feeding->idle))
        observation->exact = observation->what != SESSION_OBSERVED_RING || is_at_rest(observation);
    feeding->running = feeding->running && !observation->ended;
    return true;
}

bool feeding_end(struct merge *merge)
{
    struct timeline *timeline = merge->timeline;
    size_t kept = 0;
    uint64_t position =
        timeline->events_len == 0 ? 0 : timeline->events[timeline->events_len - 1].position;
    if (!end_round(merge, position))
        return false;
    for (size_t i = 0; i < timeline->events_len; i++) {
        const struct timeline_event *event = &timeline->events[i];
        if (event->kind != TIMELINE_ROUND || timeline->submits[event->which].fed)
            timeline->events[kept++] = *event;
    }
    timeline->events_len = kept;
    return true;
}
