/*
 * A replay beside the reference interpreter.
 */
#include <string.h>

#include "replay/compare.h"

static void check_control(struct comparison *comparison, size_t event, const uint32_t *actual,
                          const uint32_t *expected)
{
    if (memcmp(actual, expected, comparison->control_words * sizeof(*actual)) == 0)
        return;
    for (uint32_t word = 0; word < comparison->control_words; word++) {
        if (actual[word] == expected[word] || comparison->reported[word])
            continue;
        comparison->reported[word] = true;
        comparison_add(comparison, &(struct divergence){.kind = DIVERGENCE_CONTROL,
                                                        .event = event,
                                                        .word = word,
                                                        .expected = expected[word],
                                                        .actual = actual[word]});
    }
}

static void check_ring(struct comparison *comparison, size_t event,
                       const struct backend_view *actual, const struct backend_view *expected)
{
    for (size_t i = 0; i < comparison->flying_len; i++) {
        const struct recorded_slot *slot =
            &comparison->timeline->excerpt.slots[comparison->flying[i]];
        uint32_t found = backend_status(actual, slot->slot_idx);
        uint32_t wanted = backend_status(expected, slot->slot_idx);
        if (found == wanted || comparison->slots_reported[slot->slot_idx])
            continue;
        comparison->slots_reported[slot->slot_idx] = true;
        comparison_add(comparison, &(struct divergence){.kind = DIVERGENCE_STATUS,
                                                        .event = event,
                                                        .word = slot->slot_idx * VYRE_SLOT_WORDS +
                                                                VYRE_SLOT_STATUS,
                                                        .expected = wanted,
                                                        .actual = found});
    }
}

void comparison_check(struct comparison *comparison, size_t event,
                      const struct backend_view *actual, const struct backend_view *expected)
{
    check_control(comparison, event, actual->control, expected->control);
    struct divergence divergence = {.kind = DIVERGENCE_DEBUG_LOG, .event = event};
    if (!comparison->debug_log_reported && actual->debug_log != NULL &&
        debug_logs_differ(actual->debug_log, expected->debug_log, &divergence.word,
                          &divergence.actual, &divergence.expected)) {
        comparison->debug_log_reported = true;
        comparison_add(comparison, &divergence);
    }
    check_ring(comparison, event, actual, expected);
}
