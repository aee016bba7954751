#include "replay/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/effects.h"
#include "vyre/control.h"
#include "vyre/debug_log.h"

void divergences_add(struct divergences *divergences, const struct divergence *divergence)
{
    if (divergences->len < DIVERGENCES_MAX)
        divergences->list[divergences->len++] = *divergence;
    divergences->total++;
}

const char *divergence_against(const struct divergence *divergence)
{
    return divergence->kind <= DIVERGENCE_SLOT_BUSY ? "recorded" : "reference";
}

const char *divergence_buffer(const struct divergence *divergence)
{
    switch (divergence->kind) {
    case DIVERGENCE_SLOT_BUSY:
    case DIVERGENCE_STATUS:
        return "ring";
    case DIVERGENCE_DEBUG_LOG:
        return "debug_log";
    default:
        return "control";
    }
}

void divergence_word_name(const struct divergence *divergence, char *out, size_t size)
{
    switch (divergence->kind) {
    case DIVERGENCE_SLOT_BUSY:
    case DIVERGENCE_STATUS:
        snprintf(out, size, "slot %u status", divergence->word / VYRE_SLOT_WORDS);
        break;
    case DIVERGENCE_DEBUG_LOG:
        snprintf(out, size, "debug_log[%u]", divergence->word);
        break;
    default:
        vyre_control_word_name(divergence->word, out, size);
        break;
    }
}

bool comparison_init(struct comparison *comparison, const struct excerpt *excerpt,
                     uint32_t control_words, struct divergences *divergences,
                     struct replay_error *error)
{
    memset(comparison, 0, sizeof(*comparison));
    comparison->slots = excerpt->slots;
    comparison->control_words = control_words;
    comparison->divergences = divergences;
    comparison->reported = calloc(control_words, sizeof(*comparison->reported));
    comparison->flying = malloc(excerpt->len * sizeof(*comparison->flying));
    if (comparison->reported != NULL && comparison->flying != NULL)
        return true;
    comparison_free(comparison);
    return replay_fail_memory(error);
}

void comparison_publish(struct comparison *comparison, size_t place)
{
    comparison->flying[comparison->flying_len++] = place;
}

static bool writes(const struct recorded_slot *slot, const struct divergence *divergence)
{
    switch (divergence->kind) {
    case DIVERGENCE_CONTROL:
        return effects_write(slot->words, divergence->word);
    case DIVERGENCE_DEBUG_LOG:
        return slot->words[VYRE_SLOT_OPCODE] == VYRE_OP_PRINTF;
    default:
        return slot->slot_idx == divergence->word / VYRE_SLOT_WORDS;
    }
}

/** Add a divergence against the reference, with the records behind it. */
static void add(struct comparison *comparison, struct divergence *divergence)
{
    if (comparison->divergences->len == DIVERGENCES_MAX) {
        comparison->divergences->total++;
        return;
    }
    if (comparison->flying_len > 0)
        divergence->record = comparison->slots[comparison->flying[0]].index;
    for (size_t i = 0; i < comparison->flying_len; i++) {
        const struct recorded_slot *slot = &comparison->slots[comparison->flying[i]];
        if (!writes(slot, divergence))
            continue;
        divergence->record = slot->index;
        if (divergence->writers_len < DIVERGENCE_WRITERS_MAX)
            divergence->writers[divergence->writers_len++] = slot->index;
    }
    divergences_add(comparison->divergences, divergence);
}

static void check_control(struct comparison *comparison, uint32_t epoch, const uint32_t *actual,
                          const uint32_t *expected)
{
    if (memcmp(actual, expected, comparison->control_words * sizeof(*actual)) == 0)
        return;
    for (uint32_t word = 0; word < comparison->control_words; word++) {
        if (actual[word] == expected[word] || comparison->reported[word])
            continue;
        comparison->reported[word] = true;
        add(comparison, &(struct divergence){.kind = DIVERGENCE_CONTROL,
                                             .epoch = epoch,
                                             .word = word,
                                             .expected = expected[word],
                                             .actual = actual[word]});
    }
}

