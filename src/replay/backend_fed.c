#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/active.h"
#include "replay/backend.h"
#include "replay/opencl_device.h"
#include "replay/opencl_image.h"

#define WORD sizeof(cl_uint)
/** Between two looks at a launch that is fed. */
#define PAUSE_NS 20000
/** Slots that no lane has claimed for so long will not be: their tenant is masked, or nobody looks
 *  there. */
#define PATIENCE_NS INT64_C(2000000000)
/** How long claimed() waits. */
#define LOOK_MS 500

struct state {
    struct opencl_device device;
    /** Launches, and what is copied beside them. */
    cl_command_queue launches;
    cl_command_queue copies;
    /** Of claimed() alone. */
    cl_command_queue looking;
    struct opencl_image image;
    uint32_t slots;
    /** Slots as published. */
    cl_uint *words;
    /** As last read, and as published since. */
    cl_uint *statuses;
    cl_uint *looked_at;
    /** Published and not copied yet. */
    struct active waiting;
    /** Copied, and not seen drained. */
    struct active flying;
    uint32_t role_words[TIMELINE_ROLES];
    cl_uint *read[TIMELINE_ROLES];
    /** Complete when the launch is that is fed; NULL when none is. */
    cl_event fed;
};

static bool is_drained(cl_uint status)
{
    return status != VYRE_STATUS_PUBLISHED && status != VYRE_STATUS_CLAIMED;
}

static cl_mem role_of(const struct state *state, uint32_t role)
{
    return state->image.roles[role];
}

static void close_fed(void *opaque)
{
    struct state *state = opaque;
    if (state->fed != NULL) {
        /* The recorded run was cut before it told its lanes to stop. */
        const cl_uint shutdown = 1;
        clEnqueueWriteBuffer(state->copies, role_of(state, VYRE_KERNEL_ARG_CONTROL), CL_TRUE,
                             state->image.role_offsets[VYRE_KERNEL_ARG_CONTROL] +
                                 VYRE_CONTROL_SHUTDOWN * WORD,
                             WORD, &shutdown, 0, NULL, NULL);
        clReleaseEvent(state->fed);
    }
    if (state->launches != NULL)
        clFinish(state->launches);
    opencl_image_free(&state->image);
    cl_command_queue queues[] = {state->launches, state->copies, state->looking};
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        if (queues[i] != NULL)
            clReleaseCommandQueue(queues[i]);
    opencl_close(&state->device);
    active_free(&state->waiting);
    active_free(&state->flying);
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        free(state->read[role]);
    free(state->words);
    free(state->statuses);
    free(state->looked_at);
    free(state);
}

static bool open_fed(const char *choice, char device_name[256], void **opaque,
                     struct replay_error *error)
{
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return replay_fail_memory(error);
    if (!opencl_open(choice, device_name, &state->device, error)) {
        close_fed(state);
        return false;
    }
    cl_command_queue *queues[] = {&state->launches, &state->copies, &state->looking};
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        cl_int code;
        *queues[i] = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
        if (!opencl_check(code, "clCreateCommandQueue", error)) {
            close_fed(state);
            return false;
        }
    }
    *opaque = state;
    return true;
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    if (!opencl_image_load(&state->image, state->device.context, state->device.id, state->copies,
                           image, error) ||
        !opencl_check(clFinish(state->copies), "clFinish", error))
        return false;
    state->slots = image->ring_slots;
    state->role_words[VYRE_KERNEL_ARG_CONTROL] = image->control_words;
    state->role_words[VYRE_KERNEL_ARG_DEBUG_LOG] = VYRE_DEBUG_LOG_WORDS;
    state->role_words[VYRE_KERNEL_ARG_IO_QUEUE] = VYRE_IO_QUEUE_WORDS;
    bool made =
        active_init(&state->waiting, state->slots) && active_init(&state->flying, state->slots);
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        if (role_of(state, role) == NULL)
            state->role_words[role] = 0;
        if (state->role_words[role] == 0)
            continue;
        state->read[role] = calloc(state->role_words[role], WORD);
        made = made && state->read[role] != NULL;
    }
    state->words = calloc(state->slots, VYRE_SLOT_BYTES);
    state->statuses = calloc(state->slots, WORD);
    state->looked_at = calloc(state->slots, WORD);
    made = made && state->words != NULL && state->statuses != NULL && state->looked_at != NULL;
    return made || replay_fail_memory(error);
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    memcpy(state->words + (size_t)slot * VYRE_SLOT_WORDS, words, VYRE_SLOT_BYTES);
    state->statuses[slot] = words[VYRE_SLOT_STATUS];
    active_add(&state->waiting, slot);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct state *state = opaque;
    return opencl_check(clEnqueueWriteBuffer(state->copies, state->image.buffers[to->buffer],
                                             CL_TRUE, (size_t)to->offset, (size_t)to->bytes, bytes,
                                             0, NULL, NULL),
                        "clEnqueueWriteBuffer", error);
}

