/*
 * Records, uploads, launches and observations in one order.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

/** What a recorder writes stays far below: a file that does not was made to keep a replay busy. */
#define LOOKED_AT_MAX (UINT64_C(1) << 31)
#define EVENTS_MAX (UINT64_C(1) << 24)

static bool wrong(const struct merge *merge, enum journal_kind kind, const struct raw_entry *entry,
                  const char *what)
{
    return raw_entry_wrong(merge->journals, kind, entry, what, merge->error);
}

bool merge_add_event(struct merge *merge, enum timeline_kind kind, uint32_t which,
                     uint64_t position)
{
    return timeline_add_event(merge->timeline, kind, which, position) ||
           replay_fail_memory(merge->error);
}

/** Let the records pass that were made before a position. */
static void pass_records(struct merge *merge, uint64_t position)
{
    const struct excerpt *excerpt = &merge->timeline->excerpt;
    while (merge->next_record < excerpt->len &&
           excerpt->slots[merge->next_record].sequence < position) {
        merge->slots[excerpt->slots[merge->next_record].slot_idx].latest =
            (uint32_t)merge->next_record;
        merge->next_record++;
    }
}

bool merge_add_run(struct merge *merge, uint32_t first, uint32_t slots, uint32_t status,
                   uint64_t position)
{
    struct timeline *timeline = merge->timeline;
    if (status != VYRE_STATUS_PUBLISHED) {
        struct timeline_statuses run = {first, slots, status};
        return (timeline_append_32(&timeline->statuses, &timeline->statuses_len, sizeof(run),
                                   &run) ||
                replay_fail_memory(merge->error)) &&
               merge_add_event(merge, TIMELINE_STATUS, timeline->statuses_len - 1, position);
    }
    for (uint32_t slot = first; slot < first + slots; slot++) {
        struct merge_slot *known = &merge->slots[slot];
        /* The same record goes up again only while it has not been drained. */
        bool drained = known->settled < merge->launch ||
                       (merge->feeding.running && !known->shown && known->beside == merge->launch);
        bool again = known->carried == known->latest && drained;
        if (known->latest == TIMELINE_NONE || again) {
            /* Its record is not there: what comes after is not known any more. */
            merge->looking = merge->looking || merge->cut;
            timeline->gaps.unrecorded++;
            merge->feeding.done++;
            continue;
        }
        merge->feeding.done += known->carried != known->latest ? 1 : 0;
        known->carried = known->latest;
        known->settled = merge->launch;
        known->shown = false;
        if (!feeding_publish(merge, known, position) ||
            !merge_add_event(merge, TIMELINE_PUBLISH, known->latest, position))
            return false;
    }
    return true;
}

static bool add_upload(struct merge *merge, const struct raw_entry *entry)
{
    struct session_upload_view upload;
    uint32_t ring_slots = merge->timeline->ring_slots;
    if (!session_upload_read(entry->payload, entry->head.bytes, &upload) ||
        upload.head.first_slot > ring_slots || upload.slots > ring_slots - upload.head.first_slot)
        return wrong(merge, JOURNAL_SUBMITS, entry, "is no upload into this ring");
    uint32_t slot = upload.head.first_slot;
    for (uint32_t i = 0; i < upload.head.runs; i++) {
        uint32_t slots;
        uint32_t status;
        session_upload_run(&upload, i, &slots, &status);
        if (status != SESSION_STATUS_UNTOLD &&
            !merge_add_run(merge, slot, slots, status, entry->head.position))
            return false;
        merge->looked_at += slots;
        if (merge->looked_at > LOOKED_AT_MAX || merge->timeline->events_len > EVENTS_MAX)
            return wrong(merge, JOURNAL_SUBMITS, entry, "asks for more work than a replay may do");
        slot += slots;
    }
    return true;
}

