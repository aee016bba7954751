/*
 * Records, uploads, launches and observations in one order; and where a timeline begins whose first
 * entries were overwritten.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

/** Observations since the ring changed last: together they may be a checkpoint. */
struct seen {
    /** Indices into observations, TIMELINE_NONE. */
    uint32_t control;
    uint32_t ring;
    uint32_t debug_log;
};

struct merge {
    struct timeline *timeline;
    const struct raw_journals *journals;
    struct replay_error *error;
    /** Place in the excerpt of the newest record of each slot so far, TIMELINE_NONE. */
    uint32_t *latest;
    /** First record that is not among them. */
    size_t next_record;
    /** Number of the last launch. */
    uint64_t launch;
    /** Wall clock of the next launch, UINT64_MAX after the last. */
    uint64_t next_launch_ns;
    struct seen seen;
    /** A beginning is still looked for. */
    bool looking;
    /** What came is known as if from the beginning. */
    bool cut;
};

static bool wrong(const struct merge *merge, enum journal_kind kind, const struct raw_entry *entry,
                  const char *what)
{
    return raw_entry_wrong(merge->journals, kind, entry, what, merge->error);
}

static bool add_event(struct merge *merge, enum timeline_kind kind, uint32_t which,
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
        merge->latest[excerpt->slots[merge->next_record].slot_idx] = (uint32_t)merge->next_record;
        merge->next_record++;
    }
}

static bool add_run(struct merge *merge, uint32_t first, uint32_t slots, uint32_t status,
                    uint64_t position)
{
    struct timeline *timeline = merge->timeline;
    if (status != VYRE_STATUS_PUBLISHED) {
        struct timeline_statuses run = {first, slots, status};
        return (timeline_append_32(&timeline->statuses, &timeline->statuses_len, sizeof(run),
                                   &run) ||
                replay_fail_memory(merge->error)) &&
               add_event(merge, TIMELINE_STATUS, timeline->statuses_len - 1, position);
    }
    for (uint32_t slot = first; slot < first + slots; slot++) {
        if (merge->latest[slot] == TIMELINE_NONE) {
            /* Its record was overwritten: what comes after is not known any more. */
            merge->looking = merge->cut;
            timeline->gaps.unrecorded++;
        } else if (!add_event(merge, TIMELINE_PUBLISH, merge->latest[slot], position)) {
            return false;
        }
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
            !add_run(merge, slot, slots, status, entry->head.position))
            return false;
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
    if (from.launch <= merge->launch)
        return wrong(merge, JOURNAL_SUBMITS, entry, "is a launch that was before");
    struct timeline_submit submit = {.kernel = timeline_kernel_of(timeline, from.kernel),
                                     .dimensions = from.dimensions,
                                     .launch = from.launch,
                                     .time_ns = entry->head.time_ns};
    memcpy(submit.global_offset, from.global_offset, sizeof(submit.global_offset));
    memcpy(submit.global_size, from.global_size, sizeof(submit.global_size));
    memcpy(submit.local_size, from.local_size, sizeof(submit.local_size));
    for (uint32_t i = 0; i < from.dimensions; i++)
        if (submit.global_size[i] == 0)
            return wrong(merge, JOURNAL_SUBMITS, entry, "launches nothing");
    merge->launch = from.launch;
    return (timeline_append_32(&timeline->submits, &timeline->submits_len, sizeof(submit),
                               &submit) ||
            replay_fail_memory(merge->error)) &&
           add_event(merge, TIMELINE_SUBMIT, timeline->submits_len - 1, entry->head.position);
}

static bool add_contents(struct merge *merge, const struct raw_entry *entry)
{
    struct session_contents_view contents;
    if (!session_contents_read(entry->payload, entry->head.bytes, &contents))
        return wrong(merge, JOURNAL_SUBMITS, entry, "is no contents");
    return timeline_add_contents(merge->timeline, &contents, entry->head.position) ||
           replay_fail_memory(merge->error);
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
        if (!add_event(merge, TIMELINE_LOST, timeline->lost_len - 1, entry->head.position))
            return false;
    }
    return true;
}

static bool covers(const struct timeline *timeline, uint32_t observation, uint32_t role)
{
    const struct timeline_observation *one = &timeline->observations[observation];
    return one->offset == 0 && one->count == timeline->roles[role].bytes;
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
    for (uint32_t slot = 0; slot < merge->timeline->ring_slots; slot++)
        if (timeline_observed_published(ring, slot) && merge->latest[slot] == TIMELINE_NONE)
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
    return (timeline_append_32(&timeline->contents, &timeline->contents_len, sizeof(contents),
                               &contents) ||
            replay_fail_memory(merge->error)) &&
           add_event(merge, TIMELINE_CONTENTS, timeline->contents_len - 1, position);
}

