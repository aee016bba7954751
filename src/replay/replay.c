#include "replay/replay_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/effects.h"
#include "replay/stall.h"

static bool open_place(struct replay *replay, struct place *place, const struct backend *backend,
                       const char *device, char device_name[256], struct replay_error *error)
{
    if (!backend->open(device, device_name, &place->state, error))
        return false;
    place->backend = backend;
    return backend->load(place->state, &replay->image, error) &&
           backend->observe(place->state, true, &place->view, error);
}

/** What is launched: what was recorded, or the built-in kernel on the recorded buffers. */
static bool choose_image(struct replay *replay, struct replay_error *error)
{
    const struct timeline *timeline = replay->timeline;
    replay->result->builtin = replay->options->builtin || !timeline->recorded;
    if (replay->result->builtin) {
        if (!builtin_make(timeline, replay->options->handlers, &replay->builtin, error))
            return false;
        replay->image = replay->builtin.image;
        return true;
    }
    if (replay->options->handlers != NULL && replay->options->handlers->len > 0)
        return replay_fail(error, "handlers are for the built-in megakernel, and this log is "
                                  "replayed on its own. Fix: add --kernel builtin, or leave "
                                  "--handlers out.");
    for (uint32_t i = 0; i < timeline->kernels_len; i++)
        if (timeline->kernels[i].program == TIMELINE_NONE)
            return replay_fail(
                error,
                "the session does not have the program of kernel %.100s. Fix: replay "
                "on the built-in megakernel with --kernel builtin, which need not "
                "do what the recorded one did.",
                timeline->kernels[i].name);
    replay->image = (struct backend_image){.programs = timeline->programs,
                                           .programs_len = timeline->programs_len,
                                           .kernels = timeline->kernels,
                                           .kernels_len = timeline->kernels_len,
                                           .buffers = timeline->buffers,
                                           .buffers_len = timeline->buffers_len,
                                           .control_words = timeline->control_words,
                                           .ring_slots = timeline->ring_slots};
    memcpy(replay->image.roles, timeline->roles, sizeof(replay->image.roles));
    return true;
}

static void close_places(struct replay *replay)
{
    struct place *places[] = {&replay->device, &replay->beside};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i]->backend != NULL)
            places[i]->backend->close(places[i]->state);
    }
    builtin_free(&replay->builtin);
}

bool replay_observe(struct replay *replay, bool whole_ring, struct replay_error *error)
{
    struct place *device = &replay->device;
    struct place *beside = &replay->beside;
    replay->work += replay->timeline->control_words / 64;
    replay->work += whole_ring ? replay->timeline->ring_slots : replay->comparison.flying_len;
    replay->observed = true;
    return device->backend->observe(device->state, whole_ring, &device->view, error) &&
           (beside->backend == NULL ||
            beside->backend->observe(beside->state, true, &beside->view, error));
}

static void put_slot(struct replay *replay, uint32_t slot, const uint32_t *words)
{
    struct place *device = &replay->device;
    struct place *beside = &replay->beside;
    device->backend->publish(device->state, slot, words);
    if (beside->backend != NULL)
        beside->backend->publish(beside->state, slot, words);
}

static void publish(struct replay *replay, size_t event, uint32_t place)
{
    const struct recorded_slot *slot = &replay->timeline->excerpt.slots[place];
    if (!replay->went_up[place]) {
        replay->fresh[replay->fresh_len++] = place;
        replay->result->published++;
    }
    replay->went_up[place] = true;
    if (!replay_slot_is_free(replay, event, slot))
        return;
    put_slot(replay, slot->slot_idx, slot->words);
    comparison_publish(&replay->comparison, place);
    replay->work += effects_copied_words(slot->words);
}

static void set_statuses(struct replay *replay, const struct timeline_statuses *run)
{
    uint32_t words[VYRE_SLOT_WORDS] = {run->status};
    replay->work += run->slots / 64;
    for (uint32_t slot = run->first_slot; slot < run->first_slot + run->slots; slot++)
        if (backend_status(&replay->device.view, slot) != run->status)
            put_slot(replay, slot, words);
}

static bool put_contents(struct replay *replay, const struct timeline_contents *contents,
                         struct replay_error *error)
{
    struct place *device = &replay->device;
    struct place *beside = &replay->beside;
    return device->backend->write(device->state, &contents->to, contents->bytes, error) &&
           (beside->backend == NULL ||
            beside->backend->write(beside->state, &contents->to, contents->bytes, error));
}

static bool submit(struct replay *replay, size_t event, const struct timeline_submit *recorded,
                   struct replay_error *error)
{
    struct place *device = &replay->device;
    struct place *beside = &replay->beside;
    const struct timeline_submit *launch =
        replay->result->builtin ? &replay->builtin.submit : recorded;
    if (!replay_check_epochs(replay, event, error) || !replay_can_afford(replay, launch, error))
        return false;
    replay->fresh_len = 0;
    replay->observed = false;
    replay->running = recorded->fed && device->backend->feed != NULL;
    replay->result->launches++;
    return device->backend->submit(device->state, launch, error) &&
           (beside->backend == NULL || beside->backend->submit(beside->state, launch, error));
}

