#include "replay/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "replay/schedule.h"
#include "replay/timeline_parts.h"
#include "vyre/control.h"

/** Tenants of a fresh control buffer: all masks allow, and all quotas are there. */
#define TENANTS VYRE_CONTROL_TENANT_QUOTAS_MAX

/** Memory of the timeline. */
struct block {
    struct block *next;
    _Alignas(16) uint8_t bytes[];
};

void *timeline_allocate(struct timeline *timeline, size_t bytes)
{
    struct block *block = malloc(sizeof(*block) + bytes);
    if (block == NULL)
        return NULL;
    block->next = timeline->memory;
    timeline->memory = block;
    return block->bytes;
}

bool timeline_append(void *array, size_t *len, size_t element_bytes, const void *element)
{
    uint8_t *elements;
    memcpy(&elements, array, sizeof(elements));
    /* An array of 2^n elements, n > 3, is full. */
    if (*len == 0 || (*len >= 16 && (*len & (*len - 1)) == 0)) {
        size_t room = *len == 0 ? 16 : 2 * *len;
        elements = realloc(elements, room * element_bytes);
        if (elements == NULL)
            return false;
        memcpy(array, &elements, sizeof(elements));
    }
    memcpy(elements + *len * element_bytes, element, element_bytes);
    (*len)++;
    return true;
}

bool timeline_append_32(void *array, uint32_t *len, size_t element_bytes, const void *element)
{
    size_t elements = *len;
    if (elements == TIMELINE_NONE - 1 || !timeline_append(array, &elements, element_bytes, element))
        return false;
    *len = (uint32_t)elements;
    return true;
}

bool timeline_add_event(struct timeline *timeline, enum timeline_kind kind, uint32_t which,
                        uint64_t position)
{
    struct timeline_event event = {.kind = kind, .which = which, .position = position};
    return timeline_append(&timeline->events, &timeline->events_len, sizeof(event), &event);
}

/** A buffer of a timeline that is made, as the whole of which the role is taken. */
static bool make_role(struct timeline *timeline, uint32_t role, uint64_t bytes)
{
    timeline->roles[role] = (struct timeline_range){timeline->buffers_len, 0, bytes};
    return timeline_append_32(&timeline->buffers, &timeline->buffers_len,
                              sizeof(struct timeline_buffer),
                              &(struct timeline_buffer){.bytes = bytes});
}

static bool make_buffers(struct timeline *timeline)
{
    size_t control_bytes = timeline->control_words * sizeof(uint32_t);
    uint32_t *control = timeline_allocate(timeline, control_bytes);
    if (control == NULL || !make_role(timeline, VYRE_KERNEL_ARG_CONTROL, control_bytes) ||
        !make_role(timeline, VYRE_KERNEL_ARG_RING,
                   (uint64_t)timeline->ring_slots * VYRE_SLOT_BYTES) ||
        !make_role(timeline, VYRE_KERNEL_ARG_DEBUG_LOG, VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t)) ||
        !make_role(timeline, VYRE_KERNEL_ARG_IO_QUEUE, VYRE_IO_QUEUE_WORDS * sizeof(uint32_t)))
        return false;
    vyre_control_encode(control, timeline->control_words, TENANTS);
    control[VYRE_CONTROL_EPOCH] = timeline->excerpt.slots[0].epoch;
    struct timeline_contents contents = {timeline->roles[VYRE_KERNEL_ARG_CONTROL], control};
    return timeline_append_32(&timeline->contents, &timeline->contents_len, sizeof(contents),
                              &contents) &&
           timeline_add_event(timeline, TIMELINE_CONTENTS, 0, 0);
}

static bool make_batch(struct timeline *timeline, const struct batch *batch, uint64_t launch)
{
    const struct recorded_slot *slots = timeline->excerpt.slots;
    for (size_t i = batch->first; i < batch->first + batch->len; i++)
        if (!timeline_add_event(timeline, TIMELINE_PUBLISH, (uint32_t)i, slots[i].sequence))
            return false;
    struct timeline_submit submit = {.kernel = TIMELINE_NONE, .launch = launch};
    uint64_t position = slots[batch->first + batch->len - 1].sequence + 1;
    return timeline_append_32(&timeline->submits, &timeline->submits_len, sizeof(submit),
                              &submit) &&
           timeline_add_event(timeline, TIMELINE_SUBMIT, timeline->submits_len - 1, position) &&
           timeline_add_event(timeline, TIMELINE_OBSERVATION, TIMELINE_NONE, position);
}

