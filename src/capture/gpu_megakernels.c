/*
 * Which launches are of a megakernel: by the order, sizes and fresh contents of its
 * buffers (doc/protocol.md), or by the name that was asked for.
 */
#include <string.h>

#include "capture/gpu_state.h"
#include "vyre/io_queue.h"

#define WORD sizeof(uint32_t)

static bool range_of(struct gpu_state *state, const struct gpu_launch *launch, unsigned index,
                     struct range *range)
{
    if (index >= launch->arguments_len || launch->arguments[index].kind != GPU_ARGUMENT_BUFFER)
        return false;
    const struct gpu_argument *argument = &launch->arguments[index];
    const struct buffer *buffer = gpu_find_buffer(state, argument->buffer);
    if (buffer == NULL || argument->offset >= buffer->bytes)
        return false;
    size_t left = buffer->bytes - argument->offset;
    *range = (struct range){argument->buffer, argument->offset,
                            argument->bytes < left ? argument->bytes : left};
    return true;
}

static bool same_range(const struct range *one, const struct range *other)
{
    return one->buffer == other->buffer && one->offset == other->offset &&
           one->bytes == other->bytes;
}

static bool fits_ring(const struct range *ring)
{
    return ring->bytes > 0 && ring->bytes % VYRE_SLOT_BYTES == 0 &&
           ring->offset % VYRE_SLOT_BYTES == 0 &&
           ring->bytes / VYRE_SLOT_BYTES <= VRRL_CAPACITY_MAX;
}

static bool fits_control(const struct range *control)
{
    return control->bytes >= VYRE_CONTROL_WORDS_MIN * WORD && control->bytes % WORD == 0;
}

static struct megakernel *find(struct gpu_state *state, const struct range *control,
                               const struct range *ring)
{
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        struct megakernel *known = &state->megakernels[i];
        if (same_range(&known->buffers[VYRE_KERNEL_ARG_CONTROL], control) &&
            same_range(&known->buffers[VYRE_KERNEL_ARG_RING], ring))
            return known;
    }
    return NULL;
}

/** A megakernel with this control buffer; several rings may have one. */
static const struct megakernel *find_by_control(const struct gpu_state *state,
                                                const struct range *control)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (same_range(&state->megakernels[i].buffers[VYRE_KERNEL_ARG_CONTROL], control))
            return &state->megakernels[i];
    return NULL;
}

/** Copy a word of a buffer, if it is known. */
static bool known_word(const struct buffer *buffer, size_t offset, uint32_t *word)
{
    size_t known;
    const uint8_t *bytes = gpu_known_bytes(buffer, offset, WORD, &known);
    if ((bytes == NULL || known < WORD) && buffer->host != NULL) {
        bytes = buffer->host + offset;
        known = WORD;
    }
    if (bytes == NULL || known < WORD)
        return false;
    memcpy(word, bytes, WORD);
    return true;
}

/** A control buffer as a host makes it; one whose contents are not known is none. */
static bool is_fresh_control(struct gpu_state *state, const struct range *control)
{
    const struct buffer *buffer = gpu_find_buffer(state, control->buffer);
    uint32_t base;
    /* Who came late did not see it made: the sizes of all four must do. */
    if (buffer->shadow == NULL && buffer->host == NULL)
        return recorder_is_late();
    if (!known_word(buffer, control->offset + VYRE_CONTROL_TENANT_BASE * WORD, &base) ||
        base != VYRE_CONTROL_TENANT_MASKS)
        return false;
    bool some = false;
    for (unsigned i = 0; i < VYRE_CONTROL_TENANT_MASKS_MAX; i++) {
        uint32_t mask;
        if (!known_word(buffer, control->offset + (VYRE_CONTROL_TENANT_MASKS + i) * WORD, &mask))
            return false;
        some = some || mask != 0;
    }
    return some;
}

static bool may_be_debug_log(struct gpu_state *state, const struct range *log)
{
    uint32_t cursor;
    return log->bytes == VYRE_DEBUG_LOG_WORDS * WORD &&
           (!known_word(gpu_find_buffer(state, log->buffer), log->offset, &cursor) ||
            cursor % VYRE_DEBUG_LOG_RECORD_WORDS == 0);
}

static bool may_be_io_queue(struct gpu_state *state, const struct range *queue)
{
    if (queue->bytes != VYRE_IO_QUEUE_WORDS * WORD)
        return false;
    const struct buffer *buffer = gpu_find_buffer(state, queue->buffer);
    for (size_t slot = 0; slot < VYRE_IO_SLOTS; slot++) {
        uint32_t status;
        size_t word = slot * VYRE_IO_SLOT_WORDS + VYRE_IO_STATUS;
        if (known_word(buffer, queue->offset + word * WORD, &status) && status > VYRE_STATUS_DONE &&
            status != VYRE_IO_STATUS_OK && status != VYRE_IO_STATUS_ERROR)
            return false;
    }
    return true;
}

static bool may_be_ring(struct gpu_state *state, const struct range *ring)
{
    const struct buffer *buffer = gpu_find_buffer(state, ring->buffer);
    for (size_t at = 0; at < ring->bytes && buffer->shadow != NULL; at += VYRE_SLOT_BYTES) {
        uint32_t status;
        size_t known;
        const uint8_t *bytes = gpu_known_bytes(buffer, ring->offset + at, WORD, &known);
        if (known < WORD)
            continue;
        memcpy(&status, bytes, WORD);
        if (status > VYRE_STATUS_FAULT)
            return false;
    }
    return true;
}

