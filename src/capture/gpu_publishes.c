/*
 * Which slots of a ring are published by bytes that go up into it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/gpu_state.h"

#define PAGE_BYTES (SHADOW_PAGE * SHADOW_BLOCK)

void gpu_collect(struct gpu_state *state, uint32_t number)
{
    if (state->collected_len == state->collected_max) {
        size_t max = state->collected_max == 0 ? 4096 : 2 * state->collected_max;
        void *grown = mmap(NULL, max * sizeof(*state->collected), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (grown == MAP_FAILED)
            return;
        if (state->collected != NULL) {
            memcpy(grown, state->collected, state->collected_len * sizeof(*state->collected));
            munmap(state->collected, state->collected_max * sizeof(*state->collected));
        }
        state->collected = grown;
        state->collected_max = max;
    }
    state->collected[state->collected_len++] = number;
}

/** A piece of an upload within one ring. */
struct window {
    struct gpu_state *state;
    struct shadow *shadow;
    const struct megakernel *megakernel;
    /** A launch runs beside the upload, and may drain what is there at any moment. */
    bool beside;
    /** Block of slot 0. */
    size_t first_block;
    const uint8_t *bytes;
    size_t at;
    size_t end;
};

/** Upload that touched a block last. */
static uint32_t touched_by(const struct shadow *shadow, size_t block)
{
    uint32_t page = shadow->page_uploaded[block / SHADOW_PAGE];
    return page > shadow->uploaded[block] ? page : shadow->uploaded[block];
}

/** Whether a launch may have consumed a slot since it was seen to be PUBLISHED.
 *  \param touched  touched_by() before this upload */
static bool may_be_consumed(const struct window *window, size_t block, uint32_t touched)
{
    const struct shadow *shadow = window->shadow;
    return shadow->settled[block] < window->megakernel->last_launch ||
           (window->beside && shadow->shown[block] < touched);
}

static void is_published(struct window *window, size_t block)
{
    window->shadow->settled[block] = window->state->launches;
    gpu_collect(window->state, (uint32_t)(block - window->first_block));
}

/** A whole page that is what it was: only slots that may have been consumed are of interest. */
static bool skip_page(struct window *window)
{
    struct shadow *shadow = window->shadow;
    size_t block = window->at / SHADOW_BLOCK;
    if (window->at % PAGE_BYTES != 0 || window->end - window->at < PAGE_BYTES)
        return false;
    const uint8_t *known = (const uint8_t *)&shadow->known[block];
    if (memcmp(window->bytes, shadow->bytes + window->at, PAGE_BYTES) != 0 || known[0] != 0xFF ||
        memcmp(known, known + 1, SHADOW_PAGE * sizeof(uint16_t) - 1) != 0)
        return false;
    size_t page = block / SHADOW_PAGE;
    for (uint64_t left = shadow->published[page]; left != 0; left &= left - 1) {
        size_t slot = block + (size_t)__builtin_ctzll(left);
        if (may_be_consumed(window, slot, touched_by(shadow, slot)))
            is_published(window, slot);
    }
    shadow->page_uploaded[page] = window->state->uploads;
    window->bytes += PAGE_BYTES;
    window->at += PAGE_BYTES;
    return true;
}

static void look_at_block(struct window *window)
{
    struct shadow *shadow = window->shadow;
    size_t block = window->at / SHADOW_BLOCK;
    size_t from = window->at % SHADOW_BLOCK;
    size_t left = window->end - window->at;
    size_t count = SHADOW_BLOCK - from < left ? SHADOW_BLOCK - from : left;
    /* A payload that goes up ahead of its status finds that of the slot's last use, which the GPU
     * may have changed since. */
    bool consumed = may_be_consumed(window, block, touched_by(shadow, block));
    if (from > 0 && consumed) {
        shadow->known[block] &= (uint16_t)~1u;
        shadow->published[block / SHADOW_PAGE] &= ~(UINT64_C(1) << block % SHADOW_PAGE);
    }
    uint8_t before[SHADOW_BLOCK];
    uint16_t known_before = shadow->known[block];
    memcpy(before, shadow->bytes + block * SHADOW_BLOCK, sizeof(before));
    if (gpu_merge_slot(shadow, block, from, window->bytes, count, window->state->uploads) &&
        (memcmp(before, shadow->bytes + block * SHADOW_BLOCK, sizeof(before)) != 0 ||
         (known_before & 1u) == 0 || consumed))
        is_published(window, block);
    window->bytes += count;
    window->at += count;
}