bool timeline_make(struct timeline *timeline, struct replay_error *error)
{
    struct schedule schedule;
    if (!schedule_make(&timeline->excerpt, &schedule, error))
        return false;
    timeline->control_words = schedule.control_words;
    timeline->ring_slots = schedule.ring_slots;
    timeline->obstacles = schedule.obstacles;
    timeline->epochs = schedule.epochs;
    bool made = schedule.obstacles > 0 || make_buffers(timeline);
    for (size_t i = 0; made && i < schedule.len; i++)
        made = make_batch(timeline, &schedule.batches[i], i + 1);
    schedule_free(&schedule);
    return made || replay_fail_memory(error);
}

static void count_obstacles(struct timeline *timeline)
{
    struct excerpt *excerpt = &timeline->excerpt;
    for (size_t i = 0; i < excerpt->len; i++) {
        struct recorded_slot *slot = &excerpt->slots[i];
        if (slot->obstacle == OBSTACLE_NONE && slot->slot_idx >= timeline->ring_slots) {
            slot->obstacle = OBSTACLE_OUTSIDE;
            slot->obstacle_value = timeline->ring_slots;
        }
        if (slot->obstacle != OBSTACLE_NONE)
            timeline->obstacles++;
    }
}

static bool has_entry(const struct raw_journal *journal, enum session_entry_type type,
                      uint32_t ring)
{
    for (size_t i = 0; i < journal->len; i++)
        if (journal->entries[i].head.type == type && journal->entries[i].head.ring == ring)
            return true;
    return false;
}

static bool read_recorded(struct timeline *timeline, const struct raw_journals *journals,
                          struct replay_error *error)
{
    uint32_t ring = timeline->excerpt.ring;
    bool launched = has_entry(&journals->of[JOURNAL_SUBMITS], SESSION_ENTRY_SUBMIT, ring);
    if (!launched && has_entry(&journals->of[JOURNAL_PROGRAMS], SESSION_ENTRY_KERNEL, ring))
        return replay_fail(
            error,
            "%s.d/submits: no launch of run %u, ring %u is there: the host ended, or "
            "was let go, within the first, or the file is of another log. Fix: "
            "record for longer, use the session that was recorded with this log, "
            "or move it away to replay the bare log.",
            journals->path, timeline->excerpt.run, ring);
    if (!launched && timeline->excerpt.late)
        return replay_fail(error,
                           "%s: run %u was attached to while it ran, and none of its launches was "
                           "understood, so what its buffers held is not known. Fix: start the "
                           "program with 'vrrl record --dormant', or move the session away to "
                           "replay the bare log on fresh buffers.",
                           journals->path, timeline->excerpt.run);
    if (!launched)
        return timeline_make(timeline, error);
    timeline->recorded = true;
    if (!timeline_read_launched(timeline, journals, error))
        return false;
    count_obstacles(timeline);
    return timeline->obstacles > 0 || timeline_merge(timeline, journals, error);
}

bool timeline_read(const char *path, const struct excerpt_choice *choice, struct timeline *timeline,
                   struct replay_error *error)
{
    memset(timeline, 0, sizeof(*timeline));
    if (!excerpt_read(path, choice, &timeline->excerpt, error))
        return false;
    bool read;
    struct raw_journals journals;
    if (!timeline->excerpt.session) {
        read = timeline_make(timeline, error);
    } else {
        read = raw_journals_read(path, timeline, &journals, error);
        if (read) {
            read = read_recorded(timeline, &journals, error);
            raw_journals_free(&journals);
        }
    }
    if (!read)
        timeline_free(timeline);
    return read;
}

void timeline_free(struct timeline *timeline)
{
    struct block *block = timeline->memory;
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(timeline->events);
    free(timeline->buffers);
    free(timeline->programs);
    free(timeline->kernels);
    free(timeline->submits);
    free(timeline->contents);
    free(timeline->statuses);
    free(timeline->observations);
    free(timeline->lost);
    excerpt_free(&timeline->excerpt);
    memset(timeline, 0, sizeof(*timeline));
}

bool timeline_observed_slot(const struct timeline_observation *observation, uint32_t slot)
{
    uint64_t first = observation->offset / VYRE_SLOT_BYTES;
    return observation->what == SESSION_OBSERVED_RING && slot >= first &&
           slot - first < observation->count / VYRE_SLOT_BYTES;
}

bool timeline_observed_published(const struct timeline_observation *observation, uint32_t slot)
{
    if (!timeline_observed_slot(observation, slot) || observation->bytes == NULL)
        return false;
    uint64_t bit = slot - observation->offset / VYRE_SLOT_BYTES;
    return (observation->bytes[bit / 8] >> bit % 8 & 1u) != 0;
}

bool timeline_observed_done(const struct timeline_observation *observation, uint32_t *done)
{
    uint64_t at = VYRE_CONTROL_DONE_COUNT * sizeof(*done);
    if (observation->what != SESSION_OBSERVED_CONTROL || observation->offset > at ||
        observation->offset + observation->count < at + sizeof(*done))
        return false;
    memcpy(done, observation->bytes + (at - observation->offset), sizeof(*done));
    return true;
}
