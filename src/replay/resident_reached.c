#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/resident_lanes.h"
#include "replay/resident_trial.h"
#include "replay/resident_ways.h"
#include "replay/ring_look.h"
#include "replay/role_part.h"
#include "replay/slot_stream.h"

/** Looks of the lanes in a trial, some seconds. */
#define TRIAL_PATIENCE_CPU (1u << 28)
#define TRIAL_PATIENCE (1u << 22)

/** Looks at the host's memory, some microseconds, before the processor is offered to others; and
 *  offers before it is left to them: a lane of a CPU device may wait for that. */
#define SPINS 1000u
#define OFFERS 50u
#define PAUSE_NS 20000

struct state {
    struct opencl_device device;
    struct resident_lanes lanes;
    /** Of all commands but the lanes'. */
    cl_command_queue feed;
    /** Of claimed() alone. */
    cl_command_queue looking;
    struct timeline_range roles[TIMELINE_ROLES];
    /** On the device. */
    cl_mem buffers[TIMELINE_ROLES];
    cl_mem mailbox;
    /** The host's memory that lanes reach, and what is where in it. */
    struct pinned reached;
    uint32_t *host;
    uint32_t *control;
    uint32_t *debug_log;
    uint32_t *unfinished;
    uint32_t *slots;
    /** Of the device: the put that lanes have taken last, of each slot. */
    cl_mem taken;
    /** Number of what is put into slots between two rounds, from 1. */
    uint32_t put;
    /** Lanes never write to it. */
    uint32_t io_queue[VYRE_IO_QUEUE_WORDS];
    /** Of the ring's slots as they are known; the PUBLISHED ones are between first and end. */
    uint32_t *statuses;
    uint32_t first;
    uint32_t end;
    uint32_t patience;
    uint32_t groups;
    uint32_t rung;
    /** A round is under way: the host's memory is the lanes'. */
    bool in_round;
    /** Of what failed where nothing can be returned. */
    bool failed;
    struct replay_error failure;
};

static bool write_words(struct state *state, cl_mem buffer, uint32_t first, const uint32_t *words,
                        uint32_t len, struct replay_error *error)
{
    cl_int code = clEnqueueWriteBuffer(state->feed, buffer, CL_TRUE, (size_t)first * sizeof(*words),
                                       len * sizeof(*words), words, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error);
}

static bool read_word(struct state *state, uint32_t word, uint32_t *value,
                      struct replay_error *error)
{
    cl_int code = clEnqueueReadBuffer(state->feed, state->mailbox, CL_TRUE, word * sizeof(*value),
                                      sizeof(*value), value, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueReadBuffer", error);
}

static void close_reached(void *opaque)
{
    struct state *state = opaque;
    const uint32_t shutdown = 1;
    struct replay_error ignored;
    if (state->lanes.launch != NULL)
        write_words(state, state->buffers[VYRE_KERNEL_ARG_CONTROL], VYRE_CONTROL_SHUTDOWN,
                    &shutdown, 1, &ignored);
    resident_lanes_close(&state->lanes);
    if (state->feed != NULL)
        clFinish(state->feed);
    pinned_free(&state->reached);
    for (size_t i = 0; i < TIMELINE_ROLES; i++) {
        if (state->buffers[i] != NULL)
            clReleaseMemObject(state->buffers[i]);
    }
    if (state->mailbox != NULL)
        clReleaseMemObject(state->mailbox);
    if (state->taken != NULL)
        clReleaseMemObject(state->taken);
    if (state->looking != NULL)
        clReleaseCommandQueue(state->looking);
    if (state->feed != NULL)
        clReleaseCommandQueue(state->feed);
    opencl_close(&state->device);
    free(state->statuses);
    free(state);
}

static struct state *make(const char *choice, char device_name[256], struct replay_error *error)
{
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        replay_fail_memory(error);
        return NULL;
    }
    state->first = UINT32_MAX;
    state->put = 1;
    cl_int code = CL_SUCCESS;
    bool found = opencl_open(choice, device_name, &state->device, error);
    if (found)
        state->feed = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
    if (found && code == CL_SUCCESS)
        state->looking = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
    if (found && opencl_check(code, "clCreateCommandQueue", error))
        return state;
    close_reached(state);
    return NULL;
}

