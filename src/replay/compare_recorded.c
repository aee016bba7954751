/*
 * A replay beside what the host of the recorded run read back.
 */
#include <string.h>

#include "replay/compare.h"

#define WORD sizeof(uint32_t)

/** Words that lie whole in an observation's range, and the recorded bytes of the first. */
struct span {
    uint32_t first;
    uint32_t end;
    const uint8_t *bytes;
};

static struct span words_of(const struct timeline_observation *observation)
{
    uint64_t first = (observation->offset + WORD - 1) / WORD;
    uint64_t end = (observation->offset + observation->count) / WORD;
    if (end < first)
        end = first;
    return (struct span){(uint32_t)first, (uint32_t)end,
                         observation->bytes + (first * WORD - observation->offset)};
}

static uint32_t recorded_word(const struct span *span, uint32_t word)
{
    uint32_t value;
    memcpy(&value, span->bytes + (word - span->first) * WORD, sizeof(value));
    return value;
}

static void check_control(struct comparison *comparison, size_t event,
                          const struct timeline_observation *observation, const uint32_t *actual)
{
    struct span span = words_of(observation);
    if (memcmp(actual + span.first, span.bytes, (span.end - span.first) * WORD) == 0)
        return;
    for (uint32_t word = span.first; word < span.end; word++) {
        uint32_t expected = recorded_word(&span, word);
        if (actual[word] == expected || comparison->reported[word])
            continue;
        comparison->reported[word] = true;
        comparison_add(comparison, &(struct divergence){.kind = DIVERGENCE_CONTROL,
                                                        .recorded = true,
                                                        .event = event,
                                                        .word = word,
                                                        .expected = expected,
                                                        .actual = actual[word]});
    }
}

/** Launches were in flight, and all are complete here. */
static void check_growing(struct comparison *comparison, size_t event,
                          const struct timeline_observation *observation, const uint32_t *actual)
{
    struct span span = words_of(observation);
    for (uint32_t word = span.first; word < span.end && word < VYRE_CONTROL_WORDS_MIN; word++) {
        uint32_t expected = recorded_word(&span, word);
        if (!comparison->grows[word] || comparison->reported[word] ||
            (int32_t)(actual[word] - expected) >= 0)
            continue;
        comparison->reported[word] = true;
        comparison_add(comparison, &(struct divergence){.kind = DIVERGENCE_CONTROL_LESS,
                                                        .recorded = true,
                                                        .event = event,
                                                        .word = word,
                                                        .expected = expected,
                                                        .actual = actual[word]});
    }
}

/**
 * Find the slots that were put into the ring after the last launch.  A read-back that the host only
 * learned of by then may have been made before.
 *
 * \return whether there are any
 */
static bool find_put_late(struct comparison *comparison, size_t event)
{
    const struct timeline *timeline = comparison->timeline;
    bool found = false;
    for (size_t i = event; i > 0 && timeline->events[i - 1].kind != TIMELINE_SUBMIT &&
                           timeline->events[i - 1].kind != TIMELINE_ROUND;
         i--) {
        const struct timeline_event *one = &timeline->events[i - 1];
        if (one->kind == TIMELINE_PUBLISH)
            comparison->put_late[timeline->excerpt.slots[one->which].slot_idx] = event + 1;
        found = found || one->kind == TIMELINE_PUBLISH || one->kind == TIMELINE_STATUS;
    }
    return found;
}

static bool check_published(struct comparison *comparison, size_t event,
                            const struct timeline_observation *observation,
                            const struct backend_view *view)
{
    uint32_t first = (uint32_t)(observation->offset / VYRE_SLOT_BYTES);
    uint32_t end = first + (uint32_t)(observation->count / VYRE_SLOT_BYTES);
    bool same = true;
    for (uint32_t slot = first; slot < end; slot++) {
        uint32_t status = backend_status(view, slot);
        bool published = timeline_observed_published(observation, slot);
        if (published == (status == VYRE_STATUS_PUBLISHED))
            continue;
        same = false;
        if (comparison->slots_reported[slot] ||
            (!published && comparison->put_late[slot] == event + 1))
            continue;
        comparison->slots_reported[slot] = true;
        /* Of a slot that is not PUBLISHED no more is recorded; it was drained. */
        comparison_add(
            comparison,
            &(struct divergence){.kind = DIVERGENCE_STATUS,
                                 .recorded = true,
                                 .event = event,
                                 .word = slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS,
                                 .expected = published ? VYRE_STATUS_PUBLISHED : VYRE_STATUS_DONE,
                                 .actual = status});
    }
    return same;
}