static bool restore_ring(struct merge *merge, uint64_t position)
{
    struct timeline *timeline = merge->timeline;
    const struct timeline_observation *ring = &timeline->observations[merge->seen.ring];
    uint32_t free_status =
        ring->statuses[VYRE_STATUS_DONE] > 0 ? VYRE_STATUS_DONE : VYRE_STATUS_EMPTY;
    timeline->gaps.free_slots_unknown =
        ring->statuses[VYRE_STATUS_DONE] > 0 && ring->statuses[VYRE_STATUS_EMPTY] > 0;
    if (!add_run(merge, 0, timeline->ring_slots, free_status, position))
        return false;
    for (uint32_t slot = 0; slot < timeline->ring_slots; slot++)
        if (timeline_observed_published(ring, slot) &&
            !add_run(merge, slot, 1, VYRE_STATUS_PUBLISHED, position))
            return false;
    return true;
}

/** Begin here, if what was seen since the ring changed last is a checkpoint. */
static bool try_checkpoint(struct merge *merge)
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
    return restore_ring(merge, position);
}

/** The buffers are about to change. */
static bool leave_observations(struct merge *merge)
{
    bool left = try_checkpoint(merge);
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
    if (!leave_observations(merge))
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

static uint32_t role_of(enum session_observed what)
{
    static const uint32_t roles[] = {
        [SESSION_OBSERVED_CONTROL] = VYRE_KERNEL_ARG_CONTROL,
        [SESSION_OBSERVED_RING] = VYRE_KERNEL_ARG_RING,
        [SESSION_OBSERVED_DEBUG_LOG] = VYRE_KERNEL_ARG_DEBUG_LOG,
        [SESSION_OBSERVED_IO_QUEUE] = VYRE_KERNEL_ARG_IO_QUEUE,
    };
    return roles[what];
}

static bool read_observation(const struct merge *merge, const struct raw_entry *entry,
                             struct timeline_observation *observation)
{
    struct session_observation_view view;
    if (entry->head.type != SESSION_ENTRY_OBSERVATION ||
        !session_observation_read(entry->payload, entry->head.bytes, &view))
        return wrong(merge, JOURNAL_OBSERVATIONS, entry, "is no observation");
    const struct session_observation *head = &view.head;
    *observation = (struct timeline_observation){
        .entry = entry->head.number,
        .time_ns = entry->head.time_ns,
        .what = (enum session_observed)head->what,
        .offset = head->offset,
        .count = head->count,
        .launches = head->launches,
        .exact = head->completed >= head->launches,
        .bytes = view.observed_bytes > 0 ? view.observed : NULL,
    };
    memcpy(observation->statuses, head->statuses, sizeof(head->statuses));
    const struct timeline_range *role = &merge->timeline->roles[role_of(observation->what)];
    bool fits = role->buffer != TIMELINE_NONE && head->offset <= role->bytes &&
                head->count <= role->bytes - head->offset && head->count > 0;
    if (observation->what == SESSION_OBSERVED_RING)
        fits = fits && head->offset % VYRE_SLOT_BYTES == 0 && head->count % VYRE_SLOT_BYTES == 0;
    return fits || wrong(merge, JOURNAL_OBSERVATIONS, entry, "lies outside its buffer");
}

static bool add_observation(struct merge *merge, const struct raw_entry *entry)
{
    struct timeline *timeline = merge->timeline;
    struct timeline_observation observation;
    if (!read_observation(merge, entry, &observation))
        return false;
    pass_records(merge, entry->head.position);
    if (!timeline_append_32(&timeline->observations, &timeline->observations_len,
                            sizeof(observation), &observation))
        return replay_fail_memory(merge->error);
    uint32_t which = timeline->observations_len - 1;
    if (observation.exact && merge->launch > 0) {
        bool control = observation.what == SESSION_OBSERVED_CONTROL;
        bool ring = observation.what == SESSION_OBSERVED_RING;
        bool debug_log = observation.what == SESSION_OBSERVED_DEBUG_LOG;
        if (control && covers(timeline, which, VYRE_KERNEL_ARG_CONTROL))
            merge->seen.control = which;
        if (ring && covers(timeline, which, VYRE_KERNEL_ARG_RING))
            merge->seen.ring = which;
        if (debug_log && covers(timeline, which, VYRE_KERNEL_ARG_DEBUG_LOG))
            merge->seen.debug_log = which;
    }
    return add_event(merge, TIMELINE_OBSERVATION, which, entry->head.position);
}

/** An observation, to be put in order. */
struct observed {
    uint64_t launches;
    const struct raw_entry *entry;
};

static int compare_observed(const void *left, const void *right)
{
    const struct observed *a = left;
    const struct observed *b = right;
    if (a->launches != b->launches)
        return a->launches < b->launches ? -1 : 1;
    return (a->entry->head.number > b->entry->head.number) -
           (a->entry->head.number < b->entry->head.number);
}

/** The observations of the ring, by the launches before them: one that the host learned of late
 *  belongs where it was made. */
static bool list_observed(const struct merge *merge, struct observed **list, size_t *len)
{
    const struct raw_journal *journal = &merge->journals->of[JOURNAL_OBSERVATIONS];
    *len = 0;
    *list = malloc((journal->len + 1) * sizeof(**list));
    if (*list == NULL)
        return replay_fail_memory(merge->error);
    for (size_t i = 0; i < journal->len; i++) {
        const struct raw_entry *entry = &journal->entries[i];
        struct session_observation_view view;
        if (entry->head.ring != merge->timeline->excerpt.ring)
            continue;
        if (entry->head.type != SESSION_ENTRY_OBSERVATION ||
            !session_observation_read(entry->payload, entry->head.bytes, &view)) {
            free(*list);
            return wrong(merge, JOURNAL_OBSERVATIONS, entry, "is no observation");
        }
        (*list)[(*len)++] = (struct observed){view.head.launches, entry};
    }
    qsort(*list, *len, sizeof(**list), compare_observed);
    return true;
}

static bool is_launch(const struct merge *merge, const struct raw_entry *entry)
{
    return entry->head.type == SESSION_ENTRY_SUBMIT &&
           entry->head.ring == merge->timeline->excerpt.ring;
}

static uint64_t launch_number(const struct raw_entry *entry)
{
    struct session_submit submit = {0};
    session_submit_read(entry->payload, entry->head.bytes, &submit);
    return submit.launch;
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
        if (!add_change(merge, change))
            return false;
        if (is_launch(merge, change))
            merge->next_launch_ns = next_launch_ns(merge, i + 1);
    }
    for (; next < len; next++)
        if (!add_observation(merge, observed[next].entry))
            return false;
    return leave_observations(merge);
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
    return replay_fail(
        merge->error,
        "%s: the beginning of run %u was overwritten, and the host never read control buffer and "
        "ring back whole with nothing in flight, so there is no checkpoint to begin at. Fix: "
        "record "
        "with a larger --capacity, or move the session away to replay the bare log.",
        merge->journals->path, merge->timeline->excerpt.run);
}