/** A buffer that holds zeros, as an argument of the lanes. */
static bool make_buffer(struct state *state, const char *what, size_t words, uint32_t argument,
                        cl_mem *buffer, struct replay_error *error)
{
    const cl_uint zero = 0;
    const size_t bytes = words * sizeof(uint32_t);
    if (!opencl_buffer(&state->device, what, bytes, buffer, error))
        return false;
    cl_int code =
        clEnqueueFillBuffer(state->feed, *buffer, &zero, sizeof(zero), 0, bytes, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clFinish(state->feed);
    return opencl_check(code, "clEnqueueFillBuffer", error) &&
           opencl_check(clSetKernelArg(state->lanes.kernel, argument, sizeof(*buffer), buffer),
                        "clSetKernelArg", error);
}

static bool make_reached(struct state *state, uint32_t control_words, uint32_t ring_slots,
                         struct replay_error *error)
{
    const size_t bytes = RESIDENT_HOST_WORDS(control_words, ring_slots) * sizeof(uint32_t);
    if (!pinned_make_reached(&state->device, state->feed, bytes, &state->reached, error))
        return false;
    state->host = state->reached.memory;
    state->control = state->host + RESIDENT_HOST_CONTROL;
    state->debug_log = state->host + RESIDENT_HOST_DEBUG_LOG(control_words);
    state->unfinished = state->host + RESIDENT_HOST_STATUSES(control_words);
    state->slots = state->host + RESIDENT_HOST_SLOTS(control_words, ring_slots);
    return opencl_check(clSetKernelArg(state->lanes.kernel, RESIDENT_ARG_HOST, sizeof(cl_mem),
                                       &state->reached.buffer),
                        "clSetKernelArg", error);
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    static const char *const names[TIMELINE_ROLES] = {[VYRE_KERNEL_ARG_CONTROL] = "control buffer",
                                                      [VYRE_KERNEL_ARG_RING] = "ring",
                                                      [VYRE_KERNEL_ARG_DEBUG_LOG] = "debug log",
                                                      [VYRE_KERNEL_ARG_IO_QUEUE] = "IO queue"};
    const size_t words[TIMELINE_ROLES] = {
        [VYRE_KERNEL_ARG_CONTROL] = image->control_words,
        [VYRE_KERNEL_ARG_RING] = (size_t)image->ring_slots * VYRE_SLOT_WORDS,
        [VYRE_KERNEL_ARG_DEBUG_LOG] = VYRE_DEBUG_LOG_WORDS,
        [VYRE_KERNEL_ARG_IO_QUEUE] = VYRE_IO_QUEUE_WORDS,
    };
    memcpy(state->roles, image->roles, sizeof(state->roles));
    if (!resident_lanes_load(&state->lanes, &state->device, image, RESIDENT_IN_HOST,
                             state->patience, error) ||
        !make_buffer(state, "mailbox", RESIDENT_MAILBOX_WORDS, RESIDENT_ARG_MAILBOX,
                     &state->mailbox, error))
        return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        if (!make_buffer(state, names[role], words[role], role, &state->buffers[role], error))
            return false;
    }
    state->statuses = calloc(image->ring_slots, sizeof(*state->statuses));
    return (state->statuses != NULL || replay_fail_memory(error)) &&
           make_buffer(state, "ring", image->ring_slots, RESIDENT_ARG_TAKEN, &state->taken,
                       error) &&
           make_reached(state, image->control_words, image->ring_slots, error);
}

/** A slot is PUBLISHED. */
static void widen(struct state *state, uint32_t slot)
{
    state->first = slot < state->first ? slot : state->first;
    state->end = slot >= state->end ? slot + 1 : state->end;
}

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/** What lanes hear must not be of two rounds: the doorbell is last, and the check tells. */
static void ring(struct state *state)
{
    slot_stream_end();
    state->host[RESIDENT_FIRST] = state->first;
    state->host[RESIDENT_END] = state->end;
    state->host[RESIDENT_CHECK] = RESIDENT_CHECK_OF(state->rung, state->first, state->end);
    __atomic_store_n(&state->host[RESIDENT_DOORBELL], state->rung, __ATOMIC_RELEASE);
}

static bool enlisted(void *opaque, uint32_t *count, struct replay_error *error)
{
    return read_word(opaque, RESIDENT_ENLISTED, count, error);
}

/** Let the lanes leave that are still there. */
static bool retire(struct state *state, struct replay_error *error)
{
    if (state->lanes.launch == NULL)
        return true;
    const uint32_t shutdown = 1;
    const uint32_t before = state->control[VYRE_CONTROL_SHUTDOWN];
    cl_mem control = state->buffers[VYRE_KERNEL_ARG_CONTROL];
    bool ended;
    return write_words(state, control, VYRE_CONTROL_SHUTDOWN, &shutdown, 1, error) &&
           opencl_check(clWaitForEvents(1, &state->lanes.launch), "the resident kernel", error) &&
           write_words(state, control, VYRE_CONTROL_SHUTDOWN, &before, 1, error) &&
           resident_lanes_ended(&state->lanes, &ended, error);
}