static void check_counts(struct comparison *comparison, size_t event,
                         const struct timeline_observation *observation,
                         const struct backend_view *view)
{
    uint64_t expected[8];
    uint64_t actual[8] = {0};
    size_t first = (size_t)(observation->offset / VYRE_SLOT_BYTES);
    size_t end = first + (size_t)(observation->count / VYRE_SLOT_BYTES);
    for (size_t slot = first; slot < end; slot++)
        actual[backend_status(view, slot) % 8]++;
    memcpy(expected, observation->statuses, sizeof(expected));
    if (comparison->timeline->gaps.free_slots_unknown) {
        expected[VYRE_STATUS_DONE] += expected[VYRE_STATUS_EMPTY];
        actual[VYRE_STATUS_DONE] += actual[VYRE_STATUS_EMPTY];
        expected[VYRE_STATUS_EMPTY] = actual[VYRE_STATUS_EMPTY];
    }
    for (uint32_t status = 0; status < 8 && !comparison->counts_reported; status++) {
        if (actual[status] == expected[status])
            continue;
        comparison->counts_reported = true;
        comparison_add(comparison, &(struct divergence){.kind = DIVERGENCE_STATUS_COUNT,
                                                        .recorded = true,
                                                        .event = event,
                                                        .word = status,
                                                        .expected = (uint32_t)expected[status],
                                                        .actual = (uint32_t)actual[status]});
    }
}

/** Whether the range has all that its log holds. */
static bool has_records(const struct span *span)
{
    if (span->first > 0 || span->end == 0)
        return false;
    uint64_t used = (uint64_t)recorded_word(span, 0) + 1;
    return span->end >= (used < VYRE_DEBUG_LOG_WORDS ? used : VYRE_DEBUG_LOG_WORDS);
}

static void check_debug_log(struct comparison *comparison, size_t event,
                            const struct timeline_observation *observation, const uint32_t *actual)
{
    struct span span = words_of(observation);
    if (comparison->debug_log_reported || actual == NULL || span.first > 0 || span.end == 0)
        return;
    struct divergence divergence = {.kind = DIVERGENCE_DEBUG_LOG,
                                    .recorded = true,
                                    .event = event,
                                    .actual = actual[0],
                                    .expected = recorded_word(&span, 0)};
    bool differs = divergence.actual != divergence.expected;
    if (!differs && has_records(&span)) {
        uint32_t expected[VYRE_DEBUG_LOG_WORDS] = {0};
        memcpy(expected, span.bytes, span.end * WORD);
        differs = debug_logs_differ(actual, expected, &divergence.word, &divergence.actual,
                                    &divergence.expected);
    }
    if (!differs)
        return;
    comparison->debug_log_reported = true;
    comparison_add(comparison, &divergence);
}

static void check_io_queue(struct comparison *comparison, size_t event,
                           const struct timeline_observation *observation, const uint32_t *actual)
{
    struct span span = words_of(observation);
    for (uint32_t word = span.first;
         word < span.end && actual != NULL && !comparison->io_queue_reported; word++) {
        uint32_t expected = recorded_word(&span, word);
        if (actual[word] == expected)
            continue;
        comparison->io_queue_reported = true;
        comparison_add(comparison, &(struct divergence){.kind = DIVERGENCE_IO_QUEUE,
                                                        .recorded = true,
                                                        .event = event,
                                                        .word = word,
                                                        .expected = expected,
                                                        .actual = actual[word]});
    }
}

bool comparison_check_recorded(struct comparison *comparison, size_t event,
                               const struct backend_view *actual)
{
    const struct timeline *timeline = comparison->timeline;
    const struct timeline_observation *observation =
        &timeline->observations[timeline->events[event].which];
    bool put_late;
    if (!observation->exact) {
        if (observation->what == SESSION_OBSERVED_CONTROL)
            check_growing(comparison, event, observation, actual->control);
        return false;
    }
    switch (observation->what) {
    case SESSION_OBSERVED_CONTROL:
        check_control(comparison, event, observation, actual->control);
        break;
    case SESSION_OBSERVED_RING:
        put_late = find_put_late(comparison, event);
        if (check_published(comparison, event, observation, actual) && !put_late)
            check_counts(comparison, event, observation, actual);
        break;
    case SESSION_OBSERVED_DEBUG_LOG:
        check_debug_log(comparison, event, observation, actual->debug_log);
        break;
    case SESSION_OBSERVED_IO_QUEUE:
        check_io_queue(comparison, event, observation, actual->io_queue);
        break;
    }
    return true;
}