static bool add_submit(struct merge *merge, const struct raw_entry *entry)
{
    struct timeline *timeline = merge->timeline;
    struct session_submit from;
    if (!session_submit_read(entry->payload, entry->head.bytes, &from) || from.dimensions == 0)
        return wrong(merge, JOURNAL_SUBMITS, entry, "is no submit");
    /* One that was under way when it was about to be overwritten stands there once more. */
    if (from.launch == merge->launch) {
        feeding_note(merge, entry, &from);
        return true;
    }
    if (from.launch < merge->launch)
        return wrong(merge, JOURNAL_SUBMITS, entry, "is a launch that was before");
    const struct raw_entry *kernel = raw_entry_find(merge->journals, JOURNAL_PROGRAMS, from.kernel);
    struct timeline_submit submit = {.kernel = kernel->made,
                                     .dimensions = from.dimensions,
                                     .launch = from.launch,
                                     .time_ns = entry->head.time_ns};
    memcpy(submit.global_offset, from.global_offset, sizeof(submit.global_offset));
    memcpy(submit.global_size, from.global_size, sizeof(submit.global_size));
    memcpy(submit.local_size, from.local_size, sizeof(submit.local_size));
    for (uint32_t i = 0; i < from.dimensions; i++)
        if (submit.global_size[i] == 0)
            return wrong(merge, JOURNAL_SUBMITS, entry, "launches nothing");
    if (!feeding_submit(merge, entry->head.position))
        return false;
    if (merge->journals->of[JOURNAL_SUBMITS].cut && merge->timeline->submits_len == 0)
        feeding_note(merge, entry, &from);
    merge->launch = from.launch;
    return (timeline_append_32(&timeline->submits, &timeline->submits_len, sizeof(submit),
                               &submit) ||
            replay_fail_memory(merge->error)) &&
           merge_add_event(merge, TIMELINE_SUBMIT, timeline->submits_len - 1, entry->head.position);
}

static bool add_contents(struct merge *merge, const struct raw_entry *entry)
{
    struct session_contents_view contents;
    if (!session_contents_read(entry->payload, entry->head.bytes, &contents))
        return wrong(merge, JOURNAL_SUBMITS, entry, "is no contents");
    uint32_t before = merge->timeline->contents_len;
    if (!timeline_add_contents(merge->timeline, &contents, entry->head.position))
        return replay_fail_memory(merge->error);
    for (uint32_t i = before; i < merge->timeline->contents_len; i++)
        feeding_contents(merge, &merge->timeline->contents[i]);
    return true;
}

static bool add_lost(struct merge *merge, const struct raw_entry *entry)
{
    struct timeline *timeline = merge->timeline;
    struct session_lost from;
    if (!session_lost_read(entry->payload, entry->head.bytes, &from))
        return wrong(merge, JOURNAL_SUBMITS, entry, "is no loss");
    for (uint32_t i = 0; i < timeline->buffers_len; i++) {
        const struct timeline_buffer *buffer = &timeline->buffers[i];
        if (buffer->number != from.buffer || from.offset >= buffer->bytes)
            continue;
        uint64_t left = buffer->bytes - from.offset;
        struct timeline_range range = {i, from.offset, from.bytes < left ? from.bytes : left};
        if (!timeline_append_32(&timeline->lost, &timeline->lost_len, sizeof(range), &range))
            return replay_fail_memory(merge->error);
        timeline->gaps.lost++;
        feeding_lose(merge);
        if (!merge_add_event(merge, TIMELINE_LOST, timeline->lost_len - 1, entry->head.position))
            return false;
    }
    return true;
}

/** The buffers are about to change. */
static bool leave_observations(struct merge *merge)
{
    bool left = checkpoint_try(merge);
    merge->seen = (struct seen){TIMELINE_NONE, TIMELINE_NONE, TIMELINE_NONE};
    return left;
}

static bool of_timeline(const struct merge *merge, const struct raw_entry *entry)
{
    uint32_t type = entry->head.type;
    return type == SESSION_ENTRY_CONTENTS || type == SESSION_ENTRY_LOST ||
           entry->head.ring == merge->timeline->excerpt.ring;
}

static bool add_change(struct merge *merge, const struct raw_entry *entry)
{
    if (!of_timeline(merge, entry))
        return true;
    if (!leave_observations(merge) || !feeding_change(merge, entry))
        return false;
    pass_records(merge, entry->head.position);
    switch (entry->head.type) {
    case SESSION_ENTRY_UPLOAD:
        return add_upload(merge, entry);
    case SESSION_ENTRY_CONTENTS:
        return add_contents(merge, entry);
    case SESSION_ENTRY_LOST:
        return add_lost(merge, entry);
    case SESSION_ENTRY_SUBMIT:
        return add_submit(merge, entry);
    default:
        return wrong(merge, JOURNAL_SUBMITS, entry, "is none of this journal's");
    }
}

