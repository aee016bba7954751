#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/active.h"
#include "replay/backend.h"
#include "replay/devices.h"
#include "replay/megakernel.h"
#include "replay/words.h"

/** Lanes of a work-group, where the device takes that many.  Fixed, since some drivers
 *  compile the kernel anew for each size. */
#define GROUP_LANES 64u

/** Slots that lie closer than this travel in one transfer. */
#define TRANSFER_GAP 64u

struct state {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    size_t group_lanes;
    cl_mem control_buffer;
    cl_mem ring_buffer;
    cl_mem debug_buffer;
    cl_mem io_buffer;
    /** What the device's buffers held when last observed. */
    uint32_t *control;
    uint32_t control_words;
    uint32_t *ring;
    uint32_t ring_slots;
    uint32_t debug_log[VYRE_DEBUG_LOG_WORDS];
    struct active active;
    /** The active slots in ascending order, for transfers. */
    uint32_t *sorted;
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

static bool build(struct state *state, struct replay_error *error)
{
    const char *text = megakernel_source;
    size_t len = megakernel_source_len;
    cl_int code;
    state->program = clCreateProgramWithSource(state->context, 1, &text, &len, &code);
    if (!check(code, "clCreateProgramWithSource", error))
        return false;
    code = clBuildProgram(state->program, 1, &state->device, "-cl-std=CL1.2", NULL, NULL);
    if (code == CL_SUCCESS) {
        state->kernel = clCreateKernel(state->program, "vyre_megakernel", &code);
        return check(code, "clCreateKernel", error);
    }

    size_t log_len = 0;
    char *log = NULL;
    if (clGetProgramBuildInfo(state->program, state->device, CL_PROGRAM_BUILD_LOG, 0, NULL,
                              &log_len) == CL_SUCCESS)
        log = calloc(log_len + 1, 1);
    if (log != NULL)
        clGetProgramBuildInfo(state->program, state->device, CL_PROGRAM_BUILD_LOG, log_len, log,
                              NULL);
    replay_fail(error,
                "the device's compiler refused megakernel.cl with OpenCL error %d: %.3500s\n"
                "Fix: update the driver, or choose another device with --device.",
                code, log != NULL ? log : "");
    free(log);
    return false;
}

static bool set_up(struct state *state, struct replay_error *error)
{
    cl_int code;
    state->context = clCreateContext(NULL, 1, &state->device, NULL, NULL, &code);
    if (!check(code, "clCreateContext", error))
        return false;
    state->queue = clCreateCommandQueue(state->context, state->device, 0, &code);
    if (!check(code, "clCreateCommandQueue", error) || !build(state, error))
        return false;
    code = clGetKernelWorkGroupInfo(state->kernel, state->device, CL_KERNEL_WORK_GROUP_SIZE,
                                    sizeof(state->group_lanes), &state->group_lanes, NULL);
    if (!check(code, "clGetKernelWorkGroupInfo", error))
        return false;
    if (state->group_lanes > GROUP_LANES)
        state->group_lanes = GROUP_LANES;
    return true;
}

static void close_opencl(void *opaque)
{
    struct state *state = opaque;
    cl_mem buffers[] = {state->control_buffer, state->ring_buffer, state->debug_buffer,
                        state->io_buffer};
    /* Transfers that are still under way use the memory that is freed below. */
    if (state->queue != NULL)
        clFinish(state->queue);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    }
    if (state->kernel != NULL)
        clReleaseKernel(state->kernel);
    if (state->program != NULL)
        clReleaseProgram(state->program);
    if (state->queue != NULL)
        clReleaseCommandQueue(state->queue);
    if (state->context != NULL)
        clReleaseContext(state->context);
    active_free(&state->active);
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

static bool create_buffer(struct state *state, const char *what, size_t bytes,
                          const uint32_t *contents, cl_mem *buffer, struct replay_error *error)
{
    cl_ulong most = 0;
    cl_int code =
        clGetDeviceInfo(state->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(most), &most, NULL);
    if (!check(code, "clGetDeviceInfo", error))
        return false;
    if (bytes > most)
        return replay_fail(error,
                           "the %s of this log is %zu bytes and the device takes %llu. "
                           "Fix: choose another device with --device.",
                           what, bytes, (unsigned long long)most);
    *buffer = clCreateBuffer(state->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (!check(code, "clCreateBuffer", error))
        return false;
    if (contents != NULL) {
        code =
            clEnqueueWriteBuffer(state->queue, *buffer, CL_TRUE, 0, bytes, contents, 0, NULL, NULL);
        return check(code, "clEnqueueWriteBuffer", error);
    }
    cl_uint zero = 0;
    code = clEnqueueFillBuffer(state->queue, *buffer, &zero, sizeof(zero), 0, bytes, 0, NULL, NULL);
    return check(code, "clEnqueueFillBuffer", error);
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    size_t control_bytes = image->control_words * sizeof(uint32_t);
    state->control_words = image->control_words;
    state->ring_slots = image->ring_slots;
    state->control = malloc(control_bytes);
    state->ring = calloc(image->ring_slots, VYRE_SLOT_BYTES);
    state->sorted = malloc(image->ring_slots * sizeof(uint32_t));
    if (state->control == NULL || state->ring == NULL || state->sorted == NULL ||
        !active_init(&state->active, image->ring_slots))
        return replay_fail_memory(error);

    if (!create_buffer(state, "control buffer", control_bytes, image->control,
                       &state->control_buffer, error) ||
        !create_buffer(state, "ring", (size_t)image->ring_slots * VYRE_SLOT_BYTES, NULL,
                       &state->ring_buffer, error) ||
        !create_buffer(state, "debug log", VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t), NULL,
                       &state->debug_buffer, error) ||
        !create_buffer(state, "IO queue", VYRE_IO_QUEUE_WORDS * sizeof(uint32_t), NULL,
                       &state->io_buffer, error))
        return false;

    cl_kernel kernel = state->kernel;
    cl_int codes[] = {
        clSetKernelArg(kernel, VYRE_KERNEL_ARG_CONTROL, sizeof(cl_mem), &state->control_buffer),
        clSetKernelArg(kernel, VYRE_KERNEL_ARG_RING, sizeof(cl_mem), &state->ring_buffer),
        clSetKernelArg(kernel, VYRE_KERNEL_ARG_DEBUG_LOG, sizeof(cl_mem), &state->debug_buffer),
        clSetKernelArg(kernel, VYRE_KERNEL_ARG_IO_QUEUE, sizeof(cl_mem), &state->io_buffer),
        clSetKernelArg(kernel, 4, sizeof(cl_uint), &state->control_words),
        clSetKernelArg(kernel, 5, sizeof(cl_uint), &state->ring_slots),
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (!check(codes[i], "clSetKernelArg", error))
            return false;
    }
    return true;
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    memcpy(state->ring + (size_t)slot * VYRE_SLOT_WORDS, words, VYRE_SLOT_BYTES);
    active_add(&state->active, slot);
}

/** The next run of active slots, from *at on; \return false after the last. */
static bool next_range(const struct state *state, size_t *at, struct range *range)
{
    if (*at == state->active.len)
        return false;
    range->first = state->sorted[*at];
    do {
        range->end = state->sorted[(*at)++] + 1;
    } while (*at < state->active.len && state->sorted[*at] - range->end < TRANSFER_GAP);
    return true;
}

static bool submit(void *opaque, struct replay_error *error)
{
    struct state *state = opaque;
    size_t len = state->active.len;
    if (len == 0)
        return true;
    memcpy(state->sorted, state->active.slots, len * sizeof(*state->sorted));
    qsort(state->sorted, len, sizeof(*state->sorted), compare_words);

    struct range range;
    for (size_t at = 0; next_range(state, &at, &range);) {
        size_t offset = (size_t)range.first * VYRE_SLOT_BYTES;
        size_t bytes = (size_t)(range.end - range.first) * VYRE_SLOT_BYTES;
        cl_int code =
            clEnqueueWriteBuffer(state->queue, state->ring_buffer, CL_FALSE, offset, bytes,
                                 (const char *)state->ring + offset, 0, NULL, NULL);
        if (!check(code, "clEnqueueWriteBuffer", error))
            return false;
    }

    /* No slot outside is PUBLISHED, so its lane would do nothing. */
    size_t first = state->sorted[0];
    size_t lanes = state->sorted[len - 1] + 1 - first;
    lanes = (lanes + state->group_lanes - 1) / state->group_lanes * state->group_lanes;
    cl_int code = clEnqueueNDRangeKernel(state->queue, state->kernel, 1, &first, &lanes,
                                         &state->group_lanes, 0, NULL, NULL);
    return check(code, "clEnqueueNDRangeKernel", error);
}

static bool observe(void *opaque, struct backend_view *view, struct replay_error *error)
{
    struct state *state = opaque;
    struct range range;
    for (size_t at = 0; next_range(state, &at, &range);) {
        size_t offset = (size_t)range.first * VYRE_SLOT_BYTES;
        size_t bytes = (size_t)(range.end - range.first) * VYRE_SLOT_BYTES;
        cl_int code = clEnqueueReadBuffer(state->queue, state->ring_buffer, CL_FALSE, offset, bytes,
                                          (char *)state->ring + offset, 0, NULL, NULL);
        if (!check(code, "clEnqueueReadBuffer", error))
            return false;
    }
    cl_int code = clEnqueueReadBuffer(state->queue, state->debug_buffer, CL_FALSE, 0,
                                      sizeof(state->debug_log), state->debug_log, 0, NULL, NULL);
    if (!check(code, "clEnqueueReadBuffer", error))
        return false;
    /* The queue is in order: with the last one all are there. */
    code =
        clEnqueueReadBuffer(state->queue, state->control_buffer, CL_TRUE, 0,
                            state->control_words * sizeof(uint32_t), state->control, 0, NULL, NULL);
    if (!check(code, "the megakernel, or clEnqueueReadBuffer after it,", error))
        return false;

    active_prune(&state->active, state->ring);
    view->control = state->control;
    view->ring = state->ring;
    view->debug_log = state->debug_log;
    return true;
}

const struct backend backend_opencl = {
    .name = "opencl",
    .open = open_opencl,
    .load = load,
    .publish = publish,
    .submit = submit,
    .observe = observe,
    .close = close_opencl,
};
