/*
 * Megakernels that nobody saw launched: one that never stops runs since before the shim came.
 *
 * Its ring and control buffer are known by what goes up and what comes back, and only for who came
 * late, since it is less than a launch tells.  Two rings, or two control buffers, that could be it
 * are too many: then a launch must tell.
 */
#include <string.h>

#include "capture/gpu_state.h"

/** All that makes a control buffer known. */
#define CONTROL_SEEN_WORDS (VYRE_CONTROL_TENANT_MASKS + VYRE_CONTROL_TENANT_MASKS_MAX)

static void note(struct gpu_state *state, struct candidate *candidate, uintptr_t buffer)
{
    if (candidate->buffer == buffer)
        return;
    candidate->several = candidate->buffer != 0;
    candidate->buffer = buffer;
    if (state->may_be_ring.buffer == 0 || state->may_be_ring.several ||
        state->may_be_control.buffer == 0 || state->may_be_control.several)
        return;
    const struct buffer *control = gpu_find_buffer(state, state->may_be_control.buffer);
    const struct buffer *ring = gpu_find_buffer(state, state->may_be_ring.buffer);
    if (control == NULL || ring == NULL || control == ring)
        return;
    const struct range buffers[GPU_MEGAKERNEL_BUFFERS] = {
        [VYRE_KERNEL_ARG_CONTROL] = {control->handle, 0, control->bytes},
        [VYRE_KERNEL_ARG_RING] = {ring->handle, 0, ring->bytes},
    };
    gpu_adopt(state, buffers);
}

/** Whether a block is a slot that is PUBLISHED, all of it known. */
static bool is_published(struct gpu_state *state, struct shadow *shadow, size_t block,
                         const struct gpu_piece *piece)
{
    uint32_t words[VYRE_SLOT_WORDS];
    if (piece->count == 1 && piece->offset % SHADOW_BLOCK == 0 &&
        (shadow->known[block] | 1u) == SHADOW_ALL_WORDS)
        gpu_merge_slot(shadow, block, 0, piece->bytes, 1, state->uploads);
    memcpy(words, shadow->bytes + block * SHADOW_BLOCK, sizeof(words));
    return shadow->known[block] == SHADOW_ALL_WORDS && gpu_is_slot(words) &&
           words[VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED;
}

void gpu_saw_upload(struct gpu_state *state, struct buffer *buffer, const struct gpu_piece *pieces,
                    size_t pieces_len)
{
    if (!recorder_is_late() || buffer->shadow == NULL || buffer->bytes % VYRE_SLOT_BYTES != 0 ||
        buffer->argument)
        return;
    for (size_t i = 0; i < pieces_len; i++) {
        size_t end = pieces[i].offset + pieces[i].count;
        for (size_t block = pieces[i].offset / SHADOW_BLOCK;
             block * SHADOW_BLOCK < end && end <= buffer->bytes; block++) {
            if (!is_published(state, buffer->shadow, block, &pieces[i]))
                continue;
            note(state, &state->may_be_ring, buffer->handle);
            return;
        }
    }
}

bool gpu_may_be_control(const struct buffer *buffer, size_t offset, size_t count)
{
    return recorder_is_late() && offset == 0 && count >= CONTROL_SEEN_WORDS * sizeof(uint32_t) &&
           buffer->bytes >= VYRE_CONTROL_WORDS_MIN * sizeof(uint32_t) &&
           buffer->bytes % sizeof(uint32_t) == 0 && !buffer->argument;
}

void gpu_saw_readback(struct gpu_state *state, uintptr_t handle, const struct gpu_piece *piece)
{
    uint32_t words[CONTROL_SEEN_WORDS];
    const struct buffer *buffer = gpu_find_buffer(state, handle);
    if (buffer == NULL || !gpu_may_be_control(buffer, piece->offset, piece->count))
        return;
    memcpy(words, piece->bytes, sizeof(words));
    bool some = false;
    for (unsigned i = 0; i < VYRE_CONTROL_TENANT_MASKS_MAX; i++)
        some = some || words[VYRE_CONTROL_TENANT_MASKS + i] != 0;
    if (some && words[VYRE_CONTROL_SHUTDOWN] <= 1 &&
        words[VYRE_CONTROL_TENANT_BASE] == VYRE_CONTROL_TENANT_MASKS)
        note(state, &state->may_be_control, handle);
}