/** Slots that were seen PUBLISHED have not been drained. */
static void settle_published(struct merge *merge, const struct timeline_observation *ring)
{
    for (uint32_t slot = 0; ring->bytes != NULL && slot < merge->timeline->ring_slots; slot++) {
        if (!timeline_observed_published(ring, slot))
            continue;
        merge->slots[slot].shown = true;
        if (merge->slots[slot].settled < ring->launches)
            merge->slots[slot].settled = ring->launches;
    }
}

static bool add_observation(struct merge *merge, const struct raw_entry *entry)
{
    struct timeline *timeline = merge->timeline;
    struct timeline_observation observation;
    if (!observed_read(merge, entry, &observation))
        return false;
    pass_records(merge, entry->head.position);
    if (!feeding_observe(merge, &observation, entry->head.position))
        return false;
    if (!timeline_append_32(&timeline->observations, &timeline->observations_len,
                            sizeof(observation), &observation))
        return replay_fail_memory(merge->error);
    uint32_t which = timeline->observations_len - 1;
    if (observation.what == SESSION_OBSERVED_RING)
        settle_published(merge, &observation);
    checkpoint_note(merge, which);
    return merge_add_event(merge, TIMELINE_OBSERVATION, which, entry->head.position);
}

static uint64_t launch_number(const struct raw_entry *entry)
{
    struct session_submit submit = {0};
    session_submit_read(entry->payload, entry->head.bytes, &submit);
    return submit.launch;
}

/** Whether it is a launch that was not before: not one that is noted once more. */
static bool is_launch(const struct merge *merge, const struct raw_entry *entry)
{
    return entry->head.type == SESSION_ENTRY_SUBMIT &&
           entry->head.ring == merge->timeline->excerpt.ring &&
           launch_number(entry) > merge->launch;
}

/** Wall clock of the first launch from an entry on. */
static uint64_t next_launch_ns(const struct merge *merge, size_t from)
{
    const struct raw_journal *submits = &merge->journals->of[JOURNAL_SUBMITS];
    for (size_t i = from; i < submits->len; i++)
        if (is_launch(merge, &submits->entries[i]))
            return submits->entries[i].head.time_ns;
    return UINT64_MAX;
}

/** Whether an observation comes before a change. */
static bool comes_first(const struct merge *merge, const struct observed *observed,
                        const struct raw_entry *change)
{
    const struct journal_entry *one = &observed->entry->head;
    if (is_launch(merge, change))
        return observed->launches < launch_number(change);
    if (observed->launches > merge->launch)
        return false;
    if (observed->launches < merge->launch || one->time_ns >= merge->next_launch_ns)
        return true;
    return one->position != change->head.position ? one->position < change->head.position
                                                  : one->time_ns <= change->head.time_ns;
}

static bool merge_all(struct merge *merge, const struct observed *observed, size_t len)
{
    const struct raw_journal *submits = &merge->journals->of[JOURNAL_SUBMITS];
    size_t next = 0;
    merge->next_launch_ns = next_launch_ns(merge, 0);
    for (size_t i = 0; i < submits->len; i++) {
        const struct raw_entry *change = &submits->entries[i];
        for (; next < len && comes_first(merge, &observed[next], change); next++)
            if (!add_observation(merge, observed[next].entry))
                return false;
        bool launch = is_launch(merge, change);
        if (!add_change(merge, change))
            return false;
        if (launch)
            merge->next_launch_ns = next_launch_ns(merge, i + 1);
    }
    for (; next < len; next++)
        if (!add_observation(merge, observed[next].entry))
            return false;
    return leave_observations(merge) && feeding_end(merge);
}

