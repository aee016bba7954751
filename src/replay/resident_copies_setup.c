#include <stdlib.h>
#include <string.h>

#include "replay/resident_copies.h"

/** Looks of vyre_ring before it gives the queue back: some milliseconds, so that the host can see
 *  whether lanes have left. */
#define RING_PATIENCE (1u << 16)

void resident_copies_close(void *opaque)
{
    struct resident_copies *state = opaque;
    const uint32_t shutdown = 1;
    if (state->lanes.launch != NULL)
        clEnqueueWriteBuffer(state->feed, state->parts[RESIDENT_PART_CONTROL], CL_TRUE, 0,
                             sizeof(shutdown), &shutdown, 0, NULL, NULL);
    resident_lanes_close(&state->lanes);
    if (state->read != NULL)
        clReleaseEvent(state->read);
    if (state->feed != NULL)
        clFinish(state->feed);
    staged_ring_close(&state->ring);
    pinned_free(&state->staging);
    for (size_t i = 0; i < RESIDENT_PARTS; i++) {
        if (state->parts[i] != NULL)
            clReleaseMemObject(state->parts[i]);
    }
    if (state->results_buffer != NULL)
        clReleaseMemObject(state->results_buffer);
    if (state->ring_buffer != NULL)
        clReleaseMemObject(state->ring_buffer);
    if (state->ring_kernel != NULL)
        clReleaseKernel(state->ring_kernel);
    if (state->looking != NULL)
        clReleaseCommandQueue(state->looking);
    if (state->feed != NULL)
        clReleaseCommandQueue(state->feed);
    opencl_close(&state->device);
    free(state);
}

struct resident_copies *resident_copies_make(const char *choice, char device_name[256],
                                             bool by_kernel, struct replay_error *error)
{
    struct resident_copies *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        replay_fail_memory(error);
        return NULL;
    }
    state->by_kernel = by_kernel;
    if (resident_lanes_open(choice, device_name, &state->device, &state->feed, &state->looking,
                            error))
        return state;
    resident_copies_close(state);
    return NULL;
}

static bool create_parts(struct resident_copies *state, const size_t words[RESIDENT_PARTS],
                         struct replay_error *error)
{
    cl_uint align_bits = 0;
    cl_int code = clGetDeviceInfo(state->device.id, CL_DEVICE_MEM_BASE_ADDR_ALIGN,
                                  sizeof(align_bits), &align_bits, NULL);
    if (!opencl_check(code, "clGetDeviceInfo", error))
        return false;
    const size_t align = align_bits >= 64 ? align_bits / 8 : 8;
    for (size_t i = 0; i < RESIDENT_PARTS; i++) {
        state->offsets[i] = (state->results_bytes + align - 1) / align * align;
        state->results_bytes = state->offsets[i] + words[i] * sizeof(uint32_t);
    }
    if (!opencl_buffer(&state->device, "control buffer", state->results_bytes,
                       &state->results_buffer, error))
        return false;
    for (size_t i = 0; i < RESIDENT_PARTS; i++) {
        const cl_buffer_region region = {state->offsets[i], words[i] * sizeof(uint32_t)};
        state->parts[i] = clCreateSubBuffer(state->results_buffer, CL_MEM_READ_WRITE,
                                            CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
        if (!opencl_check(code, "clCreateSubBuffer", error))
            return false;
    }
    return true;
}

/** Make the buffer of the results, pinned memory like it, and both 0. */
static bool create_results(struct resident_copies *state, uint32_t control_words,
                           struct replay_error *error)
{
    const size_t mailbox_bytes = RESIDENT_MAILBOX_WORDS * sizeof(uint32_t);
    const size_t words[RESIDENT_PARTS] = {
        [RESIDENT_PART_CONTROL] = control_words,
        [RESIDENT_PART_MAILBOX] = RESIDENT_MAILBOX_WORDS,
        [VYRE_KERNEL_ARG_DEBUG_LOG] = VYRE_DEBUG_LOG_WORDS,
        [VYRE_KERNEL_ARG_IO_QUEUE] = VYRE_IO_QUEUE_WORDS,
    };
    if (!create_parts(state, words, error) ||
        !pinned_make(&state->device, state->feed, mailbox_bytes + state->results_bytes,
                     &state->staging, error))
        return false;
    state->first_mailbox = state->staging.memory;
    state->results = (char *)state->staging.memory + mailbox_bytes;
    cl_int code = clEnqueueWriteBuffer(state->feed, state->results_buffer, CL_TRUE, 0,
                                       state->results_bytes, state->results, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error);
}

static bool create_ring(struct resident_copies *state, uint32_t slots, struct replay_error *error)
{
    const size_t bytes = (size_t)slots * VYRE_SLOT_BYTES;
    const cl_uint zero = 0;
    if (!opencl_buffer(&state->device, "ring", bytes, &state->ring_buffer, error))
        return false;
    cl_int code = clEnqueueFillBuffer(state->feed, state->ring_buffer, &zero, sizeof(zero), 0,
                                      bytes, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueFillBuffer", error) &&
           staged_ring_open(&state->ring, &state->device, state->feed, state->ring_buffer, 0, slots,
                            true, error);
}

static bool set_arguments(struct resident_copies *state, struct replay_error *error)
{
    cl_int code = clSetKernelArg(state->lanes.kernel, RESIDENT_ARG_MAILBOX, sizeof(cl_mem),
                                 &state->parts[RESIDENT_PART_MAILBOX]);
    for (uint32_t role = 0; role < TIMELINE_ROLES && code == CL_SUCCESS; role++)
        code = clSetKernelArg(state->lanes.kernel, role, sizeof(cl_mem),
                              role == VYRE_KERNEL_ARG_RING ? &state->ring_buffer
                                                           : &state->parts[role]);
    if (!opencl_check(code, "clSetKernelArg", error) || !state->by_kernel)
        return code == CL_SUCCESS;

    const cl_uint patience = RING_PATIENCE;
    state->ring_kernel = clCreateKernel(state->lanes.program, "vyre_ring", &code);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(state->ring_kernel, 0, sizeof(cl_mem),
                              &state->parts[RESIDENT_PART_MAILBOX]);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(state->ring_kernel, 4, sizeof(patience), &patience);
    return opencl_check(code, "the kernel vyre_ring", error);
}

bool resident_copies_load(void *opaque, const struct backend_image *image,
                          struct replay_error *error)
{
    struct resident_copies *state = opaque;
    memcpy(state->roles, image->roles, sizeof(state->roles));
    return resident_lanes_load(&state->lanes, &state->device, image, RESIDENT_BY_COPIES,
                               state->patience, error) &&
           create_results(state, image->control_words, error) &&
           create_ring(state, image->ring_slots, error) && set_arguments(state, error);
}
