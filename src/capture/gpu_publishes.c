/*
 * Bytes that go up: what buffers hold by them, and which slots of a ring they publish.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/gpu_state.h"
#include "vyre/opcode.h"

#define PAGE_BYTES (SHADOW_PAGE * SHADOW_BLOCK)
#define ALL_WORDS UINT16_C(0xFFFF)
/** The statuses are 0 … 7, the priorities 0 … 4. */
#define STATUS_MAX VYRE_STATUS_FAULT
#define PRIORITY_MAX VYRE_PRIORITY_IDLE
/** No ring is larger: as many slots as the largest log has records. */
#define RING_BYTES_MAX ((size_t)VRRL_CAPACITY_MAX * VYRE_SLOT_BYTES)

static bool is_slot(const uint32_t *words)
{
    if (words[VYRE_SLOT_STATUS] > STATUS_MAX || words[VYRE_SLOT_PRIORITY] > PRIORITY_MAX)
        return false;
    uint32_t opcode = words[VYRE_SLOT_OPCODE];
    return vyre_opcode_publishable(opcode) || opcode == VYRE_OP_LOAD_MISS;
}

/** Whether the pieces are slots, not all of them empty.  Anything else fails at its first bytes. */
static bool looks_like_slots(const struct gpu_piece *pieces, size_t pieces_len)
{
    bool some = false;
    for (size_t i = 0; i < pieces_len; i++) {
        const uint8_t *bytes = pieces[i].bytes;
        if (pieces[i].offset % SHADOW_BLOCK != 0 || pieces[i].count % SHADOW_BLOCK != 0)
            return false;
        for (size_t at = 0; at < pieces[i].count; at += SHADOW_BLOCK) {
            uint32_t words[4];
            memcpy(words, bytes + at, sizeof(words));
            if (!is_slot(words))
                return false;
            some = some || (words[0] | words[1] | words[2] | words[3]) != 0;
        }
    }
    return some;
}

/** Whether a piece is the beginning of a fresh control buffer. */
static bool looks_like_control(const struct gpu_piece *pieces, size_t pieces_len)
{
    uint32_t words[VYRE_CONTROL_TENANT_BASE + 1];
    if (pieces_len == 0 || pieces[0].offset != 0 ||
        pieces[0].count < VYRE_CONTROL_WORDS_MIN * sizeof(words[0]))
        return false;
    memcpy(words, pieces[0].bytes, sizeof(words));
    return words[VYRE_CONTROL_SHUTDOWN] <= 1 && words[VYRE_CONTROL_DONE_COUNT] == 0 &&
           words[VYRE_CONTROL_TENANT_BASE] == VYRE_CONTROL_TENANT_MASKS;
}

/** Words of a block that lie whole in bytes [from, from + count) of it. */
static uint16_t words_within(size_t from, size_t count)
{
    unsigned first = (unsigned)((from + 3) / 4);
    unsigned end = (unsigned)((from + count) / 4);
    return end <= first ? 0 : (uint16_t)((1u << end) - (1u << first));
}

static uint32_t status_of(const struct shadow *shadow, size_t block)
{
    uint32_t status;
    memcpy(&status, shadow->bytes + block * SHADOW_BLOCK, sizeof(status));
    return status;
}

/** Put bytes of one block there.  \return whether the block is a slot that is PUBLISHED now */
static bool merge(struct shadow *shadow, size_t block, size_t from, const uint8_t *bytes,
                  size_t count, uint32_t upload)
{
    memcpy(shadow->bytes + block * SHADOW_BLOCK + from, bytes, count);
    shadow->known[block] |= words_within(from, count);
    shadow->uploaded[block] = upload;
    bool published =
        (shadow->known[block] & 1u) != 0 && status_of(shadow, block) == VYRE_STATUS_PUBLISHED;
    uint64_t bit = UINT64_C(1) << block % SHADOW_PAGE;
    if (published)
        shadow->published[block / SHADOW_PAGE] |= bit;
    else
        shadow->published[block / SHADOW_PAGE] &= ~bit;
    return published;
}

