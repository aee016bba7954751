#include "replay/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/effects.h"
#include "vyre/control.h"

void divergences_add(struct divergences *divergences, const struct divergence *divergence)
{
    if (divergences->len < DIVERGENCES_MAX)
        divergences->list[divergences->len++] = *divergence;
    divergences->total++;
}

const char *divergence_against(const struct divergence *divergence)
{
    return divergence->recorded ? "recorded" : "reference";
}

const char *divergence_buffer(const struct divergence *divergence)
{
    switch (divergence->kind) {
    case DIVERGENCE_SLOT_BUSY:
    case DIVERGENCE_STATUS:
    case DIVERGENCE_STATUS_COUNT:
        return "ring";
    case DIVERGENCE_DEBUG_LOG:
        return "debug_log";
    case DIVERGENCE_IO_QUEUE:
        return "io_queue";
    default:
        return "control";
    }
}

void divergence_word_name(const struct divergence *divergence, char *out, size_t size)
{
    static const char *const statuses[] = {"EMPTY",   "PUBLISHED", "CLAIMED", "DONE",
                                           "WAIT_IO", "YIELD",     "REQUEUE", "FAULT"};
    switch (divergence->kind) {
    case DIVERGENCE_SLOT_BUSY:
    case DIVERGENCE_STATUS:
        snprintf(out, size, "slot %u status", divergence->word / VYRE_SLOT_WORDS);
        break;
    case DIVERGENCE_STATUS_COUNT:
        snprintf(out, size, "slots that are %s", statuses[divergence->word % 8]);
        break;
    case DIVERGENCE_DEBUG_LOG:
        snprintf(out, size, "debug_log[%u]", divergence->word);
        break;
    case DIVERGENCE_IO_QUEUE:
        snprintf(out, size, "io_queue[%u]", divergence->word);
        break;
    default:
        vyre_control_word_name(divergence->word, out, size);
        break;
    }
}

static bool counts(uint32_t word)
{
    return word == VYRE_CONTROL_DONE_COUNT || word == VYRE_CONTROL_EPOCH ||
           (word >= VYRE_CONTROL_METRICS &&
            word < VYRE_CONTROL_METRICS + VYRE_CONTROL_METRICS_WORDS);
}

/** What a slot names may be written otherwise than by counting up. */
static void find_named(const struct recorded_slot *slot, bool grows[VYRE_CONTROL_WORDS_MIN])
{
    struct effect effects[EFFECTS_MAX];
    size_t len = effects_of_slot(slot->words, effects);
    uint32_t opcode;
    bool known = effects_known(slot->words, &opcode);
    for (uint32_t word = 0; !known && word < VYRE_CONTROL_WORDS_MIN; word++)
        grows[word] = false;
    for (size_t i = 0; i < len; i++) {
        bool fence = effects[i].first == VYRE_CONTROL_EPOCH && effects[i].words == 1 &&
                     slot->words[VYRE_SLOT_OPCODE] == VYRE_OP_BATCH_FENCE;
        if (fence)
            continue;
        for (uint64_t word = effects[i].first;
             word < VYRE_CONTROL_WORDS_MIN && word < effects[i].first + effects[i].words; word++)
            grows[word] = false;
    }
}

static void find_growing(struct comparison *comparison)
{
    const struct timeline *timeline = comparison->timeline;
    for (uint32_t word = 0; word < VYRE_CONTROL_WORDS_MIN; word++)
        comparison->grows[word] = counts(word);
    for (size_t i = 0; i < timeline->excerpt.len; i++)
        find_named(&timeline->excerpt.slots[i], comparison->grows);
    bool launched = false;
    bool changed = false;
    for (size_t i = 0; i < timeline->events_len; i++) {
        enum timeline_kind kind = timeline->events[i].kind;
        uint32_t which = timeline->events[i].which;
        uint32_t control = timeline->roles[VYRE_KERNEL_ARG_CONTROL].buffer;
        launched = launched || kind == TIMELINE_SUBMIT;
        changed = changed || (launched && kind == TIMELINE_CONTENTS &&
                              timeline->contents[which].to.buffer == control);
        changed = changed ||
                  (launched && kind == TIMELINE_LOST && timeline->lost[which].buffer == control);
    }
    if (changed)
        memset(comparison->grows, 0, sizeof(comparison->grows));
}

