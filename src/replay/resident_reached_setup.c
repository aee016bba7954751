#include <stdlib.h>
#include <string.h>

#include "replay/resident_reached.h"

bool resident_reached_write(struct resident_reached *state, cl_mem buffer, uint32_t first,
                            const uint32_t *words, uint32_t len, struct replay_error *error)
{
    cl_int code = clEnqueueWriteBuffer(state->feed, buffer, CL_TRUE, (size_t)first * sizeof(*words),
                                       len * sizeof(*words), words, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error);
}

void resident_reached_close(void *opaque)
{
    struct resident_reached *state = opaque;
    const uint32_t shutdown = 1;
    struct replay_error ignored;
    if (state->lanes.launch != NULL)
        resident_reached_write(state, state->buffers[VYRE_KERNEL_ARG_CONTROL],
                               VYRE_CONTROL_SHUTDOWN, &shutdown, 1, &ignored);
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

struct resident_reached *resident_reached_make(const char *choice, char device_name[256],
                                               struct replay_error *error)
{
    struct resident_reached *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        replay_fail_memory(error);
        return NULL;
    }
    state->first = UINT32_MAX;
    state->put = 1;
    if (resident_lanes_open(choice, device_name, &state->device, &state->feed, &state->looking,
                            error))
        return state;
    resident_reached_close(state);
    return NULL;
}

/** A buffer that holds zeros, as an argument of the lanes. */
static bool make_buffer(struct resident_reached *state, const char *what, size_t words,
                        uint32_t argument, cl_mem *buffer, struct replay_error *error)
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
           opencl_check(clSetKernelArg(state->lanes.kernel, argument, sizeof(cl_mem), buffer),
                        "clSetKernelArg", error);
}

static bool make_reached(struct resident_reached *state, uint32_t control_words,
                         uint32_t ring_slots, struct replay_error *error)
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

bool resident_reached_load(void *opaque, const struct backend_image *image,
                           struct replay_error *error)
{
    struct resident_reached *state = opaque;
    static const char *const names[TIMELINE_ROLES] = {[VYRE_KERNEL_ARG_CONTROL] = "control buffer",
                                                      [VYRE_KERNEL_ARG_RING] = "ring",
                                                      [VYRE_KERNEL_ARG_DEBUG_LOG] = "debug log",
                                                      [VYRE_KERNEL_ARG_IO_QUEUE] = "IO queue"};
    size_t words[TIMELINE_ROLES];
    resident_lanes_words(image, words);
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