/** What went up is seen by the launch that is under way: where launches cannot be fed, by another
 *  that is as wide as it must be. */
static bool end_round(struct replay *replay, size_t event, const struct timeline_submit *launch,
                      struct replay_error *error)
{
    const struct timeline_submit round = replay->result->builtin
                                             ? replay->builtin.submit
                                             : (struct timeline_submit){.kernel = launch->kernel};
    struct place *places[] = {&replay->device, &replay->beside};
    if (!replay_check_epochs(replay, event, error) || !replay_can_afford(replay, &round, error))
        return false;
    replay->fresh_len = 0;
    replay->observed = false;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const struct backend *backend = places[i]->backend;
        if (backend != NULL &&
            !(backend->feed != NULL ? backend->feed(places[i]->state, error)
                                    : backend->submit(places[i]->state, &round, error)))
            return false;
    }
    return true;
}

/** Wait until a launch that is fed has come as far as the host had seen it, or as far as it will.
 *  \param[out] exact  it stands still there */
static bool await_observed(struct replay *replay, size_t first, size_t end, bool *exact,
                           struct replay_error *error)
{
    const struct timeline *timeline = replay->timeline;
    struct backend_goal goal = {.at_rest = first == end};
    struct place *places[] = {&replay->device, &replay->beside};
    *exact = goal.at_rest;
    for (size_t i = first; i < end; i++) {
        const struct timeline_observation *one = &timeline->observations[timeline->events[i].which];
        uint32_t done;
        goal.ended = goal.ended || one->ended;
        *exact = *exact || one->exact;
        if (one->what == SESSION_OBSERVED_RING)
            goal.ring = one;
        if (timeline_observed_done(one, &done) &&
            (!goal.counted || (int32_t)(done - goal.done) > 0)) {
            goal.counted = true;
            goal.done = done;
        }
    }
    replay->running = !goal.ended;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const struct backend *backend = places[i]->backend;
        if (backend != NULL && backend->await != NULL &&
            !backend->await(places[i]->state, &goal, error))
            return false;
    }
    return true;
}

static bool wants_ring(const struct timeline *timeline, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        uint32_t which = timeline->events[i].which;
        if (which != TIMELINE_NONE && timeline->observations[which].what == SESSION_OBSERVED_RING)
            return true;
    }
    return false;
}

/** Observations between which nothing changes. */
static bool compare(struct replay *replay, size_t first, size_t end, struct replay_error *error)
{
    struct replay_result *result = replay->result;
    const struct timeline *timeline = replay->timeline;
    bool recorded = result->against == REPLAY_AGAINST_RECORDED;
    bool exact = true;
    if (replay->running && !await_observed(replay, first, end, &exact, error))
        return false;
    if (!replay_observe(replay, recorded && wants_ring(timeline, first, end), error))
        return false;
    for (size_t i = first; recorded && i < end; i++) {
        if (timeline->events[i].which == TIMELINE_NONE)
            continue;
        if (comparison_check_recorded(&replay->comparison, i, &replay->device.view))
            result->compared++;
        else
            result->in_flight++;
    }
    /* Of two that are under way neither is as far as the other. */
    if (!exact) {
        comparison_settle(&replay->comparison, &replay->device.view);
        return true;
    }
    if (replay->beside.backend != NULL) {
        comparison_check(&replay->comparison, first, &replay->device.view, &replay->beside.view);
        result->compared++;
    }
    if (replay->options->trace != NULL &&
        !trace_look(replay->options->trace, &replay->comparison, &replay->device.view, error))
        return false;
    if (replay->first_run.trace != NULL) {
        trace_reader_next(&replay->first_run);
        comparison_check(&replay->comparison, first, &replay->device.view, &replay->first_run.view);
        result->compared++;
    }
    comparison_settle(&replay->comparison, &replay->device.view);
    return true;
}

/** Do the event, or all observations that begin with it.  \param[in,out] at  set to the last done
 */