/** Count the records that no launch could see, and the epochs of the others. */
static bool count_records(struct merge *merge)
{
    struct timeline *timeline = merge->timeline;
    const struct excerpt *excerpt = &timeline->excerpt;
    bool *seen = calloc(excerpt->len, sizeof(*seen));
    if (seen == NULL)
        return replay_fail_memory(merge->error);
    size_t first = excerpt->len;
    for (size_t i = 0; i < timeline->events_len; i++) {
        const struct timeline_event *event = &timeline->events[i];
        if (event->kind != TIMELINE_PUBLISH)
            continue;
        seen[event->which] = true;
        first = event->which < first ? event->which : first;
    }
    uint32_t epoch = 0;
    for (size_t i = 0; i < excerpt->len; i++) {
        bool before = timeline->gaps.checkpoint > 0 && i < first;
        timeline->gaps.before += !seen[i] && before;
        timeline->gaps.never_launched += !seen[i] && !before;
        if (seen[i] && (timeline->epochs == 0 || excerpt->slots[i].epoch != epoch)) {
            epoch = excerpt->slots[i].epoch;
            timeline->epochs++;
        }
    }
    free(seen);
    return true;
}

static bool fail_cut(const struct merge *merge)
{
    if (merge->timeline->excerpt.late)
        return replay_fail(
            merge->error,
            "%s: run %u was attached to while it ran, and the host never read control buffer and "
            "ring back whole with nothing in flight, so there is no checkpoint to begin at. Fix: "
            "attach with --checkpoint, or move the session away to replay the bare log.",
            merge->journals->path, merge->timeline->excerpt.run);
    return replay_fail(
        merge->error,
        "%s: the beginning of run %u was overwritten, and the host never read control buffer and "
        "ring back whole with nothing in flight, so there is no checkpoint to begin at. Fix: "
        "record "
        "with a larger --capacity, or move the session away to replay the bare log.",
        merge->journals->path, merge->timeline->excerpt.run);
}

static bool fail_empty(const struct merge *merge)
{
    return replay_fail(
        merge->error,
        "%s: the beginning of run %u is not there, and after the last checkpoint, where a replay "
        "could begin, nothing was published. Fix: record with a larger --capacity, or replay the "
        "bare log by moving the session away.",
        merge->journals->path, merge->timeline->excerpt.run);
}

bool timeline_merge(struct timeline *timeline, const struct raw_journals *journals,
                    struct replay_error *error)
{
    const struct raw_journal *submits = &journals->of[JOURNAL_SUBMITS];
    struct merge merge = {.timeline = timeline,
                          .journals = journals,
                          .error = error,
                          .cut =
                              timeline->excerpt.wrapped || timeline->excerpt.late || submits->cut,
                          .seen = {TIMELINE_NONE, TIMELINE_NONE, TIMELINE_NONE}};
    merge.looking = submits->cut || timeline->excerpt.late;
    /* All buffers are 0 at first, as far as nothing else is known. */
    merge.feeding.done_known = merge.feeding.was_idle = true;
    for (uint32_t i = 0; i < timeline->contents_len; i++)
        feeding_contents(&merge, &timeline->contents[i]);
    size_t len;
    struct observed *observed = observed_list(&merge, &len);
    if (observed == NULL)
        return false;
    merge.slots = malloc(timeline->ring_slots * sizeof(*merge.slots));
    if (merge.slots == NULL) {
        free(observed);
        return replay_fail_memory(error);
    }
    for (uint32_t slot = 0; slot < timeline->ring_slots; slot++)
        merge.slots[slot] = (struct merge_slot){.latest = TIMELINE_NONE, .carried = TIMELINE_NONE};
    bool merged = merge_all(&merge, observed, len);
    if (merged && merge.looking)
        merged = fail_cut(&merge);
    timeline->gaps.observations_cut = journals->of[JOURNAL_OBSERVATIONS].cut;
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        timeline->gaps.dropped += journals->of[kind].dropped;
    timeline->gaps.other_buffers =
        timeline->gaps.checkpoint > 0 && timeline->buffers_len > TIMELINE_ROLES;
    merged = merged && count_records(&merge);
    if (merged && timeline->gaps.checkpoint > 0 && timeline->epochs == 0)
        merged = fail_empty(&merge);
    free(merge.slots);
    free(observed);
    return merged;
}
