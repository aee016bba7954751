/*
 * What a megakernel's buffers hold, read once because `vrrl attach --checkpoint` asked for it.
 */
#include <errno.h>
#include <string.h>

#include "capture/gpu_state.h"

bool gpu_checkpoint_wanted(const struct gpu_launch *launch)
{
    const struct settings *settings = recorder_settings();
    if (settings == NULL || !settings->checkpoint)
        return false;
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return false;
    struct megakernel *megakernel = state->checkpoint == state->serial && state->serial != 0
                                        ? NULL
                                        : gpu_recognise(state, launch);
    bool wanted = megakernel != NULL && gpu_recording_of(state, megakernel) != NULL;
    if (wanted)
        state->checkpoint = state->serial;
    gpu_unlock(state);
    errno = saved;
    return wanted;
}

/** Slots that are PUBLISHED there and that nobody saw published are recorded now. */
static void see_ring(struct gpu_state *state, struct buffer *buffer, const struct gpu_order *order,
                     const struct gpu_piece *piece)
{
    struct batch publishes = {0};
    state->uploads++;
    gpu_look_for_publishes(state, buffer, order, piece, 1, &publishes);
    gpu_finish_publishes(state, buffer->handle, &publishes, true);
}

void gpu_checkpoint_seen(const struct gpu_launch *launch, const struct gpu_argument *argument,
                         const void *bytes)
{
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    struct buffer *buffer = gpu_find_buffer(state, argument->buffer);
    const struct gpu_piece piece = {argument->offset, bytes, argument->bytes};
    const struct gpu_order order = {1, {{launch->queue, 0, state->launches}}};
    if (buffer != NULL && buffer->ring)
        see_ring(state, buffer, &order, &piece);
    else if (buffer != NULL)
        gpu_know_contents(state, buffer, &piece);
    gpu_unlock(state);
    /* The epoch, and what else a read-back tells. */
    struct gpu_readback readback;
    if (gpu_readback_begin(&readback, argument->buffer, &order, argument->offset, argument->bytes))
        gpu_readback_end(&readback, &piece, 1);
    errno = saved;
}

void gpu_checkpoint_end(void)
{
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    if (recorder_opened() != NULL)
        recording_checkpoint(recorder_opened());
    gpu_unlock(state);
}
