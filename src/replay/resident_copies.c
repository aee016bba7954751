#include <stdlib.h>
#include <string.h>

#include "replay/resident_lanes.h"
#include "replay/resident_trial.h"
#include "replay/resident_ways.h"
#include "replay/role_part.h"
#include "replay/staged_ring.h"

/** Looks of vyre_ring before it gives the queue back: some milliseconds, so that the host can see
 *  whether lanes have left. */
#define RING_PATIENCE (1u << 16)

/** Looks of the lanes in a trial, some seconds: they take nanoseconds on a CPU, and about a
 *  microsecond on a GPU. */
#define TRIAL_PATIENCE_CPU (1u << 28)
#define TRIAL_PATIENCE (1u << 22)

/** Parts of the one buffer in which all results are, so that one copy brings them: the protocol's
 *  buffers but the ring, by VYRE_KERNEL_ARG_…, and where that would be the mailbox. */
#define CONTROL VYRE_KERNEL_ARG_CONTROL
#define MAILBOX VYRE_KERNEL_ARG_RING
#define PARTS TIMELINE_ROLES

struct state {
    struct opencl_device device;
    struct resident_lanes lanes;
    /** Of all commands but the lanes'. */
    cl_command_queue feed;
    /** Of claimed() alone. */
    cl_command_queue looking;
    bool by_kernel;
    /** vyre_ring, where the doorbell is rung by a kernel. */
    cl_kernel ring_kernel;
    struct timeline_range roles[TIMELINE_ROLES];
    cl_mem ring_buffer;
    struct staged_ring ring;
    cl_mem results_buffer;
    cl_mem parts[PARTS];
    /** In bytes, of a part in the buffer. */
    size_t offsets[PARTS];
    size_t results_bytes;
    /** The mailbox as it was before the results were read, then the results. */
    struct pinned staging;
    uint32_t *first_mailbox;
    char *results;
    cl_event read;
    uint32_t patience;
    uint32_t groups;
    uint32_t rung;
    uint32_t unfinished;
    bool in_round;
    bool failed;
    struct replay_error failure;
};

static uint32_t *part_of(const struct state *state, uint32_t part)
{
    return (uint32_t *)(state->results + state->offsets[part]);
}