/** Read the statuses of all slots; of those that wait here only the device's own are meant. */
static bool read_statuses(struct state *state, cl_command_queue queue, cl_uint *statuses,
                          cl_bool wait, cl_event *event, struct replay_error *error)
{
    const size_t from[3] = {state->image.role_offsets[VYRE_KERNEL_ARG_RING], 0, 0};
    const size_t to[3] = {0, 0, 0};
    const size_t region[3] = {WORD, state->slots, 1};
    return opencl_check(clEnqueueReadBufferRect(queue, role_of(state, VYRE_KERNEL_ARG_RING), wait,
                                                from, to, region, VYRE_SLOT_BYTES, 0, WORD, 0,
                                                statuses, 0, NULL, event),
                        "clEnqueueReadBufferRect", error);
}

/** Take the statuses over, and forget the slots that were drained. */
static bool look(struct state *state, struct replay_error *error)
{
    if (!read_statuses(state, state->copies, state->statuses, CL_TRUE, NULL, error))
        return false;
    struct active *flying = &state->flying;
    size_t kept = 0;
    for (size_t i = 0; i < flying->len; i++) {
        uint32_t slot = flying->slots[i];
        flying->listed[slot] = !is_drained(state->statuses[slot]);
        if (flying->listed[slot])
            flying->slots[kept++] = slot;
    }
    flying->len = kept;
    for (size_t i = 0; i < state->waiting.len; i++) {
        uint32_t slot = state->waiting.slots[i];
        state->statuses[slot] = state->words[(size_t)slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS];
    }
    return true;
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    nanosleep(&pause, NULL);
}

/** Whether the launch that is fed has ended. */
static bool has_ended(const struct state *state)
{
    cl_int status = CL_COMPLETE;
    return state->fed == NULL ||
           clGetEventInfo(state->fed, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status), &status,
                          NULL) != CL_SUCCESS ||
           status <= CL_COMPLETE;
}

/** Wait until slots that are to be used again are drained: the recorded host had seen that. */
static bool wait_for_free(struct state *state, struct replay_error *error)
{
    for (;;) {
        bool busy = false;
        for (size_t i = 0; i < state->waiting.len && !busy; i++)
            busy = state->flying.listed[state->waiting.slots[i]];
        if (!busy || has_ended(state))
            return true;
        if (!look(state, error))
            return false;
        pause_a_little();
    }
}

