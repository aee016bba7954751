#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/active.h"
#include "replay/backend.h"
#include "replay/devices.h"
#include "replay/opencl_image.h"
#include "replay/words.h"

/** Slots that lie closer than this travel in one transfer. */
#define TRANSFER_GAP 64u

struct state {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    struct opencl_image image;
    /** What the device's buffers held when last observed. */
    uint32_t *control;
    uint32_t control_words;
    uint32_t *ring;
    uint32_t ring_slots;
    uint32_t debug_log[VYRE_DEBUG_LOG_WORDS];
    uint32_t io_queue[VYRE_IO_QUEUE_WORDS];
    /** Published and not seen drained, and those of them that the device does not have yet. */
    struct active active;
    struct active fresh;
    /** Slots in ascending order, for transfers. */
    uint32_t *sorted;
    size_t sorted_len;
    /** Transfers from the ring here are perhaps under way. */
    bool uploading;
};

/** A run of neighbouring slots. */
struct range {
    uint32_t first;
    uint32_t end;
};

static bool check(cl_int code, const char *call, struct replay_error *error)
{
    if (code == CL_SUCCESS)
        return true;
    return replay_fail(error,
                       "%s failed with OpenCL error %d. "
                       "Fix: check the driver, or choose another device with --device.",
                       call, code);
}

static bool set_up(struct state *state, struct replay_error *error)
{
    cl_int code;
    state->context = clCreateContext(NULL, 1, &state->device, NULL, NULL, &code);
    if (!check(code, "clCreateContext", error))
        return false;
    state->queue = clCreateCommandQueue(state->context, state->device, 0, &code);
    return check(code, "clCreateCommandQueue", error);
}

static void close_opencl(void *opaque)
{
    struct state *state = opaque;
    /* Transfers that are still under way use the memory that is freed below. */
    if (state->queue != NULL)
        clFinish(state->queue);
    opencl_image_free(&state->image);
    if (state->queue != NULL)
        clReleaseCommandQueue(state->queue);
    if (state->context != NULL)
        clReleaseContext(state->context);
    active_free(&state->active);
    active_free(&state->fresh);
    free(state->sorted);
    free(state->control);
    free(state->ring);
    free(state);
}

static bool open_opencl(const char *choice, char device_name[256], void **opaque,
                        struct replay_error *error)
{
    struct replay_device *devices;
    size_t len;
    if (!devices_list(&devices, &len, error))
        return false;
    const struct replay_device *device = devices_find(devices, len, choice, error);
    struct state *state = device != NULL ? calloc(1, sizeof(*state)) : NULL;
    if (device != NULL && state == NULL)
        replay_fail_memory(error);
    if (state != NULL) {
        state->device = device->id;
        memcpy(device_name, device->name, sizeof(device->name));
    }
    free(devices);
    if (state == NULL)
        return false;
    if (!set_up(state, error)) {
        close_opencl(state);
        return false;
    }
    *opaque = state;
    return true;
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    state->control_words = image->control_words;
    state->ring_slots = image->ring_slots;
    state->control = calloc(image->control_words, sizeof(uint32_t));
    state->ring = calloc(image->ring_slots, VYRE_SLOT_BYTES);
    state->sorted = malloc(image->ring_slots * sizeof(uint32_t));
    if (state->control == NULL || state->ring == NULL || state->sorted == NULL ||
        !active_init(&state->active, image->ring_slots) ||
        !active_init(&state->fresh, image->ring_slots))
        return replay_fail_memory(error);
    return opencl_image_load(&state->image, state->context, state->device, state->queue, image,
                             error);
}

static size_t ring_offset(const struct state *state)
{
    return state->image.role_offsets[VYRE_KERNEL_ARG_RING];
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    if (state->uploading)
        clFinish(state->queue);
    state->uploading = false;
    memcpy(state->ring + (size_t)slot * VYRE_SLOT_WORDS, words, VYRE_SLOT_BYTES);
    active_add(&state->active, slot);
    active_add(&state->fresh, slot);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct state *state = opaque;
    cl_int code = clEnqueueWriteBuffer(state->queue, state->image.buffers[to->buffer], CL_TRUE,
                                       (size_t)to->offset, (size_t)to->bytes, bytes, 0, NULL, NULL);
    return check(code, "clEnqueueWriteBuffer", error);
}

static void sort(struct state *state, const struct active *slots)
{
    state->sorted_len = slots->len;
    memcpy(state->sorted, slots->slots, slots->len * sizeof(*state->sorted));
    qsort(state->sorted, slots->len, sizeof(*state->sorted), compare_words);
}

/** Whether the device may have drained a slot of a gap, and the ring here does not know. */
static bool may_skip(const struct state *state, uint32_t from, uint32_t to)
{
    for (uint32_t slot = from; slot < to; slot++)
        if (state->active.listed[slot])
            return false;
    return to - from < TRANSFER_GAP;
}