static void close_copies(void *opaque)
{
    struct state *state = opaque;
    const uint32_t shutdown = 1;
    if (state->lanes.launch != NULL)
        clEnqueueWriteBuffer(state->feed, state->parts[CONTROL], CL_TRUE, 0, sizeof(shutdown),
                             &shutdown, 0, NULL, NULL);
    resident_lanes_close(&state->lanes);
    if (state->read != NULL)
        clReleaseEvent(state->read);
    if (state->feed != NULL)
        clFinish(state->feed);
    staged_ring_close(&state->ring);
    pinned_free(&state->staging);
    for (size_t i = 0; i < PARTS; i++) {
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

/** \return NULL when it could not be opened */
static struct state *open_way(const char *choice, char device_name[256], bool by_kernel,
                              struct replay_error *error)
{
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        replay_fail_memory(error);
        return NULL;
    }
    state->by_kernel = by_kernel;
    cl_int code = CL_SUCCESS;
    bool found = opencl_open(choice, device_name, &state->device, error);
    if (found)
        state->feed = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
    if (found && code == CL_SUCCESS)
        state->looking = clCreateCommandQueue(state->device.context, state->device.id, 0, &code);
    if (!found || !opencl_check(code, "clCreateCommandQueue", error)) {
        close_copies(state);
        return NULL;
    }
    return state;
}

static bool create_parts(struct state *state, const size_t words[PARTS], struct replay_error *error)
{
    cl_uint align_bits = 0;
    cl_int code = clGetDeviceInfo(state->device.id, CL_DEVICE_MEM_BASE_ADDR_ALIGN,
                                  sizeof(align_bits), &align_bits, NULL);
    if (!opencl_check(code, "clGetDeviceInfo", error))
        return false;
    const size_t align = align_bits >= 64 ? align_bits / 8 : 8;
    for (size_t i = 0; i < PARTS; i++) {
        state->offsets[i] = (state->results_bytes + align - 1) / align * align;
        state->results_bytes = state->offsets[i] + words[i] * sizeof(uint32_t);
    }
    if (!opencl_buffer(&state->device, "control buffer", state->results_bytes,
                       &state->results_buffer, error))
        return false;
    for (size_t i = 0; i < PARTS; i++) {
        const cl_buffer_region region = {state->offsets[i], words[i] * sizeof(uint32_t)};
        state->parts[i] = clCreateSubBuffer(state->results_buffer, CL_MEM_READ_WRITE,
                                            CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
        if (!opencl_check(code, "clCreateSubBuffer", error))
            return false;
    }
    return true;
}

/** Make the buffer of the results, pinned memory like it, and both 0. */
static bool create_results(struct state *state, uint32_t control_words, struct replay_error *error)
{
    const size_t mailbox_bytes = RESIDENT_MAILBOX_WORDS * sizeof(uint32_t);
    const size_t words[PARTS] = {
        [CONTROL] = control_words,
        [MAILBOX] = RESIDENT_MAILBOX_WORDS,
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

static bool create_ring(struct state *state, uint32_t slots, struct replay_error *error)
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

static bool set_arguments(struct state *state, struct replay_error *error)
{
    cl_int code = clSetKernelArg(state->lanes.kernel, RESIDENT_ARG_MAILBOX, sizeof(cl_mem),
                                 &state->parts[MAILBOX]);
    for (uint32_t role = 0; role < TIMELINE_ROLES && code == CL_SUCCESS; role++)
        code = clSetKernelArg(state->lanes.kernel, role, sizeof(cl_mem),
                              role == VYRE_KERNEL_ARG_RING ? &state->ring_buffer
                                                           : &state->parts[role]);
    if (!opencl_check(code, "clSetKernelArg", error) || !state->by_kernel)
        return code == CL_SUCCESS;

    const cl_uint patience = RING_PATIENCE;
    state->ring_kernel = clCreateKernel(state->lanes.program, "vyre_ring", &code);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(state->ring_kernel, 0, sizeof(cl_mem), &state->parts[MAILBOX]);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(state->ring_kernel, 4, sizeof(patience), &patience);
    return opencl_check(code, "the kernel vyre_ring", error);
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    memcpy(state->roles, image->roles, sizeof(state->roles));
    return resident_lanes_load(&state->lanes, &state->device, image, false, state->patience,
                               error) &&
           create_results(state, image->control_words, error) &&
           create_ring(state, image->ring_slots, error) && set_arguments(state, error);
}

/** Write one word into a part, and wait until it is there. */
static bool write_word(struct state *state, uint32_t part, uint32_t word, uint32_t value,
                       struct replay_error *error)
{
    cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[part], CL_TRUE,
                                       word * sizeof(value), sizeof(value), &value, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error);
}

static bool enlisted(void *opaque, uint32_t *count, struct replay_error *error)
{
    struct state *state = opaque;
    cl_int code = clEnqueueReadBuffer(state->feed, state->parts[MAILBOX], CL_TRUE,
                                      RESIDENT_ENLISTED * sizeof(*count), sizeof(*count), count, 0,
                                      NULL, NULL);
    return opencl_check(code, "clEnqueueReadBuffer", error);
}

/** Let the lanes leave that are still there. */
static bool retire(struct state *state, struct replay_error *error)
{
    if (state->lanes.launch == NULL)
        return true;
    const uint32_t before = part_of(state, CONTROL)[VYRE_CONTROL_SHUTDOWN];
    bool ended;
    return write_word(state, CONTROL, VYRE_CONTROL_SHUTDOWN, 1, error) &&
           opencl_check(clWaitForEvents(1, &state->lanes.launch), "the resident kernel", error) &&
           write_word(state, CONTROL, VYRE_CONTROL_SHUTDOWN, before, error) &&
           resident_lanes_ended(&state->lanes, &ended, error);
}

/** Launch with a round under way, since with SHUTDOWN set it is the only one that lanes stay for.
 */
static bool launch(struct state *state, struct replay_error *error)
{
    uint32_t mailbox[RESIDENT_MAILBOX_WORDS] = {0};
    state->rung = 1;
    state->unfinished = 0;
    mailbox[RESIDENT_DOORBELL] = state->rung;
    mailbox[RESIDENT_END] = state->ring.slots;
    cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[MAILBOX], CL_TRUE, 0,
                                       sizeof(mailbox), mailbox, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error) &&
           resident_lanes_launch(&state->lanes, error) &&
           resident_lanes_muster(&state->lanes, enlisted, state, &state->groups, error) &&
           write_word(state, MAILBOX, RESIDENT_GROUPS, state->groups, error);
}

/** Ring by a kernel, which waits for the lanes. */
static cl_int enqueue_ring(struct state *state)
{
    const size_t one = 1;
    const cl_uint values[] = {state->rung, 0, state->ring.slots};
    for (cl_uint i = 0; i < 3; i++) {
        cl_int code = clSetKernelArg(state->ring_kernel, 1 + i, sizeof(values[i]), &values[i]);
        if (code != CL_SUCCESS)
            return code;
    }
    return clEnqueueNDRangeKernel(state->feed, state->ring_kernel, 1, NULL, &one, &one, 0, NULL,
                                  NULL);
}

/** Ring by a copy, and look at the mailbox before the results are read. */
static cl_int enqueue_doorbell(struct state *state)
{
    cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[MAILBOX], CL_FALSE,
                                       RESIDENT_DOORBELL * sizeof(uint32_t), sizeof(uint32_t),
                                       &state->rung, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return code;
    return clEnqueueReadBuffer(state->feed, state->parts[MAILBOX], CL_FALSE, 0,
                               RESIDENT_MAILBOX_WORDS * sizeof(uint32_t), state->first_mailbox, 0,
                               NULL, NULL);
}

/** Ring, which may be for the second time, and ask for the results. */
static bool ring(struct state *state, struct replay_error *error)
{
    cl_int code = state->by_kernel ? enqueue_ring(state) : enqueue_doorbell(state);
    if (!opencl_check(code, "ringing the doorbell", error))
        return false;
    code = clEnqueueReadBuffer(state->feed, state->results_buffer, CL_FALSE, 0,
                               state->results_bytes, state->results, 0, NULL, &state->read);
    return opencl_check(code, "clEnqueueReadBuffer", error) &&
           opencl_check(clFlush(state->feed), "clFlush", error);
}

/** Whether the results that were read are those of the round that was rung for. */
static bool finished(const struct state *state)
{
    return state->by_kernel
               ? part_of(state, MAILBOX)[RESIDENT_SEEN] == state->rung
               : state->first_mailbox[RESIDENT_FINISHED] == state->rung * state->groups;
}

/** Whether those that have not finished the round have left without it. */
static bool deserted(const struct state *state)
{
    const uint32_t *mailbox = part_of(state, MAILBOX);
    uint32_t missing = state->rung * state->groups - mailbox[RESIDENT_FINISHED];
    return missing > 0 && missing <= mailbox[RESIDENT_LEFT];
}

static bool again(struct state *state, struct replay_error *error)
{
    bool ended;
    if (!resident_lanes_ended(&state->lanes, &ended, error))
        return false;
    if ((ended || deserted(state)) && state->patience != 0)
        return replay_fail(error, "copies do not reach a kernel that is running. "
                                  "Fix: use --mode batch, or choose another device with "
                                  "--device.");
    if (deserted(state) && (!retire(state, error) || !launch(state, error)))
        return false;
    return ring(state, error);
}

/** Take over what became of the slots. */
static bool settle(struct state *state, struct replay_error *error)
{
    uint32_t unfinished = part_of(state, MAILBOX)[RESIDENT_UNFINISHED];
    if (unfinished == state->unfinished) {
        staged_ring_settle_done(&state->ring);
        return true;
    }
    state->unfinished = unfinished;
    return staged_ring_read(&state->ring, false, error) &&
           opencl_check(clFinish(state->feed), "clFinish", error) &&
           staged_ring_settle(&state->ring, error);
}

static bool wait_round(struct state *state, struct replay_error *error)
{
    if (!state->in_round)
        return true;
    for (;;) {
        cl_int code = clWaitForEvents(1, &state->read);
        clReleaseEvent(state->read);
        state->read = NULL;
        if (!opencl_check(code, "the megakernel, or clEnqueueReadBuffer after it,", error))
            return false;
        if (finished(state))
            break;
        if (!again(state, error))
            return false;
    }
    state->in_round = false;
    return settle(state, error);
}

/* While a round is under way a copy into the ring might be seen half done. */
static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    if (!wait_round(state, &state->failure))
        state->failed = true;
    staged_ring_publish(&state->ring, slot, words);
}

/* Both on the device and among the results, as if they had been read. */
static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct state *state = opaque;
    if (!wait_round(state, error))
        return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        struct role_part part;
        if (role == VYRE_KERNEL_ARG_RING || !role_part(&state->roles[role], to, &part))
            continue;
        const char *from = (const char *)bytes + part.in_written;
        memcpy((char *)part_of(state, role) + part.in_role, from, part.len);
        cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[role], CL_TRUE, part.in_role,
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
    if (state->ring.active.len == 0)
        return true;
    if (!staged_ring_upload(&state->ring, error))
        return false;
    if (state->lanes.launch == NULL || part_of(state, CONTROL)[VYRE_CONTROL_SHUTDOWN] != 0 ||
        part_of(state, MAILBOX)[RESIDENT_LEFT] != 0) {
        if (!retire(state, error) || !launch(state, error))
            return false;
    } else {
        state->rung++;
    }
    state->in_round = true;
    return ring(state, error);
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    struct state *state = opaque;
    if (!wait_round(state, error))
        return false;
    if (whole_ring && (!staged_ring_read(&state->ring, true, error) ||
                       !opencl_check(clFinish(state->feed), "clFinish", error) ||
                       !staged_ring_settle(&state->ring, error)))
        return false;
    view->control = part_of(state, CONTROL);
    view->statuses = state->ring.statuses;
    view->status_stride = 1;
    view->debug_log = part_of(state, VYRE_KERNEL_ARG_DEBUG_LOG);
    view->io_queue = part_of(state, VYRE_KERNEL_ARG_IO_QUEUE);
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    struct state *state = opaque;
    return staged_ring_claimed(&state->ring, state->looking, slot);
}