static void look_at_piece(struct gpu_state *state, struct buffer *buffer,
                          const struct megakernel *megakernel, const struct gpu_order *order,
                          const struct gpu_piece *piece)
{
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    if (!range_overlaps(ring, buffer->handle, piece->offset, piece->count))
        return;
    size_t end = piece->offset + piece->count;
    struct window window = {
        .state = state,
        .shadow = buffer->shadow,
        .megakernel = megakernel,
        .beside = gpu_runs_beside(megakernel, order),
        .first_block = ring->offset / SHADOW_BLOCK,
        .at = piece->offset > ring->offset ? piece->offset : ring->offset,
        .end = end < ring->offset + ring->bytes ? end : ring->offset + ring->bytes,
    };
    window.bytes = (const uint8_t *)piece->bytes + (window.at - piece->offset);
    while (window.at < window.end)
        if (!skip_page(&window))
            look_at_block(&window);
}

static const uint32_t *slot_words(const struct buffer *buffer, const struct megakernel *megakernel,
                                  uint32_t slot)
{
    size_t at = megakernel->buffers[VYRE_KERNEL_ARG_RING].offset + (size_t)slot * VYRE_SLOT_BYTES;
    return (const uint32_t *)(const void *)(buffer->shadow->bytes + at);
}

struct recording *gpu_recording_of(struct gpu_state *state, struct megakernel *megakernel)
{
    struct recording *recording = gpu_open_recording(state);
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    const struct buffer *buffer = gpu_find_buffer(state, ring->buffer);
    if (recording == NULL || buffer == NULL)
        return NULL;
    if (!megakernel->numbered) {
        /* Handles are used again, and no address of the host has these bits. */
        uint64_t address =
            buffer->number << 48 | ((ring->buffer + ring->offset) & ~(~UINT64_C(0) << 48));
        megakernel->ring = recorder_ring(recording, address, ring->bytes);
        megakernel->numbered = true;
    }
    if (megakernel->look != 0)
        recorder_saw_epoch_of(recording, megakernel->ring, megakernel->look, megakernel->epoch);
    return recording;
}

static bool is_number_of_any(const struct gpu_state *state, uint32_t ring)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (state->megakernels[i].numbered && state->megakernels[i].ring == ring)
            return true;
    return false;
}

/** What is published by symbol into another ring goes up into this one. */
static void join(struct recording *recording, struct megakernel *megakernel, uint32_t ring)
{
    for (unsigned i = 0; i < megakernel->joined_len; i++)
        if (megakernel->joined[i] == ring)
            return;
    recording_join_rings(recording, ring, megakernel->ring);
    if (megakernel->joined_len < JOINED_MAX)
        megakernel->joined[megakernel->joined_len++] = ring;
    if (megakernel->look != 0)
        recorder_saw_epoch_of(recording, ring, megakernel->look, megakernel->epoch);
}

/** Take those slots out that were recorded by symbol. */
static void leave_out_recorded(struct gpu_state *state, const struct buffer *buffer,
                               struct megakernel *megakernel)
{
    struct recording *recording = recorder_opened();
    if (recording == NULL || state->collected_len == 0)
        return;
    pending_update(recording);
    size_t kept = 0;
    for (size_t i = 0; i < state->collected_len; i++) {
        uint32_t ring;
        if (pending_settle(state->collected[i], slot_words(buffer, megakernel, state->collected[i]),
                           &ring)) {
            if (!megakernel->numbered)
                megakernel->ring = ring;
            megakernel->numbered = megakernel->by_symbol = true;
            /* It came to be known by what was published before anyone looked, or is filled from
             * more than one place in the host's memory. */
            if (ring != megakernel->ring && !is_number_of_any(state, ring))
                join(recording, megakernel, ring);
            megakernel->published = true;
        } else {
            state->collected[kept++] = state->collected[i];
        }
    }
    /* Nobody knows whether they were recorded; most likely they were. */
    if (megakernel->by_symbol && pending_lost())
        kept = 0;
    state->collected_len = kept;
}

