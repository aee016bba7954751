#include "replay/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/effects.h"
#include "replay/words.h"

/** Find an obstacle in the slot itself, and the last control word that it names. */
static void inspect(struct recorded_slot *slot, uint64_t *control_words)
{
    if (slot->slot_idx >= SCHEDULE_RING_SLOTS_MAX) {
        slot->obstacle = OBSTACLE_SLOT;
        slot->obstacle_value = slot->slot_idx;
        return;
    }
    struct effect effects[EFFECTS_MAX];
    size_t len = effects_of_slot(slot->words, effects);
    for (size_t i = 0; i < len; i++) {
        uint64_t end = effects[i].first + effects[i].words;
        if (end > SCHEDULE_CONTROL_WORDS_MAX) {
            slot->obstacle = OBSTACLE_CONTROL_WORD;
            slot->obstacle_value = end - 1;
            return;
        }
        if (end > *control_words)
            *control_words = end;
    }
}

static bool count_epochs(const struct excerpt *excerpt, struct schedule *schedule,
                         struct replay_error *error)
{
    uint32_t *epochs = malloc(schedule->len * sizeof(*epochs));
    if (epochs == NULL)
        return replay_fail_memory(error);
    for (size_t i = 0; i < schedule->len; i++)
        epochs[i] = excerpt->slots[schedule->batches[i].first].epoch;
    qsort(epochs, schedule->len, sizeof(*epochs), compare_words);
    for (size_t i = 0; i < schedule->len; i++) {
        if (i == 0 || epochs[i] != epochs[i - 1])
            schedule->epochs++;
    }
    free(epochs);
    return true;
}

static bool make_batches(const struct excerpt *excerpt, struct schedule *schedule,
                         struct replay_error *error)
{
    schedule->batches = malloc(excerpt->len * sizeof(*schedule->batches));
    /* Number of the last batch, from 1, that a slot is in. */
    uint32_t *seen = calloc(schedule->ring_slots, sizeof(*seen));
    if (schedule->batches == NULL || seen == NULL) {
        free(seen);
        return replay_fail_memory(error);
    }
    for (size_t i = 0; i < excerpt->len; i++) {
        const struct recorded_slot *slot = &excerpt->slots[i];
        if (i == 0 || slot->epoch != slot[-1].epoch || seen[slot->slot_idx] == schedule->len)
            schedule->batches[schedule->len++] = (struct batch){.first = i};
        schedule->batches[schedule->len - 1].len++;
        seen[slot->slot_idx] = (uint32_t)schedule->len;
    }
    free(seen);
    return count_epochs(excerpt, schedule, error);
}

bool schedule_make(struct excerpt *excerpt, struct schedule *schedule, struct replay_error *error)
{
    memset(schedule, 0, sizeof(*schedule));
    /* Room for a few observables, so that the usual log gets a buffer of the usual size. */
    uint64_t control_words = 2 * VYRE_CONTROL_OBSERVABLES;
    for (size_t i = 0; i < excerpt->len; i++) {
        struct recorded_slot *slot = &excerpt->slots[i];
        if (slot->obstacle == OBSTACLE_NONE)
            inspect(slot, &control_words);
        if (slot->obstacle != OBSTACLE_NONE)
            schedule->obstacles++;
        else if (slot->slot_idx >= schedule->ring_slots)
            schedule->ring_slots = slot->slot_idx + 1;
    }
    schedule->control_words = (uint32_t)control_words;
    if (schedule->obstacles > 0 || excerpt->len == 0)
        return true;
    if (!make_batches(excerpt, schedule, error)) {
        schedule_free(schedule);
        return false;
    }
    return true;
}

void schedule_free(struct schedule *schedule)
{
    free(schedule->batches);
    memset(schedule, 0, sizeof(*schedule));
}

void obstacle_describe(const struct recorded_slot *slot, char *out, size_t size)
{
    switch (slot->obstacle) {
    case OBSTACLE_NONE:
        snprintf(out, size, "nothing is wrong with it");
        break;
    case OBSTACLE_PACKED_ARGS:
        snprintf(out, size,
                 "a packed slot with more than the four words of args that a record "
                 "holds, and no session. Fix: record with a session (run.vrrl.d) and "
                 "keep it beside the log.");
        break;
    case OBSTACLE_NO_SLOT:
        snprintf(out, size,
                 "the session of the log has no slot for it. Fix: keep log and session "
                 "together, or move the session away to replay the bare log.");
        break;
    case OBSTACLE_MISMATCH:
        snprintf(out, size,
                 "the session has another slot for it than the log. Fix: put the "
                 "session back that was recorded with the log, or move it away to "
                 "replay the bare log.");
        break;
    case OBSTACLE_RING:
        snprintf(out, size,
                 "its ring is not known, the run used too many. Fix: record fewer "
                 "rings in one run.");
        break;
    case OBSTACLE_STATUS:
        snprintf(out, size, "its recorded slot was not PUBLISHED. Fix: record the run again.");
        break;
    case OBSTACLE_CONTROL_WORD:
        snprintf(out, size,
                 "it names control word %llu, and a replay has %u at most. Fix: correct "
                 "the arguments that the program publishes.",
                 (unsigned long long)slot->obstacle_value, SCHEDULE_CONTROL_WORDS_MAX);
        break;
    case OBSTACLE_SLOT:
        snprintf(out, size,
                 "it names slot %llu, and a replay has %u at most. Fix: record a "
                 "smaller ring.",
                 (unsigned long long)slot->obstacle_value, SCHEDULE_RING_SLOTS_MAX);
        break;
    case OBSTACLE_OUTSIDE:
        snprintf(out, size,
                 "it names slot %u, and the ring that was launched has %llu. Fix: put the session "
                 "back that was recorded with the log.",
                 slot->slot_idx, (unsigned long long)slot->obstacle_value);
        break;
    }
}
