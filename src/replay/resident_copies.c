#include "replay/resident_copies.h"

#include <string.h>

#include "replay/resident_trial.h"
#include "replay/resident_ways.h"
#include "replay/role_copies.h"

/** Write one word into a part, and wait until it is there. */
static bool write_word(struct resident_copies *state, uint32_t part, uint32_t word, uint32_t value,
                       struct replay_error *error)
{
    cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[part], CL_TRUE,
                                       word * sizeof(value), sizeof(value), &value, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error);
}

static bool enlisted(void *opaque, uint32_t *count, struct replay_error *error)
{
    struct resident_copies *state = opaque;
    cl_int code = clEnqueueReadBuffer(state->feed, state->parts[RESIDENT_PART_MAILBOX], CL_TRUE,
                                      RESIDENT_ENLISTED * sizeof(*count), sizeof(*count), count, 0,
                                      NULL, NULL);
    return opencl_check(code, "clEnqueueReadBuffer", error);
}

/** Let the lanes leave that are still there. */
static bool retire(struct resident_copies *state, struct replay_error *error)
{
    if (state->lanes.launch == NULL)
        return true;
    const uint32_t before =
        resident_copies_part(state, RESIDENT_PART_CONTROL)[VYRE_CONTROL_SHUTDOWN];
    bool ended;
    return write_word(state, RESIDENT_PART_CONTROL, VYRE_CONTROL_SHUTDOWN, 1, error) &&
           opencl_check(clWaitForEvents(1, &state->lanes.launch), "the resident kernel", error) &&
           write_word(state, RESIDENT_PART_CONTROL, VYRE_CONTROL_SHUTDOWN, before, error) &&
           resident_lanes_ended(&state->lanes, &ended, error);
}

/** Launch with a round under way, since with SHUTDOWN set it is the only one that lanes stay for.
 */
static bool launch(struct resident_copies *state, struct replay_error *error)
{
    uint32_t mailbox[RESIDENT_MAILBOX_WORDS] = {0};
    state->rung = 1;
    state->unfinished = 0;
    mailbox[RESIDENT_DOORBELL] = state->rung;
    mailbox[RESIDENT_END] = state->ring.slots;
    cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[RESIDENT_PART_MAILBOX], CL_TRUE, 0,
                                       sizeof(mailbox), mailbox, 0, NULL, NULL);
    return opencl_check(code, "clEnqueueWriteBuffer", error) &&
           resident_lanes_launch(&state->lanes, error) &&
           resident_lanes_muster(&state->lanes, enlisted, state, &state->groups, error) &&
           write_word(state, RESIDENT_PART_MAILBOX, RESIDENT_GROUPS, state->groups, error);
}

/** Ring by a kernel, which waits for the lanes. */
static cl_int enqueue_ring(struct resident_copies *state)
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
static cl_int enqueue_doorbell(struct resident_copies *state)
{
    cl_int code = clEnqueueWriteBuffer(state->feed, state->parts[RESIDENT_PART_MAILBOX], CL_FALSE,
                                       RESIDENT_DOORBELL * sizeof(uint32_t), sizeof(uint32_t),
                                       &state->rung, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return code;
    return clEnqueueReadBuffer(state->feed, state->parts[RESIDENT_PART_MAILBOX], CL_FALSE, 0,
                               RESIDENT_MAILBOX_WORDS * sizeof(uint32_t), state->first_mailbox, 0,
                               NULL, NULL);
}

/** Ring, which may be for the second time, and ask for the results. */
static bool ring(struct resident_copies *state, struct replay_error *error)
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
static bool finished(const struct resident_copies *state)
{
    return state->by_kernel
               ? resident_copies_part(state, RESIDENT_PART_MAILBOX)[RESIDENT_SEEN] == state->rung
               : state->first_mailbox[RESIDENT_FINISHED] == state->rung * state->groups;
}

/** Whether those that have not finished the round have left without it. */
static bool deserted(const struct resident_copies *state)
{
    const uint32_t *mailbox = resident_copies_part(state, RESIDENT_PART_MAILBOX);
    uint32_t missing = state->rung * state->groups - mailbox[RESIDENT_FINISHED];
    return missing > 0 && missing <= mailbox[RESIDENT_LEFT];
}

static bool again(struct resident_copies *state, struct replay_error *error)
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
static bool settle(struct resident_copies *state, struct replay_error *error)
{
    uint32_t unfinished = resident_copies_part(state, RESIDENT_PART_MAILBOX)[RESIDENT_UNFINISHED];
    if (unfinished == state->unfinished) {
        staged_ring_settle_done(&state->ring);
        return true;
    }
    state->unfinished = unfinished;
    return staged_ring_read(&state->ring, false, error) &&
           opencl_check(clFinish(state->feed), "clFinish", error) &&
           staged_ring_settle(&state->ring, error);
}

static bool wait_round(struct resident_copies *state, struct replay_error *error)
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
    struct resident_copies *state = opaque;
    if (!wait_round(state, &state->failure))
        state->failed = true;
    staged_ring_publish(&state->ring, slot, words);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct resident_copies *state = opaque;
    char *results[TIMELINE_ROLES];
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        results[role] = (char *)resident_copies_part(state, role);
    return wait_round(state, error) &&
           role_copies_write(state->feed, state->roles, results, state->parts, to, bytes, error);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    (void)submit;
    struct resident_copies *state = opaque;
    if (state->failed)
        return replay_fail(error, "%s", state->failure.text);
    if (!wait_round(state, error))
        return false;
    if (!staged_ring_upload(&state->ring, error))
        return false;
    if (state->ring.window.first == state->ring.window.end)
        return true;
    if (state->lanes.launch == NULL ||
        resident_copies_part(state, RESIDENT_PART_CONTROL)[VYRE_CONTROL_SHUTDOWN] != 0 ||
        resident_copies_part(state, RESIDENT_PART_MAILBOX)[RESIDENT_LEFT] != 0) {
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
    struct resident_copies *state = opaque;
    if (!wait_round(state, error))
        return false;
    if (whole_ring && (!staged_ring_read(&state->ring, true, error) ||
                       !opencl_check(clFinish(state->feed), "clFinish", error) ||
                       !staged_ring_settle(&state->ring, error)))
        return false;
    view->control = resident_copies_part(state, RESIDENT_PART_CONTROL);
    view->statuses = state->ring.statuses;
    view->status_stride = 1;
    view->debug_log = resident_copies_part(state, VYRE_KERNEL_ARG_DEBUG_LOG);
    view->io_queue = resident_copies_part(state, VYRE_KERNEL_ARG_IO_QUEUE);
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    struct resident_copies *state = opaque;
    return staged_ring_claimed(&state->ring, state->looking, slot);
}

/* The standard does not say whether it works: a trial does. */
static bool open_tried(const char *choice, char device_name[256], bool by_kernel, void **opaque,
                       struct replay_error *error)
{
    const struct backend *way = by_kernel ? &resident_copies_kernel : &resident_copies_alone;
    struct resident_copies *state = resident_copies_make(choice, device_name, by_kernel, error);
    if (state == NULL)
        return false;
    state->patience = resident_trial_patience(&state->device);
    bool works = resident_trial(way, state, error);
    resident_copies_close(state);
    *opaque = works ? resident_copies_make(choice, device_name, by_kernel, error) : NULL;
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
    .load = resident_copies_load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = resident_copies_close,
};

const struct backend resident_copies_alone = {
    .name = "resident, doorbell by a copy",
    .open = open_alone,
    .load = resident_copies_load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = resident_copies_close,
};