static void merge_piece(struct shadow *shadow, size_t bytes_max, const struct gpu_piece *piece,
                        uint32_t upload)
{
    const uint8_t *bytes = piece->bytes;
    size_t end = piece->offset + piece->count;
    if (end > bytes_max || end < piece->offset)
        return;
    for (size_t at = piece->offset; at < end;) {
        size_t from = at % SHADOW_BLOCK;
        size_t count = SHADOW_BLOCK - from < end - at ? SHADOW_BLOCK - from : end - at;
        merge(shadow, at / SHADOW_BLOCK, from, bytes + (at - piece->offset), count, upload);
        at += count;
    }
}

/** What a buffer holds that is no ring, or not known to be one. */
static void keep_contents(struct gpu_state *state, struct buffer *buffer,
                          const struct gpu_piece *pieces, size_t pieces_len)
{
    buffer->alias.count = 0;
    bool kept = buffer->shadow != NULL || buffer->bytes <= SHADOW_SMALL ||
                (buffer->bytes <= RING_BYTES_MAX &&
                 (looks_like_slots(pieces, pieces_len) || looks_like_control(pieces, pieces_len)));
    if (!kept || !gpu_make_shadow(state, buffer))
        return;
    for (size_t i = 0; i < pieces_len; i++)
        merge_piece(buffer->shadow, buffer->bytes, &pieces[i], state->uploads);
}

