#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/backend.h"
#include "replay/opencl_device.h"
#include "replay/opencl_image.h"
#include "replay/staged_ring.h"

/** Where a role's words are among those that were read back. */
static const uint32_t read_words[TIMELINE_ROLES] = {
    [VYRE_KERNEL_ARG_DEBUG_LOG] = VYRE_DEBUG_LOG_WORDS,
    [VYRE_KERNEL_ARG_IO_QUEUE] = VYRE_IO_QUEUE_WORDS,
};

struct state {
    struct opencl_device device;
    cl_command_queue queue;
    /** Of claimed() alone. */
    cl_command_queue looking;
    struct opencl_image image;
    struct staged_ring ring;
    /** What the device's buffers held when last observed; NULL for the ring, and what is not there.
     */
    struct pinned results;
    uint32_t *read[TIMELINE_ROLES];
    uint32_t control_words;
};

static void close_opencl(void *opaque)
{
    struct state *state = opaque;
    /* Transfers that are still under way use the memory that is freed below. */
    if (state->queue != NULL)
        clFinish(state->queue);
    staged_ring_close(&state->ring);
    pinned_free(&state->results);
    opencl_image_free(&state->image);
    if (state->looking != NULL)
        clReleaseCommandQueue(state->looking);
    if (state->queue != NULL)
        clReleaseCommandQueue(state->queue);
    opencl_close(&state->device);
    free(state);
}

static bool open_opencl(const char *choice, char device_name[256], void **opaque,
                        struct replay_error *error)
{
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return replay_fail_memory(error);
    cl_int code = CL_SUCCESS;
    bool opened = opencl_open(choice, device_name, &state->device, error);
    if (opened)
        state->queue = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
    if (opened && code == CL_SUCCESS)
        state->looking = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
    if (!opened || !opencl_check(code, "clCreateCommandQueue", error)) {
        close_opencl(state);
        return false;
    }
    *opaque = state;
    return true;
}

static uint32_t words_of(const struct state *state, uint32_t role)
{
    if (role == VYRE_KERNEL_ARG_RING || state->image.roles[role] == NULL)
        return 0;
    return role == VYRE_KERNEL_ARG_CONTROL ? state->control_words : read_words[role];
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    state->control_words = image->control_words;
    if (!opencl_image_load(&state->image, state->device.context, state->device.id, state->queue,
                           image, error) ||
        !staged_ring_open(&state->ring, &state->device, state->queue,
                          state->image.roles[VYRE_KERNEL_ARG_RING],
                          state->image.role_offsets[VYRE_KERNEL_ARG_RING], image->ring_slots,
                          image->builtin, error))
        return false;
    size_t words = 0;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        words += words_of(state, role);
    if (!pinned_make(&state->device, state->queue, words * sizeof(uint32_t), &state->results,
                     error))
        return false;
    uint32_t *at = state->results.memory;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        state->read[role] = words_of(state, role) > 0 ? at : NULL;
        at += words_of(state, role);
    }
    return true;
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    staged_ring_publish(&state->ring, slot, words);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct state *state = opaque;
    cl_int code = clEnqueueWriteBuffer(state->queue, state->image.buffers[to->buffer], CL_TRUE,
                                       (size_t)to->offset, (size_t)to->bytes, bytes, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error);
}

/** Launch as many lanes as the active slots need: no slot outside is PUBLISHED. */
static bool launch_window(struct state *state, const struct timeline_submit *submit,
                          struct replay_error *error)
{
    size_t group = state->image.group_lanes;
    size_t first = state->ring.window.first;
    size_t lanes = state->ring.window.end - first;
    struct timeline_submit window = {.kernel = submit->kernel,
                                     .dimensions = 1,
                                     .global_offset = {first},
                                     .global_size = {(lanes + group - 1) / group * group},
                                     .local_size = {group}};
    return lanes == 0 || opencl_image_launch(&state->image, state->queue, &window, error);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    struct state *state = opaque;
    if (!staged_ring_upload(&state->ring, error))
        return false;
    if (!(submit->dimensions == 0
              ? launch_window(state, submit, error)
              : opencl_image_launch(&state->image, state->queue, submit, error)))
        return false;
    /* The device begins, whatever else there is to do before observe(). */
    return opencl_check(clFlush(state->queue), "clFlush", error);
}

static bool read_roles(struct state *state, struct replay_error *error)
{
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        if (state->read[role] == NULL)
            continue;
        cl_int code = clEnqueueReadBuffer(
            state->queue, state->image.roles[role], CL_FALSE, state->image.role_offsets[role],
            words_of(state, role) * sizeof(uint32_t), state->read[role], 0, NULL, NULL);
        if (!opencl_check(code, "clEnqueueReadBuffer", error))
            return false;
    }
    return true;
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    struct state *state = opaque;
    if (!staged_ring_read(&state->ring, whole_ring, error) || !read_roles(state, error) ||
        !opencl_check(clFinish(state->queue), "the megakernel, or clFinish after it,", error) ||
        !staged_ring_settle(&state->ring, error))
        return false;
    view->control = state->read[VYRE_KERNEL_ARG_CONTROL];
    view->statuses = state->ring.statuses;
    view->status_stride = 1;
    view->debug_log = state->read[VYRE_KERNEL_ARG_DEBUG_LOG];
    view->io_queue = state->read[VYRE_KERNEL_ARG_IO_QUEUE];
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    struct state *state = opaque;
    return staged_ring_claimed(&state->ring, state->looking, slot);
}

const struct backend backend_opencl = {
    .name = "opencl",
    .open = open_opencl,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = close_opencl,
};
