#include <stdlib.h>
#include <string.h>

#include "replay/active.h"
#include "replay/backend.h"
#include "replay/reference.h"

struct state {
    struct reference buffers;
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
    buffers->control_words = image->control_words;
    buffers->ring_slots = image->ring_slots;
    buffers->control = malloc(image->control_words * sizeof(uint32_t));
    buffers->ring = calloc(image->ring_slots, VYRE_SLOT_BYTES);
    buffers->debug_log = calloc(VYRE_DEBUG_LOG_WORDS, sizeof(uint32_t));
    if (buffers->control == NULL || buffers->ring == NULL || buffers->debug_log == NULL ||
        !active_init(&state->active, image->ring_slots))
        return replay_fail_memory(error);
    memcpy(buffers->control, image->control, image->control_words * sizeof(uint32_t));
    return true;
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    struct state *state = opaque;
    memcpy(state->buffers.ring + (size_t)slot * VYRE_SLOT_WORDS, words, VYRE_SLOT_BYTES);
    active_add(&state->active, slot);
}

static bool submit(void *opaque, struct replay_error *error)
{
    (void)error;
    struct state *state = opaque;
    for (size_t i = 0; i < state->active.len; i++)
        reference_drain(&state->buffers, state->active.slots[i]);
    active_prune(&state->active, state->buffers.ring);
    return true;
}

static bool observe(void *opaque, struct backend_view *view, struct replay_error *error)
{
    (void)error;
    const struct state *state = opaque;
    view->control = state->buffers.control;
    view->ring = state->buffers.ring;
    view->debug_log = state->buffers.debug_log;
    return true;
}

static void close_reference(void *opaque)
{
    struct state *state = opaque;
    free(state->buffers.control);
    free(state->buffers.ring);
    free(state->buffers.debug_log);
    active_free(&state->active);
    free(state);
}

const struct backend backend_reference = {
    .name = "reference",
    .open = open_reference,
    .load = load,
    .publish = publish,
    .submit = submit,
    .observe = observe,
    .close = close_reference,
};