/** The next run of sorted slots, from *at on; \return false after the last. */
static bool next_range(const struct state *state, size_t *at, struct range *range)
{
    if (*at == state->sorted_len)
        return false;
    range->first = state->sorted[*at];
    do {
        range->end = state->sorted[(*at)++] + 1;
    } while (*at < state->sorted_len && state->sorted[*at] - range->end < TRANSFER_GAP &&
             may_skip(state, range->end, state->sorted[*at]));
    return true;
}

/** Put the fresh slots into the ring of the device. */
static bool upload(struct state *state, struct replay_error *error)
{
    sort(state, &state->fresh);
    state->uploading = state->uploading || state->fresh.len > 0;
    active_clear(&state->fresh);
    struct range range;
    for (size_t at = 0; next_range(state, &at, &range);) {
        size_t offset = (size_t)range.first * VYRE_SLOT_BYTES;
        size_t bytes = (size_t)(range.end - range.first) * VYRE_SLOT_BYTES;
        cl_int code = clEnqueueWriteBuffer(state->queue, state->image.roles[VYRE_KERNEL_ARG_RING],
                                           CL_FALSE, ring_offset(state) + offset, bytes,
                                           (const char *)state->ring + offset, 0, NULL, NULL);
        if (!check(code, "clEnqueueWriteBuffer", error))
            return false;
    }
    return true;
}

/** Launch as many lanes as the active slots need: no slot outside is PUBLISHED. */
static bool launch_window(struct state *state, const struct timeline_submit *submit,
                          struct replay_error *error)
{
    if (state->active.len == 0)
        return true;
    sort(state, &state->active);
    size_t group = state->image.group_lanes;
    size_t first = state->sorted[0];
    size_t lanes = state->sorted[state->sorted_len - 1] + 1 - first;
    struct timeline_submit window = {.kernel = submit->kernel,
                                     .dimensions = 1,
                                     .global_offset = {first},
                                     .global_size = {(lanes + group - 1) / group * group},
                                     .local_size = {group}};
    return opencl_image_launch(&state->image, state->queue, &window, error);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    struct state *state = opaque;
    if (!upload(state, error))
        return false;
    return submit->dimensions == 0
               ? launch_window(state, submit, error)
               : opencl_image_launch(&state->image, state->queue, submit, error);
}

static bool read_role(struct state *state, uint32_t role, size_t offset, size_t bytes, void *to,
                      struct replay_error *error)
{
    if (state->image.roles[role] == NULL)
        return true;
    cl_int code =
        clEnqueueReadBuffer(state->queue, state->image.roles[role], CL_FALSE,
                            state->image.role_offsets[role] + offset, bytes, to, 0, NULL, NULL);
    return check(code, "clEnqueueReadBuffer", error);
}

static bool read_ring(struct state *state, bool whole, struct replay_error *error)
{
    if (whole)
        return read_role(state, VYRE_KERNEL_ARG_RING, 0,
                         (size_t)state->ring_slots * VYRE_SLOT_BYTES, state->ring, error);
    struct range range;
    sort(state, &state->active);
    for (size_t at = 0; next_range(state, &at, &range);) {
        size_t offset = (size_t)range.first * VYRE_SLOT_BYTES;
        size_t bytes = (size_t)(range.end - range.first) * VYRE_SLOT_BYTES;
        if (!read_role(state, VYRE_KERNEL_ARG_RING, offset, bytes, (char *)state->ring + offset,
                       error))
            return false;
    }
    return true;
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    struct state *state = opaque;
    /* What no launch has seen yet is there all the same. */
    if (!upload(state, error) || !read_ring(state, whole_ring, error) ||
        !read_role(state, VYRE_KERNEL_ARG_DEBUG_LOG, 0, sizeof(state->debug_log), state->debug_log,
                   error) ||
        !read_role(state, VYRE_KERNEL_ARG_IO_QUEUE, 0, sizeof(state->io_queue), state->io_queue,
                   error) ||
        !read_role(state, VYRE_KERNEL_ARG_CONTROL, 0, state->control_words * sizeof(uint32_t),
                   state->control, error) ||
        !check(clFinish(state->queue), "the megakernel, or clFinish after it,", error))
        return false;

    state->uploading = false;
    active_prune(&state->active, state->ring);
    const cl_mem *roles = state->image.roles;
    view->control = state->control;
    view->ring = state->ring;
    view->debug_log = roles[VYRE_KERNEL_ARG_DEBUG_LOG] == NULL ? NULL : state->debug_log;
    view->io_queue = roles[VYRE_KERNEL_ARG_IO_QUEUE] == NULL ? NULL : state->io_queue;
    return true;
}

const struct backend backend_opencl = {
    .name = "opencl",
    .open = open_opencl,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .close = close_opencl,
};