static bool looks_like_one(struct gpu_state *state, const struct gpu_launch *launch,
                           struct range buffers[GPU_MEGAKERNEL_BUFFERS])
{
    return range_of(state, launch, VYRE_KERNEL_ARG_DEBUG_LOG,
                    &buffers[VYRE_KERNEL_ARG_DEBUG_LOG]) &&
           range_of(state, launch, VYRE_KERNEL_ARG_IO_QUEUE, &buffers[VYRE_KERNEL_ARG_IO_QUEUE]) &&
           may_be_debug_log(state, &buffers[VYRE_KERNEL_ARG_DEBUG_LOG]) &&
           may_be_io_queue(state, &buffers[VYRE_KERNEL_ARG_IO_QUEUE]) &&
           may_be_ring(state, &buffers[VYRE_KERNEL_ARG_RING]) &&
           (find_by_control(state, &buffers[VYRE_KERNEL_ARG_CONTROL]) != NULL ||
            is_fresh_control(state, &buffers[VYRE_KERNEL_ARG_CONTROL]));
}

/** Debug log and IO queue of one that was asked for by name, where they are what they seem. */
static void find_others(struct gpu_state *state, const struct gpu_launch *launch,
                        struct range buffers[GPU_MEGAKERNEL_BUFFERS])
{
    struct range log;
    struct range queue;
    if (range_of(state, launch, VYRE_KERNEL_ARG_DEBUG_LOG, &log) &&
        log.bytes == VYRE_DEBUG_LOG_WORDS * WORD)
        buffers[VYRE_KERNEL_ARG_DEBUG_LOG] = log;
    if (range_of(state, launch, VYRE_KERNEL_ARG_IO_QUEUE, &queue) &&
        queue.bytes == VYRE_IO_QUEUE_WORDS * WORD)
        buffers[VYRE_KERNEL_ARG_IO_QUEUE] = queue;
}

static struct megakernel *free_entry(struct gpu_state *state)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (state->megakernels[i].buffers[VYRE_KERNEL_ARG_RING].buffer == 0)
            return &state->megakernels[i];
    return state->megakernels_len < MEGAKERNELS_MAX ? &state->megakernels[state->megakernels_len++]
                                                    : NULL;
}

static struct megakernel *remember(struct gpu_state *state,
                                   const struct range buffers[GPU_MEGAKERNEL_BUFFERS])
{
    struct buffer *ring = gpu_find_buffer(state, buffers[VYRE_KERNEL_ARG_RING].buffer);
    struct megakernel *made = gpu_make_shadow(state, ring) ? free_entry(state) : NULL;
    if (made == NULL)
        return NULL;
    const struct megakernel *sibling = find_by_control(state, &buffers[VYRE_KERNEL_ARG_CONTROL]);
    *made = (struct megakernel){.look = sibling == NULL ? 0 : sibling->look,
                                .epoch = sibling == NULL ? 0 : sibling->epoch};
    memcpy(made->buffers, buffers, sizeof(made->buffers));
    ring->ring = true;
    for (unsigned i = 0; i < GPU_MEGAKERNEL_BUFFERS; i++) {
        struct buffer *buffer = gpu_find_buffer(state, buffers[i].buffer);
        if (buffer != NULL)
            buffer->argument = true;
    }
    made->done_known = known_word(
        gpu_find_buffer(state, buffers[VYRE_KERNEL_ARG_CONTROL].buffer),
        buffers[VYRE_KERNEL_ARG_CONTROL].offset + VYRE_CONTROL_DONE_COUNT * WORD, &made->done);
    made->done_seen = made->done;
    gpu_record_early_publishes(state, made);
    return made;
}

void gpu_adopt(struct gpu_state *state, const struct range buffers[GPU_MEGAKERNEL_BUFFERS])
{
    if (!fits_control(&buffers[VYRE_KERNEL_ARG_CONTROL]) ||
        !fits_ring(&buffers[VYRE_KERNEL_ARG_RING]))
        return;
    struct megakernel *adopted = remember(state, buffers);
    if (adopted != NULL)
        adopted->unseen = true;
}

struct megakernel *gpu_recognise(struct gpu_state *state, const struct gpu_launch *launch)
{
    const struct settings *settings = state->settings;
    struct range buffers[GPU_MEGAKERNEL_BUFFERS] = {0};
    struct range *control = &buffers[VYRE_KERNEL_ARG_CONTROL];
    struct range *ring = &buffers[VYRE_KERNEL_ARG_RING];
    if (!range_of(state, launch, settings->control_argument, control) ||
        !range_of(state, launch, settings->ring_argument, ring) || !fits_control(control) ||
        !fits_ring(ring))
        return NULL;
    struct megakernel *known = find(state, control, ring);
    if (known != NULL && known->unseen)
        find_others(state, launch, known->buffers);
    if (known != NULL) {
        known->unseen = false;
        return known;
    }
    if (settings->kernel[0] != '\0') {
        if (strcmp(settings->kernel, launch->kernel_name) != 0)
            return NULL;
        find_others(state, launch, buffers);
    } else if (!looks_like_one(state, launch, buffers)) {
        return NULL;
    }
    return remember(state, buffers);
}