/** Launch with a round under way, since with SHUTDOWN set it is the only one that lanes stay for.
 */
static bool launch(struct state *state, struct replay_error *error)
{
    const uint32_t mailbox[RESIDENT_MAILBOX_WORDS] = {0};
    state->rung = 1;
    state->host[RESIDENT_SEEN] = 0;
    state->host[RESIDENT_STATUSES_SEEN] = 0;
    ring(state);
    return write_words(state, state->mailbox, 0, mailbox, RESIDENT_MAILBOX_WORDS, error) &&
           resident_lanes_launch(&state->lanes, error) &&
           resident_lanes_muster(&state->lanes, enlisted, state, &state->groups, error) &&
           write_words(state, state->mailbox, RESIDENT_GROUPS, &state->groups, 1, error);
}

/** After a while without the end of the round: lanes may have left before it. */
static bool go_on_without(struct state *state, struct replay_error *error)
{
    bool ended;
    uint32_t left;
    uint32_t finished;
    if (!resident_lanes_ended(&state->lanes, &ended, error) ||
        !read_word(state, RESIDENT_LEFT, &left, error) ||
        !read_word(state, RESIDENT_FINISHED, &finished, error))
        return false;
    uint32_t missing = state->rung * state->groups - finished;
    bool deserted = missing > 0 && missing <= left;
    if ((ended || deserted) && state->patience != 0)
        return replay_fail(error, "lanes do not reach it while they run. Fix: use --mode batch, or "
                                  "choose another device with --device.");
    return !deserted || (retire(state, error) && launch(state, error));
}

/** Take over what became of the slots. */
static void settle(struct state *state)
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

static bool wait_round(struct state *state, struct replay_error *error)
{
    if (!state->in_round)
        return true;
    const uint32_t *seen = &state->host[RESIDENT_SEEN];
    for (uint32_t spins = 1; look(seen) != state->rung; spins++) {
        if (spins % SPINS != 0)
            continue;
        const struct timespec pause = {.tv_nsec = PAUSE_NS};
        if (spins <= SPINS * OFFERS)
            sched_yield();
        else
            nanosleep(&pause, NULL);
        if (spins % (SPINS * OFFERS) == 0 && !go_on_without(state, error))
            return false;
    }
    state->in_round = false;
    settle(state);
    return true;
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
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
    if (!write_words(state, state->buffers[VYRE_KERNEL_ARG_RING], slot * VYRE_SLOT_WORDS, words,
                     VYRE_SLOT_WORDS, &state->failure))
        state->failed = true;
}

/* Both on the device and among the results, as if they had been read. */
static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct state *state = opaque;
    char *const results[TIMELINE_ROLES] = {
        [VYRE_KERNEL_ARG_CONTROL] = (char *)state->control,
        [VYRE_KERNEL_ARG_DEBUG_LOG] = (char *)state->debug_log,
        [VYRE_KERNEL_ARG_IO_QUEUE] = (char *)state->io_queue,
    };
    if (!wait_round(state, error))
        return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        struct role_part part;
        if (role == VYRE_KERNEL_ARG_RING || !role_part(&state->roles[role], to, &part))
            continue;
        const char *from = (const char *)bytes + part.in_written;
        memcpy(results[role] + part.in_role, from, part.len);
        cl_int code = clEnqueueWriteBuffer(state->feed, state->buffers[role], CL_TRUE, part.in_role,
                                           part.len, from, 0, NULL, NULL);
        if (!opencl_check(code, "clEnqueueWriteBuffer", error))
            return false;
    }
    return true;
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    (void)submit;
    struct state *state = opaque;
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
    struct state *state = opaque;
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
    const struct state *state = opaque;
    return state->end > 0 && ring_look_claimed(state->looking, state->buffers[VYRE_KERNEL_ARG_RING],
                                               0, state->first, state->end, slot);
}

/* The standard does not say whether it works: a trial does. */
static bool open_reached(const char *choice, char device_name[256], void **opaque,
                         struct replay_error *error)
{
    struct state *state = make(choice, device_name, error);
    if (state == NULL)
        return false;
    cl_device_type type = 0;
    clGetDeviceInfo(state->device.id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    state->patience = type & CL_DEVICE_TYPE_CPU ? TRIAL_PATIENCE_CPU : TRIAL_PATIENCE;
    bool works = resident_trial(&resident_reached, state, error);
    close_reached(state);
    *opaque = works ? make(choice, device_name, error) : NULL;
    return *opaque != NULL;
}

const struct backend resident_reached = {
    .name = "resident, the host's memory",
    .open = open_reached,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = close_reached,
};
