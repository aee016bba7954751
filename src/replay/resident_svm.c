#include <stdlib.h>
#include <string.h>

#include "replay/active.h"
#include "replay/resident_lanes.h"
#include "replay/resident_ways.h"
#include "replay/role_part.h"

struct state {
    struct opencl_device device;
    struct resident_lanes lanes;
    struct timeline_range roles[TIMELINE_ROLES];
    /** Shared with the lanes: the protocol's buffers, by VYRE_KERNEL_ARG_…, and two of them again.
     */
    uint32_t *shared[TIMELINE_ROLES];
    uint32_t *control;
    uint32_t *ring;
    uint32_t *mailbox;
    struct active active;
    /** Groups that take part, and how often we have rung, since the launch. */
    uint32_t groups;
    uint32_t rung;
    /** A round is under way: the ring is the lanes'. */
    bool in_round;
    /** Of what failed where nothing can be returned. */
    bool failed;
    struct replay_error failure;
};

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static bool capable(const struct opencl_device *device, struct replay_error *error)
{
    const cl_device_svm_capabilities needed =
        CL_DEVICE_SVM_FINE_GRAIN_BUFFER | CL_DEVICE_SVM_ATOMICS;
    cl_device_svm_capabilities svm = 0;
    if (clGetDeviceInfo(device->id, CL_DEVICE_SVM_CAPABILITIES, sizeof(svm), &svm, NULL) ==
            CL_SUCCESS &&
        (svm & needed) == needed)
        return true;
    return replay_fail(error, "it has no fine-grained shared virtual memory with atomics. "
                              "Fix: use --mode batch, or choose another device with --device.");
}

static void close_svm(void *opaque)
{
    struct state *state = opaque;
    if (state->control != NULL)
        store(&state->control[VYRE_CONTROL_SHUTDOWN], 1);
    resident_lanes_close(&state->lanes);
    for (size_t i = 0; i < TIMELINE_ROLES; i++) {
        if (state->shared[i] != NULL)
            clSVMFree(state->device.context, state->shared[i]);
    }
    if (state->mailbox != NULL)
        clSVMFree(state->device.context, state->mailbox);
    opencl_close(&state->device);
    active_free(&state->active);
    free(state);
}

static bool open_svm(const char *choice, char device_name[256], void **opaque,
                     struct replay_error *error)
{
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return replay_fail_memory(error);
    if (!opencl_open(choice, device_name, &state->device, error) ||
        !capable(&state->device, error)) {
        close_svm(state);
        return false;
    }
    *opaque = state;
    return true;
}

static bool share(struct state *state, size_t words, uint32_t argument, uint32_t **memory,
                  struct replay_error *error)
{
    const size_t bytes = words * sizeof(uint32_t);
    *memory =
        clSVMAlloc(state->device.context,
                   CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER | CL_MEM_SVM_ATOMICS, bytes, 0);
    if (*memory == NULL)
        return replay_fail(error,
                           "the device has no %zu bytes of shared memory for a buffer of this log. "
                           "Fix: use --mode batch, or choose another device with --device.",
                           bytes);
    memset(*memory, 0, bytes);
    return opencl_check(clSetKernelArgSVMPointer(state->lanes.kernel, argument, *memory),
                        "clSetKernelArgSVMPointer", error);
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    size_t words[TIMELINE_ROLES];
    resident_lanes_words(image, words);
    memcpy(state->roles, image->roles, sizeof(state->roles));
    if (!resident_lanes_load(&state->lanes, &state->device, image, RESIDENT_SHARED, 0, error) ||
        !share(state, RESIDENT_MAILBOX_WORDS, RESIDENT_ARG_MAILBOX, &state->mailbox, error))
        return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        if (!share(state, words[role], role, &state->shared[role], error))
            return false;
    }
    state->control = state->shared[VYRE_KERNEL_ARG_CONTROL];
    state->ring = state->shared[VYRE_KERNEL_ARG_RING];
    return active_init(&state->active, image->ring_slots) || replay_fail_memory(error);
}

static bool enlisted(void *opaque, uint32_t *count, struct replay_error *error)
{
    (void)error;
    const struct state *state = opaque;
    *count = look(&state->mailbox[RESIDENT_ENLISTED]);
    return true;
}

/** Let the lanes leave that are still there. */
static bool retire(struct state *state, struct replay_error *error)
{
    uint32_t *shutdown = &state->control[VYRE_CONTROL_SHUTDOWN];
    uint32_t before = look(shutdown);
    store(shutdown, 1);
    if (state->lanes.launch != NULL &&
        !opencl_check(clWaitForEvents(1, &state->lanes.launch), "the resident kernel", error))
        return false;
    store(shutdown, before);
    bool ended;
    return resident_lanes_ended(&state->lanes, &ended, error);
}