bool comparison_init(struct comparison *comparison, const struct timeline *timeline,
                     struct divergences *divergences, struct replay_error *error)
{
    memset(comparison, 0, sizeof(*comparison));
    size_t len = timeline->excerpt.len;
    comparison->timeline = timeline;
    comparison->control_words = timeline->control_words;
    comparison->divergences = divergences;
    comparison->reported = calloc(timeline->control_words, sizeof(*comparison->reported));
    comparison->slots_reported = calloc(timeline->ring_slots, sizeof(*comparison->slots_reported));
    comparison->put_late = calloc(timeline->ring_slots, sizeof(*comparison->put_late));
    comparison->flying = malloc(len * sizeof(*comparison->flying));
    comparison->is_flying = calloc(len, sizeof(*comparison->is_flying));
    if (comparison->reported == NULL || comparison->slots_reported == NULL ||
        comparison->put_late == NULL || comparison->flying == NULL ||
        comparison->is_flying == NULL) {
        comparison_free(comparison);
        return replay_fail_memory(error);
    }
    find_growing(comparison);
    return true;
}

void comparison_publish(struct comparison *comparison, size_t place)
{
    comparison->epoch = comparison->timeline->excerpt.slots[place].epoch;
    if (comparison->is_flying[place])
        return;
    comparison->is_flying[place] = true;
    comparison->flying[comparison->flying_len++] = place;
}

static bool writes(const struct recorded_slot *slot, const struct divergence *divergence)
{
    switch (divergence->kind) {
    case DIVERGENCE_CONTROL:
    case DIVERGENCE_CONTROL_LESS:
        return effects_write(slot->words, divergence->word);
    case DIVERGENCE_DEBUG_LOG:
        return slot->words[VYRE_SLOT_OPCODE] == VYRE_OP_PRINTF;
    case DIVERGENCE_STATUS:
        return slot->slot_idx == divergence->word / VYRE_SLOT_WORDS;
    default:
        return false;
    }
}

void comparison_add(struct comparison *comparison, struct divergence *divergence)
{
    const struct recorded_slot *slots = comparison->timeline->excerpt.slots;
    divergence->epoch = comparison->epoch;
    if (comparison->divergences->len == DIVERGENCES_MAX) {
        comparison->divergences->total++;
        return;
    }
    if (comparison->flying_len > 0)
        divergence->record = slots[comparison->flying[0]].index;
    for (size_t i = 0; i < comparison->flying_len; i++) {
        const struct recorded_slot *slot = &slots[comparison->flying[i]];
        if (!writes(slot, divergence))
            continue;
        divergence->record = slot->index;
        if (divergence->writers_len < DIVERGENCE_WRITERS_MAX)
            divergence->writers[divergence->writers_len++] = slot->index;
    }
    divergences_add(comparison->divergences, divergence);
}

void comparison_settle(struct comparison *comparison, const struct backend_view *actual)
{
    const struct recorded_slot *slots = comparison->timeline->excerpt.slots;
    size_t kept = 0;
    for (size_t i = 0; i < comparison->flying_len; i++) {
        size_t place = comparison->flying[i];
        if (backend_status(actual, slots[place].slot_idx) == VYRE_STATUS_PUBLISHED)
            comparison->flying[kept++] = place;
        else
            comparison->is_flying[place] = false;
    }
    comparison->flying_len = kept;
}

void comparison_free(struct comparison *comparison)
{
    free(comparison->reported);
    free(comparison->slots_reported);
    free(comparison->put_late);
    free(comparison->flying);
    free(comparison->is_flying);
    memset(comparison, 0, sizeof(*comparison));
}