static int compare_slots(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/** Copy a part of neighbouring slots. */
static bool copy_part(struct state *state, uint32_t first, uint32_t slots, size_t from,
                      size_t bytes, struct replay_error *error)
{
    const size_t there[3] = {state->image.role_offsets[VYRE_KERNEL_ARG_RING] +
                                 (size_t)first * VYRE_SLOT_BYTES + from,
                             0, 0};
    const size_t here[3] = {(size_t)first * VYRE_SLOT_BYTES + from, 0, 0};
    const size_t region[3] = {bytes, slots, 1};
    return opencl_check(clEnqueueWriteBufferRect(state->copies,
                                                 role_of(state, VYRE_KERNEL_ARG_RING), CL_FALSE,
                                                 there, here, region, VYRE_SLOT_BYTES, 0,
                                                 VYRE_SLOT_BYTES, 0, state->words, 0, NULL, NULL),
                        "clEnqueueWriteBufferRect", error);
}

static bool copy_runs(struct state *state, size_t from, size_t bytes, struct replay_error *error)
{
    const struct active *waiting = &state->waiting;
    for (size_t i = 0; i < waiting->len;) {
        size_t end = i + 1;
        while (end < waiting->len && waiting->slots[end] == waiting->slots[end - 1] + 1)
            end++;
        if (!copy_part(state, waiting->slots[i], (uint32_t)(end - i), from, bytes, error))
            return false;
        i = end;
    }
    return true;
}

static bool feed(void *opaque, struct replay_error *error)
{
    struct state *state = opaque;
    struct active *waiting = &state->waiting;
    if (waiting->len == 0)
        return true;
    if (!wait_for_free(state, error))
        return false;
    qsort(waiting->slots, waiting->len, sizeof(*waiting->slots), compare_slots);
    /* A lane that sees a slot PUBLISHED must see the rest of it: it comes first.  Of the status
     * only the byte that can differ: a CPU's memcpy() may store longer ones twice, and the second
     * time over a lane's DONE. */
    if (!copy_runs(state, WORD, VYRE_SLOT_BYTES - WORD, error) ||
        !copy_runs(state, VYRE_SLOT_STATUS * WORD, 1, error) ||
        !opencl_check(clFinish(state->copies), "clFinish", error))
        return false;
    for (size_t i = 0; i < waiting->len; i++) {
        uint32_t slot = waiting->slots[i];
        if (!is_drained(state->words[(size_t)slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS]))
            active_add(&state->flying, slot);
    }
    active_clear(waiting);
    return true;
}

/** Wait for the end of all launches. */
static bool end_launches(struct state *state, struct replay_error *error)
{
    if (state->fed != NULL)
        clReleaseEvent(state->fed);
    state->fed = NULL;
    return opencl_check(clFinish(state->launches), "the megakernel, or clFinish after it,", error);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    struct state *state = opaque;
    if (!end_launches(state, error) || !feed(state, error) ||
        !opencl_image_launch(&state->image, state->launches, submit, error))
        return false;
    return (!submit->fed ||
            opencl_check(clEnqueueMarkerWithWaitList(state->launches, 0, NULL, &state->fed),
                         "clEnqueueMarkerWithWaitList", error)) &&
           opencl_check(clFlush(state->launches), "clFlush", error);
}

static bool read_role(struct state *state, uint32_t role, struct replay_error *error)
{
    return opencl_check(clEnqueueReadBuffer(state->copies, role_of(state, role), CL_TRUE,
                                            state->image.role_offsets[role],
                                            state->role_words[role] * WORD, state->read[role], 0,
                                            NULL, NULL),
                        "clEnqueueReadBuffer", error);
}

static bool has_come(const struct state *state, const struct backend_goal *goal)
{
    const cl_uint *control = state->read[VYRE_KERNEL_ARG_CONTROL];
    if (goal->counted && (int32_t)(control[VYRE_CONTROL_DONE_COUNT] - goal->done) < 0)
        return false;
    for (size_t i = 0; i < state->flying.len; i++) {
        uint32_t slot = state->flying.slots[i];
        if (goal->at_rest || (goal->ring != NULL && timeline_observed_slot(goal->ring, slot) &&
                              !timeline_observed_published(goal->ring, slot)))
            return false;
    }
    return true;
}

/** Whether a lane is at work on a slot. */
static bool is_claimed(const struct state *state)
{
    for (size_t i = 0; i < state->flying.len; i++)
        if (state->statuses[state->flying.slots[i]] == VYRE_STATUS_CLAIMED)
            return true;
    return false;
}

static bool await(void *opaque, const struct backend_goal *goal, struct replay_error *error)
{
    struct state *state = opaque;
    size_t flying = SIZE_MAX;
    int64_t since = now_ns();
    if (goal->ended)
        return end_launches(state, error);
    for (;;) {
        bool ended = has_ended(state);
        if (!look(state, error) || !read_role(state, VYRE_KERNEL_ARG_CONTROL, error))
            return false;
        if (ended || has_come(state, goal) || (state->flying.len == 0 && flying == 0))
            return true;
        if (state->flying.len != flying || is_claimed(state)) {
            flying = state->flying.len;
            since = now_ns();
        }
        if (now_ns() - since > PATIENCE_NS)
            return true;
        pause_a_little();
    }
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    (void)whole_ring;
    struct state *state = opaque;
    if ((state->fed == NULL && !end_launches(state, error)) || !look(state, error))
        return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        if (state->read[role] != NULL && !read_role(state, role, error))
            return false;
    view->control = state->read[VYRE_KERNEL_ARG_CONTROL];
    view->statuses = state->statuses;
    view->status_stride = 1;
    view->debug_log = state->read[VYRE_KERNEL_ARG_DEBUG_LOG];
    view->io_queue = state->read[VYRE_KERNEL_ARG_IO_QUEUE];
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    struct state *state = opaque;
    struct replay_error ignored;
    cl_int status = CL_QUEUED;
    cl_event read;
    if (!read_statuses(state, state->looking, state->looked_at, CL_FALSE, &read, &ignored))
        return false;
    clFlush(state->looking);
    for (int ms = 0; ms < LOOK_MS && status != CL_COMPLETE; ms++) {
        const struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
        if (clGetEventInfo(read, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status), &status,
                           NULL) != CL_SUCCESS)
            return false;
    }
    for (*slot = 0; status == CL_COMPLETE && *slot < state->slots; ++*slot)
        if (state->looked_at[*slot] == VYRE_STATUS_CLAIMED)
            return true;
    return false;
}

const struct backend backend_fed = {
    .name = "opencl",
    .open = open_fed,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .feed = feed,
    .await = await,
    .observe = observe,
    .claimed = claimed,
    .close = close_fed,
};