static bool step(struct replay *replay, size_t *at, struct replay_error *error)
{
    const struct timeline *timeline = replay->timeline;
    const struct timeline_event *event = &timeline->events[*at];
    size_t end = *at + 1;
    switch (event->kind) {
    case TIMELINE_PUBLISH:
        publish(replay, *at, event->which);
        return true;
    case TIMELINE_STATUS:
        set_statuses(replay, &timeline->statuses[event->which]);
        return true;
    case TIMELINE_CONTENTS:
        return put_contents(replay, &timeline->contents[event->which], error);
    case TIMELINE_SUBMIT:
        return submit(replay, *at, &timeline->submits[event->which], error);
    case TIMELINE_ROUND:
        return end_round(replay, *at, &timeline->submits[event->which], error);
    case TIMELINE_OBSERVATION:
        while (end < timeline->events_len && timeline->events[end].kind == TIMELINE_OBSERVATION)
            end++;
        if (!compare(replay, *at, end, error))
            return false;
        *at = end - 1;
        return true;
    case TIMELINE_LOST:
        return true;
    }
    return true;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void explain_stall(void *context, char *text, size_t size)
{
    const struct replay *replay = context;
    stall_describe(&replay->comparison, replay->device.backend, replay->device.state, text, size);
}

/** Wait until an event is due.  \return false when the user wants an end */
static bool go_on(struct replay *replay, const struct timeline_event *event)
{
    struct watch *watch = replay->options->watch;
    uint64_t wait_ns =
        replay->options->recorded_pace ? pace_wait_ns(&replay->pace, replay->timeline, event) : 0;
    return watch_step(watch, replay->result->published) &&
           (wait_ns == 0 || watch_sleep(watch, wait_ns));
}

static bool run_events(struct replay *replay, struct replay_error *error)
{
    const struct timeline *timeline = replay->timeline;
    struct replay_result *result = replay->result;
    double start = now();
    bool launched = false;
    watch_begin(replay->options->watch, timeline->excerpt.len, explain_stall, replay);
    for (size_t i = 0; i < timeline->events_len; i++) {
        if (!go_on(replay, &timeline->events[i])) {
            result->stopped = true;
            break;
        }
        if (!launched && timeline->events[i].kind == TIMELINE_SUBMIT) {
            launched = true;
            if (!replay_observe(replay, true, error))
                return false;
            result->first_epoch = replay->device.view.control[VYRE_CONTROL_EPOCH];
        }
        if (!step(replay, &i, error))
            return false;
    }
    /* What the last launches did is seen by the reference at least. */
    if ((!replay->observed || replay->running) &&
        !compare(replay, timeline->events_len, timeline->events_len, error))
        return false;
    result->seconds = now() - start;
    result->last_epoch = replay->device.view.control[VYRE_CONTROL_EPOCH];
    result->left_published = replay->comparison.flying_len;
    return true;
}

static enum replay_against choose_against(const struct timeline *timeline,
                                          enum replay_against asked)
{
    if (asked != REPLAY_AGAINST_DEFAULT)
        return asked;
    for (uint32_t i = 0; i < timeline->observations_len; i++)
        if (timeline->observations[i].exact)
            return REPLAY_AGAINST_RECORDED;
    return REPLAY_AGAINST_REFERENCE;
}

/** Open what the device is compared with. */
static bool open_beside(struct replay *replay, const struct backend *backend,
                        struct replay_error *error)
{
    struct replay_result *result = replay->result;
    const struct replay_options *options = replay->options;
    char ignored[256];
    switch (result->against) {
    case REPLAY_AGAINST_REFERENCE:
        return open_place(replay, &replay->beside, &backend_reference, NULL, ignored, error);
    case REPLAY_AGAINST_DEVICE:
        return open_place(replay, &replay->beside, backend, options->other_device,
                          result->other_device, error);
    default:
        return options->first_run == NULL ||
               trace_reader_init(&replay->first_run, options->first_run, error);
    }
}

bool replay_run(const struct timeline *timeline, const struct backend *backend,
                const struct replay_options *options, struct replay_result *result,
                struct replay_error *error)
{
    memset(result, 0, sizeof(*result));
    struct replay replay = {.timeline = timeline, .options = options, .result = result};
    result->against = choose_against(timeline, options->against);
    if (result->against == REPLAY_AGAINST_RECORDED && timeline->observations_len == 0)
        return replay_fail(error, "the session has no observations to compare with. Fix: compare "
                                  "with the reference interpreter, --against reference.");
    if (!comparison_init(&replay.comparison, timeline, &result->divergences, error))
        return false;
    replay.seen = calloc(timeline->excerpt.threads, sizeof(*replay.seen));
    replay.fresh = calloc(timeline->excerpt.len, sizeof(*replay.fresh));
    replay.went_up = calloc(timeline->excerpt.len, sizeof(*replay.went_up));
    replay.looked_at = calloc(timeline->excerpt.len, sizeof(*replay.looked_at));
    bool run = (replay.seen != NULL && replay.fresh != NULL && replay.went_up != NULL &&
                replay.looked_at != NULL) ||
               replay_fail_memory(error);
    run = run && choose_image(&replay, error) &&
          open_place(&replay, &replay.device, backend, options->device, result->device, error);
    if (run && result->against != REPLAY_AGAINST_RECORDED)
        run = open_beside(&replay, backend, error);
    run = run && replay_check_opcodes(&replay, error) && run_events(&replay, error);
    close_places(&replay);
    watch_finish(options->watch);
    trace_reader_free(&replay.first_run);
    comparison_free(&replay.comparison);
    free(replay.seen);
    free(replay.fresh);
    free(replay.went_up);
    free(replay.looked_at);
    return run;
}