bool timeline_merge(struct timeline *timeline, const struct raw_journals *journals,
                    struct replay_error *error)
{
    const struct raw_journal *submits = &journals->of[JOURNAL_SUBMITS];
    struct merge merge = {.timeline = timeline,
                          .journals = journals,
                          .error = error,
                          .cut = timeline->excerpt.wrapped || submits->cut,
                          .seen = {TIMELINE_NONE, TIMELINE_NONE, TIMELINE_NONE}};
    merge.looking = merge.cut;
    struct observed *observed;
    size_t len;
    if (!list_observed(&merge, &observed, &len))
        return false;
    merge.latest = malloc(timeline->ring_slots * sizeof(*merge.latest));
    bool merged = merge.latest != NULL || replay_fail_memory(error);
    for (uint32_t slot = 0; merged && slot < timeline->ring_slots; slot++)
        merge.latest[slot] = TIMELINE_NONE;
    merged = merged && merge_all(&merge, observed, len);
    if (merged && merge.looking)
        merged = fail_cut(&merge);
    timeline->gaps.observations_cut = journals->of[JOURNAL_OBSERVATIONS].cut;
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        timeline->gaps.dropped += journals->of[kind].dropped;
    timeline->gaps.other_buffers =
        timeline->gaps.checkpoint > 0 && timeline->buffers_len > TIMELINE_ROLES;
    merged = merged && count_records(&merge);
    free(merge.latest);
    free(observed);
    return merged;
}
