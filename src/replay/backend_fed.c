#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/backend.h"
#include "replay/fed_ring.h"
#include "replay/opencl_device.h"
#include "replay/opencl_image.h"
#include "replay/role_copies.h"

#define WORD sizeof(cl_uint)
/** Between two looks at a launch that is fed. */
#define PAUSE_NS 20000
/** Slots that no lane has claimed for so long will not be: their tenant is masked, or nobody looks
 *  there. */
#define PATIENCE_NS INT64_C(2000000000)

struct state {
    struct opencl_device device;
    /** Launches, and what is copied beside them. */
    cl_command_queue launches;
    cl_command_queue copies;
    /** Of claimed() alone. */
    cl_command_queue looking;
    struct opencl_image image;
    struct fed_ring ring;
    struct role_copies roles;
    /** Complete when the launch is that is fed; NULL when none is. */
    cl_event fed;
};

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
    role_copies_close(&state->roles);
    opencl_image_free(&state->image);
    cl_command_queue queues[] = {state->launches, state->copies, state->looking};
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        if (queues[i] != NULL)
            clReleaseCommandQueue(queues[i]);
    opencl_close(&state->device);
    fed_ring_close(&state->ring);
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
    return opencl_image_load(&state->image, state->device.context, state->device.id, state->copies,
                             image, error) &&
           opencl_check(clFinish(state->copies), "clFinish", error) &&
           fed_ring_open(&state->ring, state->copies, role_of(state, VYRE_KERNEL_ARG_RING),
                         state->image.role_offsets[VYRE_KERNEL_ARG_RING], image->ring_slots,
                         error) &&
           role_copies_open(&state->roles, &state->device, state->copies, &state->image,
                            image->control_words, error);
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    fed_ring_publish(&state->ring, slot, words);
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
    while (fed_ring_must_wait(&state->ring) && !has_ended(state)) {
        if (!fed_ring_look(&state->ring, error))
            return false;
        pause_a_little();
    }
    return true;
}

static bool feed(void *opaque, struct replay_error *error)
{
    struct state *state = opaque;
    return wait_for_free(state, error) && fed_ring_copy(&state->ring, error);
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

static bool has_come(const struct state *state, const struct backend_goal *goal)
{
    const uint32_t *control = state->roles.words[VYRE_KERNEL_ARG_CONTROL];
    if (goal->counted && (int32_t)(control[VYRE_CONTROL_DONE_COUNT] - goal->done) < 0)
        return false;
    return fed_ring_has_come(&state->ring, goal);
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
        if (!role_copies_read(&state->roles, VYRE_KERNEL_ARG_CONTROL, error) ||
            !fed_ring_look(&state->ring, error))
            return false;
        if (ended || has_come(state, goal) || (state->ring.flying.len == 0 && flying == 0))
            return true;
        if (state->ring.flying.len != flying || fed_ring_is_claimed(&state->ring)) {
            flying = state->ring.flying.len;
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
    /* Looking at the ring waits for what is in the queue. */
    if ((state->fed == NULL && !end_launches(state, error)) ||
        !role_copies_read_all(&state->roles, error) || !fed_ring_look(&state->ring, error))
        return false;
    role_copies_show(&state->roles, view);
    view->statuses = state->ring.statuses;
    view->status_stride = 1;
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    struct state *state = opaque;
    return fed_ring_claimed(&state->ring, state->looking, slot);
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