/* The standard does not say whether it works: a trial does. */
static bool open_tried(const char *choice, char device_name[256], bool by_kernel, void **opaque,
                       struct replay_error *error)
{
    const struct backend *way = by_kernel ? &resident_copies_kernel : &resident_copies_alone;
    struct state *state = open_way(choice, device_name, by_kernel, error);
    if (state == NULL)
        return false;
    cl_device_type type = 0;
    clGetDeviceInfo(state->device.id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    state->patience = type & CL_DEVICE_TYPE_CPU ? TRIAL_PATIENCE_CPU : TRIAL_PATIENCE;
    bool works = resident_trial(way, state, error);
    close_copies(state);
    *opaque = works ? open_way(choice, device_name, by_kernel, error) : NULL;
    return *opaque != NULL;
}

static bool open_kernel(const char *choice, char device_name[256], void **opaque,
                        struct replay_error *error)
{
    return open_tried(choice, device_name, true, opaque, error);
}

static bool open_alone(const char *choice, char device_name[256], void **opaque,
                       struct replay_error *error)
{
    return open_tried(choice, device_name, false, opaque, error);
}

const struct backend resident_copies_kernel = {
    .name = "resident, doorbell by a kernel",
    .open = open_kernel,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = close_copies,
};

const struct backend resident_copies_alone = {
    .name = "resident, doorbell by a copy",
    .open = open_alone,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = close_copies,
};
