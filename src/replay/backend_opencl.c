#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/backend.h"
#include "replay/opencl_device.h"
#include "replay/opencl_image.h"
#include "replay/role_copies.h"
#include "replay/staged_ring.h"

struct state {
    struct opencl_device device;
    cl_command_queue queue;
    /** Of claimed() alone. */
    cl_command_queue looking;
    struct opencl_image image;
    struct staged_ring ring;
    /** What the device's buffers held when last observed. */
    struct role_copies roles;
};

static void close_opencl(void *opaque)
{
    struct state *state = opaque;
    /* Transfers that are still under way use the memory that is freed below. */
    if (state->queue != NULL)
        clFinish(state->queue);
    staged_ring_close(&state->ring);
    role_copies_close(&state->roles);
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

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    return opencl_image_load(&state->image, state->device.context, state->device.id, state->queue,
                             image, error) &&
           staged_ring_open(&state->ring, &state->device, state->queue,
                            state->image.roles[VYRE_KERNEL_ARG_RING],
                            state->image.role_offsets[VYRE_KERNEL_ARG_RING], image->ring_slots,
                            image->builtin, error) &&
           role_copies_open(&state->roles, &state->device, state->queue, &state->image,
                            image->control_words, error);
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

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    struct state *state = opaque;
    if (!staged_ring_read(&state->ring, whole_ring, error) ||
        !role_copies_read_all(&state->roles, error) ||
        !opencl_check(clFinish(state->queue), "the megakernel, or clFinish after it,", error) ||
        !staged_ring_settle(&state->ring, error))
        return false;
    role_copies_show(&state->roles, view);
    view->statuses = state->ring.statuses;
    view->status_stride = 1;
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
