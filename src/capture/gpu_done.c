/*
 * What DONE_COUNT is once all is drained that went up.
 */
#include <string.h>

#include "capture/gpu_state.h"

/** \return where DONE_COUNT lies in bytes of the buffer of a range; NULL when it does not */
static const uint8_t *find_done(const struct range *control, uintptr_t buffer,
                                const struct gpu_piece *piece)
{
    size_t at = control->offset + VYRE_CONTROL_DONE_COUNT * sizeof(uint32_t);
    if (control->buffer != buffer || piece->offset > at ||
        piece->offset + piece->count < at + sizeof(uint32_t))
        return NULL;
    return (const uint8_t *)piece->bytes + (at - piece->offset);
}

void gpu_count_from(struct gpu_state *state, const struct buffer *buffer,
                    const struct gpu_piece *pieces, size_t pieces_len)
{
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        struct megakernel *megakernel = &state->megakernels[i];
        for (size_t j = 0; j < pieces_len; j++) {
            const uint8_t *done = find_done(&megakernel->buffers[VYRE_KERNEL_ARG_CONTROL],
                                            buffer->handle, &pieces[j]);
            if (done == NULL)
                continue;
            megakernel->done_known =
                megakernel->done_known && megakernel->done_seen == megakernel->done;
            memcpy(&megakernel->done, done, sizeof(megakernel->done));
            megakernel->done_seen = megakernel->done;
        }
    }
}

void gpu_count_seen(struct megakernel *megakernel, uintptr_t buffer, const struct gpu_piece *piece)
{
    const uint8_t *done = find_done(&megakernel->buffers[VYRE_KERNEL_ARG_CONTROL], buffer, piece);
    if (done != NULL)
        memcpy(&megakernel->done_seen, done, sizeof(megakernel->done_seen));
}

void gpu_count_lost(struct gpu_state *state, uintptr_t ring)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (state->megakernels[i].buffers[VYRE_KERNEL_ARG_RING].buffer == ring)
            state->megakernels[i].done_known = false;
}
