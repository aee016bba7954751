/*
 * Megakernels that nobody saw launched: one that never stops runs since before the shim came.
 *
 * Its ring and control buffer are known by what goes up and what comes back, and only for who came
 * late, since it is less than a launch tells.  Two rings, or two control buffers, that could be it
 * are too many: then a launch must tell.
 */
#include <string.h>

#include "capture/gpu_state.h"
#include "vyre/opcode.h"

#define ALL_WORDS UINT16_C(0xFFFF)
/** All that makes a control buffer known. */
#define CONTROL_SEEN_WORDS (VYRE_CONTROL_TENANT_MASKS + VYRE_CONTROL_TENANT_MASKS_MAX)

static bool is_of_megakernel(const struct gpu_state *state, uintptr_t buffer)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        for (unsigned role = 0; role < GPU_MEGAKERNEL_BUFFERS; role++)
            if (state->megakernels[i].buffers[role].buffer == buffer)
                return true;
    return false;
}

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
static bool is_published(struct shadow *shadow, size_t block, const struct gpu_piece *piece)
{
    uint32_t words[VYRE_SLOT_WORDS];
    memcpy(words, shadow->bytes + block * SHADOW_BLOCK, sizeof(words));
    /* A status fits into its first byte, and may come alone. */
    bool alone = piece->count == 1 && piece->offset % SHADOW_BLOCK == 0;
    if (alone && (shadow->known[block] | 1u) == ALL_WORDS && words[VYRE_SLOT_STATUS] <= UINT8_MAX) {
        shadow->known[block] = ALL_WORDS;
        if (words[VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED)
            shadow->published[block / SHADOW_PAGE] |= UINT64_C(1) << block % SHADOW_PAGE;
    }
    uint32_t opcode = words[VYRE_SLOT_OPCODE];
    return shadow->known[block] == ALL_WORDS && words[VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED &&
           words[VYRE_SLOT_PRIORITY] <= VYRE_PRIORITY_IDLE &&
           (vyre_opcode_publishable(opcode) || opcode == VYRE_OP_LOAD_MISS);
}

void gpu_saw_upload(struct gpu_state *state, struct buffer *buffer, const struct gpu_piece *pieces,
                    size_t pieces_len)
{
    if (!recorder_is_late() || buffer->shadow == NULL || buffer->bytes % VYRE_SLOT_BYTES != 0 ||
        is_of_megakernel(state, buffer->handle))
        return;
    for (size_t i = 0; i < pieces_len; i++) {
        size_t end = pieces[i].offset + pieces[i].count;
        for (size_t block = pieces[i].offset / SHADOW_BLOCK;
             block * SHADOW_BLOCK < end && end <= buffer->bytes; block++) {
            if (!is_published(buffer->shadow, block, &pieces[i]))
                continue;
            note(state, &state->may_be_ring, buffer->handle);
            return;
        }
    }
}

bool gpu_may_be_control(const struct gpu_state *state, const struct buffer *buffer, size_t offset,
                        size_t count)
{
    return recorder_is_late() && offset == 0 && count >= CONTROL_SEEN_WORDS * sizeof(uint32_t) &&
           buffer->bytes >= VYRE_CONTROL_WORDS_MIN * sizeof(uint32_t) &&
           buffer->bytes % sizeof(uint32_t) == 0 && !is_of_megakernel(state, buffer->handle);
}

void gpu_saw_readback(struct gpu_state *state, uintptr_t handle, const struct gpu_piece *piece)
{
    uint32_t words[CONTROL_SEEN_WORDS];
    const struct buffer *buffer = gpu_find_buffer(state, handle);
    if (buffer == NULL || !gpu_may_be_control(state, buffer, piece->offset, piece->count))
        return;
    memcpy(words, piece->bytes, sizeof(words));
    bool some = false;
    for (unsigned i = 0; i < VYRE_CONTROL_TENANT_MASKS_MAX; i++)
        some = some || words[VYRE_CONTROL_TENANT_MASKS + i] != 0;
    if (some && words[VYRE_CONTROL_SHUTDOWN] <= 1 &&
        words[VYRE_CONTROL_TENANT_BASE] == VYRE_CONTROL_TENANT_MASKS)
        note(state, &state->may_be_control, handle);
}
