#include <string.h>

#include "replay/resident_reached.h"
#include "replay/resident_trial.h"
#include "replay/resident_ways.h"
#include "replay/ring_look.h"
#include "replay/role_copies.h"
#include "replay/slot_stream.h"

/** A slot is PUBLISHED. */
static void widen(struct resident_reached *state, uint32_t slot)
{
    state->first = slot < state->first ? slot : state->first;
    state->end = slot >= state->end ? slot + 1 : state->end;
}

/** What lanes hear must not be of two rounds: the doorbell is last, and the check tells. */
static void ring(struct resident_reached *state)
{
    slot_stream_end();
    state->host[RESIDENT_FIRST] = state->first;
    state->host[RESIDENT_END] = state->end;
    state->host[RESIDENT_CHECK] = RESIDENT_CHECK_OF(state->rung, state->first, state->end);
    __atomic_store_n(&state->host[RESIDENT_DOORBELL], state->rung, __ATOMIC_RELEASE);
}

static bool enlisted(void *opaque, uint32_t *count, struct replay_error *error)
{
    struct resident_reached *state = opaque;
    cl_int code = clEnqueueReadBuffer(state->feed, state->mailbox, CL_TRUE,
                                      RESIDENT_ENLISTED * sizeof(*count), sizeof(*count), count, 0,
                                      NULL, NULL);
    return opencl_check(code, "clEnqueueReadBuffer", error);
}

/** Let the lanes leave that are still there. */
static bool retire(struct resident_reached *state, struct replay_error *error)
{
    if (state->lanes.launch == NULL)
        return true;
    const uint32_t shutdown = 1;
    const uint32_t before = state->control[VYRE_CONTROL_SHUTDOWN];
    cl_mem control = state->buffers[VYRE_KERNEL_ARG_CONTROL];
    bool ended;
    return resident_reached_write(state, control, VYRE_CONTROL_SHUTDOWN, &shutdown, 1, error) &&
           opencl_check(clWaitForEvents(1, &state->lanes.launch), "the resident kernel", error) &&
           resident_reached_write(state, control, VYRE_CONTROL_SHUTDOWN, &before, 1, error) &&
           resident_lanes_ended(&state->lanes, &ended, error);
}

/** Launch with a round under way, since with SHUTDOWN set it is the only one that lanes stay for.
 */
static bool launch(struct resident_reached *state, struct replay_error *error)
{
    const uint32_t mailbox[RESIDENT_MAILBOX_WORDS] = {0};
    state->rung = 1;
    state->host[RESIDENT_SEEN] = 0;
    state->host[RESIDENT_STATUSES_SEEN] = 0;
    ring(state);
    return resident_reached_write(state, state->mailbox, 0, mailbox, RESIDENT_MAILBOX_WORDS,
                                  error) &&
           resident_lanes_launch(&state->lanes, error) &&
           resident_lanes_muster(&state->lanes, enlisted, state, &state->groups, error) &&
           resident_reached_write(state, state->mailbox, RESIDENT_GROUPS, &state->groups, 1, error);
}

static bool is_over(const struct resident_reached *state)
{
    return __atomic_load_n(&state->host[RESIDENT_SEEN], __ATOMIC_ACQUIRE) == state->rung;
}

/** Lanes do not leave before the round is over, unless their patience ends. */
static bool are_there(struct resident_reached *state, struct replay_error *error)
{
    bool ended;
    if (!resident_lanes_ended(&state->lanes, &ended, error))
        return false;
    return !ended || is_over(state) ||
           replay_fail(error, "lanes do not reach it while they run. Fix: use --mode batch, or "
                              "choose another device with --device.");
}

/** Take over what became of the slots. */
static void settle(struct resident_reached *state)
{
    bool all_done = state->host[RESIDENT_STATUSES_SEEN] != state->rung;
    uint32_t first = state->first;
    uint32_t end = state->end;
    state->first = UINT32_MAX;
    state->end = 0;
    for (uint32_t slot = first; slot < end; slot++) {
        if (state->statuses[slot] != VYRE_STATUS_PUBLISHED)
            continue;
        state->statuses[slot] = all_done ? VYRE_STATUS_DONE : state->unfinished[slot];
        if (state->statuses[slot] == VYRE_STATUS_PUBLISHED)
            widen(state, slot);
    }
}

static bool wait_round(struct resident_reached *state, struct replay_error *error)
{
    if (!state->in_round)
        return true;
    for (uint32_t looks = 1; !is_over(state); looks++)
        if (resident_lanes_pause(looks) && !are_there(state, error))
            return false;
    state->in_round = false;
    settle(state);
    return true;
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct resident_reached *state = opaque;
    if (!wait_round(state, &state->failure))
        state->failed = true;
    uint32_t *to = state->slots + (size_t)slot * VYRE_SLOT_WORDS;
    state->statuses[slot] = words[VYRE_SLOT_STATUS];
    if (words[VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED) {
        slot_stream(to, words, state->put);
        widen(state, slot);
        return;
    }
    /* Lanes take what is PUBLISHED. */
    slot_stream(to, words, 0);
    if (!resident_reached_write(state, state->buffers[VYRE_KERNEL_ARG_RING], slot * VYRE_SLOT_WORDS,
                                words, VYRE_SLOT_WORDS, &state->failure))
        state->failed = true;
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct resident_reached *state = opaque;
    char *const results[TIMELINE_ROLES] = {
        [VYRE_KERNEL_ARG_CONTROL] = (char *)state->control,
        [VYRE_KERNEL_ARG_DEBUG_LOG] = (char *)state->debug_log,
        [VYRE_KERNEL_ARG_IO_QUEUE] = (char *)state->io_queue,
    };
    return wait_round(state, error) &&
           role_copies_write(state->feed, state->roles, results, state->buffers, to, bytes, error);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    (void)submit;
    struct resident_reached *state = opaque;
    if (state->failed)
        return replay_fail(error, "%s", state->failure.text);
    if (!wait_round(state, error))
        return false;
    if (state->end == 0)
        return true;
    state->in_round = true;
    state->put++;
    /* With SHUTDOWN set lanes have left, or do so. */
    if (state->lanes.launch == NULL || state->control[VYRE_CONTROL_SHUTDOWN] != 0)
        return retire(state, error) && launch(state, error);
    state->rung++;
    ring(state);
    return true;
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    (void)whole_ring;
    struct resident_reached *state = opaque;
    if (!wait_round(state, error))
        return false;
    view->control = state->control;
    view->statuses = state->statuses;
    view->status_stride = 1;
    view->debug_log = state->debug_log;
    view->io_queue = state->io_queue;
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    const struct resident_reached *state = opaque;
    return state->end > 0 && ring_look_claimed(state->looking, state->buffers[VYRE_KERNEL_ARG_RING],
                                               0, state->first, state->end, slot);
}

/* The standard does not say whether it works: a trial does. */
static bool open_reached(const char *choice, char device_name[256], void **opaque,
                         struct replay_error *error)
{
    struct resident_reached *state = resident_reached_make(choice, device_name, error);
    if (state == NULL)
        return false;
    state->patience = resident_trial_patience(&state->device);
    bool works = resident_trial(&resident_reached, state, error);
    resident_reached_close(state);
    *opaque = works ? resident_reached_make(choice, device_name, error) : NULL;
    return *opaque != NULL;
}

const struct backend resident_reached = {
    .name = "resident, the host's memory",
    .open = open_reached,
    .load = resident_reached_load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = resident_reached_close,
};
