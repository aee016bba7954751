#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/effects.h"
#include "vyre/control.h"

/** Tenants of a fresh control buffer: all masks allow, and all quotas are there. */
#define TENANTS VYRE_CONTROL_TENANT_QUOTAS_MAX

/** A backend that was opened. */
struct place {
    const struct backend *backend;
    void *state;
    struct backend_view view;
};

struct replay {
    const struct excerpt *excerpt;
    const struct schedule *schedule;
    const struct replay_options *options;
    struct replay_result *result;
    struct place device;
    struct place reference;
    struct comparison comparison;
    /** For each thread the latest epoch that it had seen. */
    uint32_t *seen;
    uint64_t work;
};

static bool open_place(struct replay *replay, struct place *place, const struct backend *backend,
                       char device_name[256], const struct backend_image *image,
                       struct replay_error *error)
{
    if (!backend->open(replay->options->device, device_name, &place->state, error))
        return false;
    place->backend = backend;
    return backend->load(place->state, image, error) &&
           backend->observe(place->state, &place->view, error);
}

static bool open_places(struct replay *replay, const struct backend *backend,
                        struct replay_error *error)
{
    uint32_t words = replay->schedule->control_words;
    uint32_t *control = malloc(words * sizeof(*control));
    if (control == NULL)
        return replay_fail_memory(error);
    vyre_control_encode(control, words, TENANTS);
    control[VYRE_CONTROL_EPOCH] = replay->excerpt->slots[0].epoch;

    struct backend_image image = {
        .control = control, .control_words = words, .ring_slots = replay->schedule->ring_slots};
    char ignored[256];
    bool opened =
        open_place(replay, &replay->device, backend, replay->result->device, &image, error) &&
        open_place(replay, &replay->reference, &backend_reference, ignored, &image, error);
    free(control);
    return opened;
}

static void close_places(struct replay *replay)
{
    struct place *places[] = {&replay->device, &replay->reference};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i]->backend != NULL)
            places[i]->backend->close(places[i]->state);
    }
}

/** Hold the recorded epochs of a batch against the replay's.  At most one divergence a batch. */
static void check_epochs(struct replay *replay, const struct batch *batch)
{
    const struct recorded_slot *first = &replay->excerpt->slots[batch->first];
    uint32_t epoch = replay->device.view.control[VYRE_CONTROL_EPOCH];
    struct divergence divergence = {.record = first->index,
                                    .epoch = first->epoch,
                                    .word = VYRE_CONTROL_EPOCH,
                                    .expected = first->epoch,
                                    .actual = epoch};
    if (first->epoch > epoch) {
        divergence.kind = DIVERGENCE_EPOCH_AHEAD;
        divergences_add(&replay->result->divergences, &divergence);
        return;
    }
    for (size_t i = 0; i < batch->len; i++) {
        const struct recorded_slot *slot = &first[i];
        if (slot->epoch < replay->seen[slot->thread]) {
            divergence.kind = DIVERGENCE_EPOCH_BACK;
            divergence.record = slot->index;
            divergences_add(&replay->result->divergences, &divergence);
            return;
        }
        replay->seen[slot->thread] = slot->epoch;
    }
    uint32_t lead = epoch - first->epoch;
    if (lead > replay->result->largest_lead) {
        replay->result->largest_lead = lead;
        replay->result->largest_lead_record = first->index;
    }
    if (lead > 0 && replay->options->strict) {
        divergence.kind = DIVERGENCE_EPOCH_BEHIND;
        divergences_add(&replay->result->divergences, &divergence);
    }
}

/* A host publishes into slots that are EMPTY or DONE, so in the recorded run this one was. */
static bool slot_free(struct replay *replay, const struct recorded_slot *slot)
{
    uint32_t word = slot->slot_idx * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS;
    uint32_t status = replay->device.view.ring[word];
    if (status == VYRE_STATUS_EMPTY || status == VYRE_STATUS_DONE)
        return true;
    struct divergence divergence = {.kind = DIVERGENCE_SLOT_BUSY,
                                    .record = slot->index,
                                    .epoch = slot->epoch,
                                    .word = word,
                                    .expected = VYRE_STATUS_DONE,
                                    .actual = status};
    divergences_add(&replay->result->divergences, &divergence);
    return false;
}

static void publish(struct replay *replay, const struct batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        const struct recorded_slot *slot = &replay->excerpt->slots[batch->first + i];
        if (!slot_free(replay, slot))
            continue;
        replay->device.backend->publish(replay->device.state, slot->slot_idx, slot->words);
        replay->reference.backend->publish(replay->reference.state, slot->slot_idx, slot->words);
        comparison_publish(&replay->comparison, batch->first + i);
        replay->work += effects_copied_words(slot->words);
    }
}

static bool afford(struct replay *replay, struct replay_error *error)
{
    const struct comparison *comparison = &replay->comparison;
    uint32_t low = UINT32_MAX;
    uint32_t high = 0;
    for (size_t i = 0; i < comparison->flying_len; i++) {
        uint32_t slot = comparison->slots[comparison->flying[i]].slot_idx;
        low = slot < low ? slot : low;
        high = slot > high ? slot : high;
    }
    uint64_t lanes = low <= high ? high - low + 1 : 0;
    replay->work += comparison->flying_len + (lanes + comparison->control_words) / 64;
    if (replay->work <= REPLAY_WORK_MAX)
        return true;
    const struct recorded_slot *last =
        &comparison
             ->slots[comparison->flying_len > 0 ? comparison->flying[comparison->flying_len - 1]
                                                : 0];
    return replay_fail(
        error,
        "by record %u the log asks for more work than a replay may do (long MEMCPYs, "
        "or huge buffers in very small batches). Fix: record a shorter run.",
        last->index);
}

static bool run_batch(struct replay *replay, const struct batch *batch, struct replay_error *error)
{
    struct place *device = &replay->device;
    struct place *reference = &replay->reference;
    check_epochs(replay, batch);
    publish(replay, batch);
    if (!afford(replay, error) || !device->backend->submit(device->state, error) ||
        !reference->backend->submit(reference->state, error) ||
        !device->backend->observe(device->state, &device->view, error) ||
        !reference->backend->observe(reference->state, &reference->view, error))
        return false;
    comparison_check(&replay->comparison, replay->excerpt->slots[batch->first].epoch, &device->view,
                     &reference->view);
    return true;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool run_batches(struct replay *replay, struct replay_error *error)
{
    double start = now();
    for (size_t i = 0; i < replay->schedule->len; i++) {
        if (!run_batch(replay, &replay->schedule->batches[i], error))
            return false;
    }
    replay->result->seconds = now() - start;
    replay->result->last_epoch = replay->device.view.control[VYRE_CONTROL_EPOCH];
    replay->result->left_published = replay->comparison.flying_len;
    return true;
}

bool replay_run(const struct excerpt *excerpt, const struct schedule *schedule,
                const struct backend *backend, const struct replay_options *options,
                struct replay_result *result, struct replay_error *error)
{
    memset(result, 0, sizeof(*result));
    struct replay replay = {
        .excerpt = excerpt, .schedule = schedule, .options = options, .result = result};
    if (!comparison_init(&replay.comparison, excerpt, schedule->control_words, &result->divergences,
                         error))
        return false;
    replay.seen = calloc(excerpt->threads, sizeof(*replay.seen));
    bool run = replay.seen != NULL
                   ? open_places(&replay, backend, error) && run_batches(&replay, error)
                   : replay_fail_memory(error);
    close_places(&replay);
    comparison_free(&replay.comparison);
    free(replay.seen);
    return run;
}