static void add_slot(struct gpu_state *state, uint32_t slot)
{
    if (state->slots_len == state->slots_max) {
        size_t max = state->slots_max == 0 ? 4096 : 2 * state->slots_max;
        void *grown = mmap(NULL, max * sizeof(*state->slots), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (grown == MAP_FAILED)
            return;
        if (state->slots != NULL) {
            memcpy(grown, state->slots, state->slots_len * sizeof(*state->slots));
            munmap(state->slots, state->slots_max * sizeof(*state->slots));
        }
        state->slots = grown;
        state->slots_max = max;
    }
    state->slots[state->slots_len++] = slot;
}

/** A piece of an upload within one ring. */
struct window {
    struct gpu_state *state;
    struct shadow *shadow;
    const struct megakernel *megakernel;
    /** Block of slot 0. */
    size_t first_block;
    const uint8_t *bytes;
    size_t at;
    size_t end;
};

/** Whether a launch may have consumed a slot since it was seen to be PUBLISHED. */
static bool may_be_consumed(const struct window *window, size_t block)
{
    return window->shadow->settled[block] < window->megakernel->last_launch;
}

static void is_published(struct window *window, size_t block)
{
    window->shadow->settled[block] = window->state->launches;
    add_slot(window->state, (uint32_t)(block - window->first_block));
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
    shadow->page_uploaded[page] = window->state->uploads;
    for (uint64_t left = shadow->published[page]; left != 0; left &= left - 1) {
        size_t slot = block + (size_t)__builtin_ctzll(left);
        if (may_be_consumed(window, slot))
            is_published(window, slot);
    }
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
    if (from > 0 && may_be_consumed(window, block)) {
        shadow->known[block] &= (uint16_t)~1u;
        shadow->published[block / SHADOW_PAGE] &= ~(UINT64_C(1) << block % SHADOW_PAGE);
    }
    uint8_t before[SHADOW_BLOCK];
    uint16_t known_before = shadow->known[block];
    memcpy(before, shadow->bytes + block * SHADOW_BLOCK, sizeof(before));
    if (merge(shadow, block, from, window->bytes, count, window->state->uploads) &&
        (memcmp(before, shadow->bytes + block * SHADOW_BLOCK, sizeof(before)) != 0 ||
         (known_before & 1u) == 0 || may_be_consumed(window, block)))
        is_published(window, block);
    window->bytes += count;
    window->at += count;
}

static void look_at_piece(struct gpu_state *state, struct buffer *buffer,
                          const struct megakernel *megakernel, const struct gpu_piece *piece)
{
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    if (!range_overlaps(ring, buffer->handle, piece->offset, piece->count))
        return;
    size_t end = piece->offset + piece->count;
    struct window window = {
        .state = state,
        .shadow = buffer->shadow,
        .megakernel = megakernel,
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
    struct recording *recording = recorder_begin();
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

/** Take those slots out that were recorded by symbol. */
static void leave_out_recorded(struct gpu_state *state, const struct buffer *buffer,
                               struct megakernel *megakernel)
{
    struct recording *recording = recorder_opened();
    if (recording == NULL || state->slots_len == 0)
        return;
    pending_update(recording);
    size_t kept = 0;
    for (size_t i = 0; i < state->slots_len; i++) {
        uint32_t ring;
        if (pending_settle(state->slots[i], slot_words(buffer, megakernel, state->slots[i]),
                           &ring)) {
            megakernel->by_symbol = true;
            if (!megakernel->numbered) {
                megakernel->ring = ring;
                megakernel->numbered = true;
            }
        } else {
            state->slots[kept++] = state->slots[i];
        }
    }
    /* Nobody knows whether they were recorded; most likely they were. */
    if (megakernel->by_symbol && pending_lost())
        kept = 0;
    state->slots_len = kept;
}

/** Take places for the slots that were collected. */
static void take_places(struct gpu_state *state, const struct buffer *buffer,
                        struct megakernel *megakernel, struct batch *publishes)
{
    leave_out_recorded(state, buffer, megakernel);
    struct recording *recording =
        state->slots_len == 0 ? NULL : gpu_recording_of(state, megakernel);
    if (recording != NULL) {
        recorder_batch_begin(publishes, recording, SESSION_ORIGIN_UPLOAD, megakernel->ring,
                             state->slots_len);
        for (size_t i = 0; i < state->slots_len; i++)
            recorder_batch_take(publishes, state->slots[i]);
    }
    state->slots_len = 0;
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
    while (ascending < state->slots_len && state->slots[ascending - 1] < state->slots[ascending])
        ascending++;
    if (ascending >= state->slots_len)
        return;
    qsort(state->slots, state->slots_len, sizeof(*state->slots), compare_slots);
    size_t kept = 1;
    for (size_t i = 1; i < state->slots_len; i++)
        if (state->slots[i] != state->slots[kept - 1])
            state->slots[kept++] = state->slots[i];
    state->slots_len = kept;
}

void gpu_look_for_publishes(struct gpu_state *state, struct buffer *buffer,
                            const struct gpu_piece *pieces, size_t pieces_len,
                            struct batch *publishes)
{
    for (unsigned m = 0; m < state->megakernels_len; m++) {
        struct megakernel *megakernel = &state->megakernels[m];
        for (size_t i = 0; i < pieces_len; i++)
            look_at_piece(state, buffer, megakernel, &pieces[i]);
        if (state->slots_len == 0)
            continue;
        put_in_order(state);
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
            shadow->known[block] == ALL_WORDS)
            keys[len++] = (uint64_t)shadow->uploaded[block] << 32 | slot;
    }
    qsort(keys, len, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < len; i++) {
        shadow->settled[first + (uint32_t)keys[i]] = state->launches;
        add_slot(state, (uint32_t)keys[i]);
    }
    munmap(keys, slots * sizeof(*keys));
    struct batch publishes = {0};
    take_places(state, buffer, megakernel, &publishes);
    gpu_finish_publishes(state, ring->buffer, &publishes, true);
}

static void upload(struct gpu_state *state, struct gpu_upload *upload, struct buffer *buffer,
                   const struct gpu_piece *pieces, size_t pieces_len)
{
    state->uploads++;
    if (buffer->ring) {
        gpu_look_for_publishes(state, buffer, pieces, pieces_len, &upload->publishes);
        return;
    }
    keep_contents(state, buffer, pieces, pieces_len);
    if (buffer->argument)
        gpu_record_contents(state, buffer, pieces, pieces_len);
}

void gpu_upload_begin(struct gpu_upload *made, uintptr_t buffer, const struct gpu_piece *pieces,
                      size_t pieces_len)
{
    made->buffer = buffer;
    made->publishes = (struct batch){0};
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    struct buffer *known = gpu_find_buffer(state, buffer);
    if (known != NULL)
        upload(state, made, known, pieces, pieces_len);
    gpu_unlock(state);
    errno = saved;
}

void gpu_upload_end(struct gpu_upload *upload, bool made)
{
    if (upload->publishes.taken == 0 && made)
        return;
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    gpu_finish_publishes(state, upload->buffer, &upload->publishes, made);
    struct buffer *buffer = made ? NULL : gpu_find_buffer(state, upload->buffer);
    if (buffer != NULL && !buffer->ring)
        gpu_forget(buffer, 0, buffer->bytes);
    gpu_unlock(state);
    errno = saved;
}

void gpu_fill_begin(struct gpu_upload *upload, uintptr_t buffer, size_t offset, size_t count,
                    const void *pattern, size_t pattern_bytes)
{
    upload->buffer = buffer;
    upload->publishes = (struct batch){0};
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    const struct buffer *known = gpu_find_buffer(state, buffer);
    bool of_interest = known != NULL && (known->shadow != NULL || known->bytes <= SHADOW_SMALL);
    gpu_unlock(state);
    uint8_t *bytes = MAP_FAILED;
    if (of_interest && pattern_bytes > 0 && count > 0)
        bytes = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes != MAP_FAILED) {
        for (size_t at = 0; at + pattern_bytes <= count; at += pattern_bytes)
            memcpy(bytes + at, pattern, pattern_bytes);
        gpu_upload_begin(upload, buffer, &(struct gpu_piece){offset, bytes, count}, 1);
        munmap(bytes, count);
    }
    errno = saved;
}

/** What is copied out of a megakernel's buffer is seen when it is read back from its copy. */
static void remember_alias(struct gpu_state *state, const struct buffer *from, size_t from_offset,
                           struct buffer *to, size_t to_offset, size_t count)
{
    to->alias = (struct alias){
        .from = from->handle,
        .from_offset = from_offset,
        .offset = to_offset,
        .count = count,
        .look = recorder_look_at_epoch(),
        .uploads = state->uploads,
        .launches = state->launches,
    };
}

void gpu_copy_begin(struct gpu_upload *made, uintptr_t from, size_t from_offset, uintptr_t to,
                    size_t to_offset, size_t count)
{
    made->buffer = to;
    made->publishes = (struct batch){0};
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    struct buffer *source = gpu_find_buffer(state, from);
    struct buffer *target = gpu_find_buffer(state, to);
    if (source != NULL && target != NULL) {
        size_t known;
        const uint8_t *bytes = gpu_known_bytes(source, from_offset, count, &known);
        /* What the GPU may have written is not what is known of it. */
        if (bytes != NULL && known == count && !source->ring) {
            upload(state, made, target, &(struct gpu_piece){to_offset, bytes, count}, 1);
        } else {
            gpu_forget(target, to_offset, count);
            if (target->ring && !source->ring && !state->told_unknown_copy) {
                state->told_unknown_copy = true;
                recorder_say("vrrl: slots are copied into the ring from a buffer whose contents "
                             "are not known; their publishes are not recorded. Fix: upload the "
                             "buffer that they are copied from through OpenCL calls.\n");
            }
        }
        if (source->argument || source->ring)
            remember_alias(state, source, from_offset, target, to_offset, count);
    }
    gpu_unlock(state);
    errno = saved;
}