/** Launch with a round under way, since with SHUTDOWN set it is the only one that lanes stay for.
 */
static bool launch(struct state *state, struct replay_error *error)
{
    uint32_t window[] = {state->mailbox[RESIDENT_FIRST], state->mailbox[RESIDENT_END]};
    memset(state->mailbox, 0, RESIDENT_MAILBOX_WORDS * sizeof(uint32_t));
    memcpy(&state->mailbox[RESIDENT_FIRST], window, sizeof(window));
    state->rung = 1;
    store(&state->mailbox[RESIDENT_DOORBELL], state->rung);
    if (!resident_lanes_launch(&state->lanes, error) ||
        !resident_lanes_muster(&state->lanes, enlisted, state, &state->groups, error))
        return false;
    store(&state->mailbox[RESIDENT_GROUPS], state->groups);
    return true;
}

static bool relaunch(struct state *state, struct replay_error *error)
{
    return retire(state, error) && launch(state, error);
}

static bool finished(const struct state *state)
{
    return look(&state->mailbox[RESIDENT_FINISHED]) == state->rung * state->groups;
}

/** Whether those that have not finished the round have left without it. */
static bool deserted(const struct state *state)
{
    uint32_t left = look(&state->mailbox[RESIDENT_LEFT]);
    uint32_t missing = state->rung * state->groups - look(&state->mailbox[RESIDENT_FINISHED]);
    return left > 0 && missing > 0 && missing <= left;
}

static bool wait_round(struct state *state, struct replay_error *error)
{
    if (!state->in_round)
        return true;
    for (uint32_t looks = 1; !finished(state); looks++) {
        bool ended;
        if (!resident_lanes_pause(looks))
            continue;
        if (!resident_lanes_ended(&state->lanes, &ended, error) ||
            (deserted(state) && !relaunch(state, error)))
            return false;
    }
    state->in_round = false;
    active_prune(&state->active, state->ring + VYRE_SLOT_STATUS, VYRE_SLOT_WORDS);
    return true;
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    if (!wait_round(state, &state->failure))
        state->failed = true;
    uint32_t *to = state->ring + (size_t)slot * VYRE_SLOT_WORDS;
    memcpy(to + 1, words + 1, VYRE_SLOT_BYTES - sizeof(*to));
    store(&to[VYRE_SLOT_STATUS], words[VYRE_SLOT_STATUS]);
    active_add(&state->active, slot);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    struct state *state = opaque;
    if (!wait_round(state, error))
        return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        struct role_part part;
        if (role != VYRE_KERNEL_ARG_RING && role_part(&state->roles[role], to, &part))
            memcpy((char *)state->shared[role] + part.in_role,
                   (const char *)bytes + part.in_written, part.len);
    }
    return true;
}

static void set_window(struct state *state)
{
    const struct active *active = &state->active;
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    for (size_t i = 0; i < active->len; i++) {
        first = active->slots[i] < first ? active->slots[i] : first;
        last = active->slots[i] > last ? active->slots[i] : last;
    }
    state->mailbox[RESIDENT_FIRST] = first;
    state->mailbox[RESIDENT_END] = last + 1;
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    (void)submit;
    struct state *state = opaque;
    if (state->failed)
        return replay_fail(error, "%s", state->failure.text);
    if (!wait_round(state, error))
        return false;
    if (state->active.len == 0)
        return true;
    set_window(state);
    state->in_round = true;
    if (state->lanes.launch == NULL || look(&state->control[VYRE_CONTROL_SHUTDOWN]) != 0 ||
        look(&state->mailbox[RESIDENT_LEFT]) != 0)
        return relaunch(state, error);
    store(&state->mailbox[RESIDENT_DOORBELL], ++state->rung);
    return true;
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    (void)whole_ring;
    struct state *state = opaque;
    if (!wait_round(state, error))
        return false;
    view->control = state->control;
    view->statuses = state->ring + VYRE_SLOT_STATUS;
    view->status_stride = VYRE_SLOT_WORDS;
    view->debug_log = state->shared[VYRE_KERNEL_ARG_DEBUG_LOG];
    view->io_queue = state->shared[VYRE_KERNEL_ARG_IO_QUEUE];
    return true;
}

static bool claimed(void *opaque, uint32_t *slot)
{
    const struct state *state = opaque;
    for (size_t i = 0; i < state->active.len; i++) {
        *slot = state->active.slots[i];
        if (look(&state->ring[(size_t)*slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS]) ==
            VYRE_STATUS_CLAIMED)
            return true;
    }
    return false;
}

const struct backend resident_svm = {
    .name = "resident, shared memory",
    .open = open_svm,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = close_svm,
};