/** Take places for the slots that were collected. */
static void take_places(struct gpu_state *state, const struct buffer *buffer,
                        struct megakernel *megakernel, struct batch *publishes)
{
    leave_out_recorded(state, buffer, megakernel);
    struct recording *recording =
        state->collected_len == 0 ? NULL : gpu_recording_of(state, megakernel);
    if (recording != NULL) {
        megakernel->published = true;
        recorder_batch_begin(publishes, recording, SESSION_ORIGIN_UPLOAD, megakernel->ring,
                             state->collected_len);
        for (size_t i = 0; i < state->collected_len; i++)
            recorder_batch_take(publishes, state->collected[i]);
    }
    state->collected_len = 0;
}

void gpu_finish_publishes(struct gpu_state *state, uintptr_t ring, struct batch *publishes,
                          bool made)
{
    struct megakernel *megakernel = NULL;
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        struct megakernel *one = &state->megakernels[i];
        if (one->numbered && one->ring == publishes->ring &&
            one->buffers[VYRE_KERNEL_ARG_RING].buffer == ring)
            megakernel = one;
    }
    struct buffer *buffer = gpu_find_buffer(state, ring);
    struct publish publish;
    while (recorder_batch_next(publishes, &publish)) {
        if (megakernel == NULL || buffer == NULL || buffer->shadow == NULL) {
            recorder_abandon(&publish);
        } else if (made) {
            recorder_commit(&publish, slot_words(buffer, megakernel, publish.slot_idx));
        } else {
            recorder_abandon(&publish);
            gpu_forget(buffer,
                       megakernel->buffers[VYRE_KERNEL_ARG_RING].offset +
                           (size_t)publish.slot_idx * VYRE_SLOT_BYTES,
                       VYRE_SLOT_BYTES);
        }
    }
}

static int compare_slots(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

/** Pieces may come in any order, and several of them to one slot: it is one publish. */
static void put_in_order(struct gpu_state *state)
{
    size_t ascending = 1;
    while (ascending < state->collected_len &&
           state->collected[ascending - 1] < state->collected[ascending])
        ascending++;
    if (ascending >= state->collected_len)
        return;
    qsort(state->collected, state->collected_len, sizeof(*state->collected), compare_slots);
    size_t kept = 1;
    for (size_t i = 1; i < state->collected_len; i++)
        if (state->collected[i] != state->collected[kept - 1])
            state->collected[kept++] = state->collected[i];
    state->collected_len = kept;
}

void gpu_look_for_publishes(struct gpu_state *state, struct buffer *buffer,
                            const struct gpu_order *order, const struct gpu_piece *pieces,
                            size_t pieces_len, struct batch *publishes)
{
    for (unsigned m = 0; m < state->megakernels_len; m++) {
        struct megakernel *megakernel = &state->megakernels[m];
        for (size_t i = 0; i < pieces_len; i++)
            look_at_piece(state, buffer, megakernel, order, &pieces[i]);
        if (state->collected_len == 0)
            continue;
        put_in_order(state);
        megakernel->done += (uint32_t)state->collected_len;
        /* Of several rings in one buffer, all but the last are finished at once. */
        gpu_finish_publishes(state, buffer->handle, publishes, true);
        take_places(state, buffer, megakernel, publishes);
    }
}

static int compare_keys(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

void gpu_record_early_publishes(struct gpu_state *state, struct megakernel *megakernel)
{
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    struct buffer *buffer = gpu_find_buffer(state, ring->buffer);
    size_t slots = ring->bytes / VYRE_SLOT_BYTES;
    size_t first = ring->offset / SHADOW_BLOCK;
    struct shadow *shadow = buffer->shadow;
    uint64_t *keys = mmap(NULL, slots * sizeof(*keys), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (keys == MAP_FAILED)
        return;
    size_t len = 0;
    for (size_t slot = 0; slot < slots; slot++) {
        size_t block = first + slot;
        if (shadow->published[block / SHADOW_PAGE] >> block % SHADOW_PAGE & 1u &&
            shadow->known[block] == SHADOW_ALL_WORDS)
            keys[len++] = (uint64_t)shadow->uploaded[block] << 32 | slot;
    }
    qsort(keys, len, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < len; i++) {
        shadow->settled[first + (uint32_t)keys[i]] = state->launches;
        gpu_collect(state, (uint32_t)keys[i]);
    }
    munmap(keys, slots * sizeof(*keys));
    megakernel->done += (uint32_t)len;
    struct batch publishes = {0};
    take_places(state, buffer, megakernel, &publishes);
    gpu_finish_publishes(state, ring->buffer, &publishes, true);
}
