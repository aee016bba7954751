#include <stdlib.h>
#include <string.h>

#include "replay/active.h"
#include "replay/backend.h"
#include "replay/reference.h"
#include "replay/role_part.h"

struct state {
    struct reference buffers;
    uint32_t *io_queue;
    struct timeline_range roles[TIMELINE_ROLES];
    struct active active;
};

static bool open_reference(const char *device, char device_name[256], void **state,
                           struct replay_error *error)
{
    (void)device;
    *state = calloc(1, sizeof(struct state));
    if (*state == NULL)
        return replay_fail_memory(error);
    strcpy(device_name, "this computer");
    return true;
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    struct reference *buffers = &state->buffers;
    memcpy(state->roles, image->roles, sizeof(state->roles));
    buffers->control_words = image->control_words;
    buffers->ring_slots = image->ring_slots;
    buffers->control = calloc(image->control_words, sizeof(uint32_t));
    buffers->ring = calloc(image->ring_slots, VYRE_SLOT_BYTES);
    buffers->debug_log = calloc(VYRE_DEBUG_LOG_WORDS, sizeof(uint32_t));
    state->io_queue = calloc(VYRE_IO_QUEUE_WORDS, sizeof(uint32_t));
    return (buffers->control != NULL && buffers->ring != NULL && buffers->debug_log != NULL &&
            state->io_queue != NULL && active_init(&state->active, image->ring_slots)) ||
           replay_fail_memory(error);
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    memcpy(state->buffers.ring + (size_t)slot * VYRE_SLOT_WORDS, words, VYRE_SLOT_BYTES);
    active_add(&state->active, slot);
}

static void write_role(const struct timeline_range *role, uint32_t *words,
                       const struct timeline_range *to, const uint8_t *bytes)
{
    struct role_part part;
    if (role_part(role, to, &part))
        memcpy((uint8_t *)words + part.in_role, bytes + part.in_written, part.len);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    (void)error;
    struct state *state = opaque;
    const struct timeline_range *roles = state->roles;
    write_role(&roles[VYRE_KERNEL_ARG_CONTROL], state->buffers.control, to, bytes);
    write_role(&roles[VYRE_KERNEL_ARG_DEBUG_LOG], state->buffers.debug_log, to, bytes);
    write_role(&roles[VYRE_KERNEL_ARG_IO_QUEUE], state->io_queue, to, bytes);
    return true;
}

/** Whether a launch has a lane for the slot: lane i owns slot i. */
static bool has_lane(const struct timeline_submit *submit, uint32_t slot)
{
    return submit->dimensions != 1 || (slot >= submit->global_offset[0] &&
                                       slot - submit->global_offset[0] < submit->global_size[0]);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    (void)error;
    struct state *state = opaque;
    for (size_t i = 0; i < state->active.len; i++)
        if (has_lane(submit, state->active.slots[i]))
            reference_drain(&state->buffers, state->active.slots[i]);
    active_prune(&state->active, state->buffers.ring + VYRE_SLOT_STATUS, VYRE_SLOT_WORDS);
    return true;
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    (void)whole_ring;
    (void)error;
    const struct state *state = opaque;
    view->control = state->buffers.control;
    view->statuses = state->buffers.ring + VYRE_SLOT_STATUS;
    view->status_stride = VYRE_SLOT_WORDS;
    view->debug_log = state->buffers.debug_log;
    view->io_queue = state->io_queue;
    return true;
}

static void close_reference(void *opaque)
{
    struct state *state = opaque;
    free(state->buffers.control);
    free(state->buffers.ring);
    free(state->buffers.debug_log);
    free(state->io_queue);
    active_free(&state->active);
    free(state);
}

const struct backend backend_reference = {
    .name = "reference",
    .open = open_reference,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .close = close_reference,
};