/** Check the statuses, and keep those in flight that stay PUBLISHED. */
static void check_ring(struct comparison *comparison, uint32_t epoch, const uint32_t *actual,
                       const uint32_t *expected)
{
    size_t kept = 0;
    for (size_t i = 0; i < comparison->flying_len; i++) {
        size_t place = comparison->flying[i];
        uint32_t word = comparison->slots[place].slot_idx * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS;
        if (actual[word] != expected[word]) {
            struct divergence divergence = {.kind = DIVERGENCE_STATUS,
                                            .record = comparison->slots[place].index,
                                            .epoch = epoch,
                                            .word = word,
                                            .expected = expected[word],
                                            .actual = actual[word]};
            divergences_add(comparison->divergences, &divergence);
        } else if (actual[word] == VYRE_STATUS_PUBLISHED) {
            comparison->flying[kept++] = place;
        }
    }
    comparison->flying_len = kept;
}

static int compare_records(const void *left, const void *right)
{
    const struct vyre_debug_log_record *a = left;
    const struct vyre_debug_log_record *b = right;
    const uint32_t pairs[][2] = {{a->slot_base, b->slot_base},
                                 {a->fmt_id, b->fmt_id},
                                 {a->args[0], b->args[0]},
                                 {a->args[1], b->args[1]}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i][0] != pairs[i][1])
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
    }
    return 0;
}

#define DEBUG_RECORDS ((VYRE_DEBUG_LOG_WORDS - 1u) / VYRE_DEBUG_LOG_RECORD_WORDS)

static void sorted_records(const uint32_t *log, size_t len, uint32_t *sorted)
{
    struct vyre_debug_log_record records[DEBUG_RECORDS];
    for (size_t i = 0; i < len; i++)
        vyre_debug_log_read(log, i, &records[i]);
    qsort(records, len, sizeof(records[0]), compare_records);
    sorted[0] = log[0];
    for (size_t i = 0; i < len; i++) {
        uint32_t *words = sorted + 1 + i * VYRE_DEBUG_LOG_RECORD_WORDS;
        words[0] = records[i].fmt_id;
        words[1] = records[i].args[0];
        words[2] = records[i].args[1];
        words[3] = records[i].slot_base;
    }
}

static void check_debug_log(struct comparison *comparison, uint32_t epoch, const uint32_t *actual,
                            const uint32_t *expected)
{
    if (comparison->debug_log_reported ||
        memcmp(actual, expected, VYRE_DEBUG_LOG_WORDS * sizeof(*actual)) == 0)
        return;

    /* Which records an overflowed log has kept is a matter of order: then the cursor alone. */
    uint32_t left[VYRE_DEBUG_LOG_WORDS] = {actual[0]};
    uint32_t right[VYRE_DEBUG_LOG_WORDS] = {expected[0]};
    size_t len;
    if (actual[0] == expected[0] &&
        vyre_debug_log_check(actual, VYRE_DEBUG_LOG_WORDS, &len) != VYRE_DEBUG_LOG_OVERFLOWED) {
        sorted_records(actual, len, left);
        sorted_records(expected, len, right);
    }
    for (uint32_t word = 0; word < VYRE_DEBUG_LOG_WORDS; word++) {
        if (left[word] == right[word])
            continue;
        comparison->debug_log_reported = true;
        add(comparison, &(struct divergence){.kind = DIVERGENCE_DEBUG_LOG,
                                             .epoch = epoch,
                                             .word = word,
                                             .expected = right[word],
                                             .actual = left[word]});
        return;
    }
}

void comparison_check(struct comparison *comparison, uint32_t epoch,
                      const struct backend_view *actual, const struct backend_view *expected)
{
    check_control(comparison, epoch, actual->control, expected->control);
    check_debug_log(comparison, epoch, actual->debug_log, expected->debug_log);
    check_ring(comparison, epoch, actual->ring, expected->ring);
}

void comparison_free(struct comparison *comparison)
{
    free(comparison->reported);
    free(comparison->flying);
    comparison->reported = NULL;
    comparison->flying = NULL;
}
