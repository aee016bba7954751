/*
 * Bytes that go up, are filled in and copied: what buffers hold by them.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/gpu_state.h"
#include "vyre/opcode.h"

/** The statuses are 0 … 7, the priorities 0 … 4. */
#define STATUS_MAX VYRE_STATUS_FAULT
#define PRIORITY_MAX VYRE_PRIORITY_IDLE
/** No ring is larger: as many slots as the largest log has records. */
#define RING_BYTES_MAX ((size_t)VRRL_CAPACITY_MAX * VYRE_SLOT_BYTES)

bool gpu_is_slot(const uint32_t *words)
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
            if (!gpu_is_slot(words))
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
        gpu_merge(shadow, at / SHADOW_BLOCK, from, bytes + (at - piece->offset), count, upload);
        at += count;
    }
}

/** What a buffer holds that is no ring, or not known to be one. */
static void keep_contents(struct gpu_state *state, struct buffer *buffer,
                          const struct gpu_piece *pieces, size_t pieces_len)
{
    buffer->alias.count = 0;
    /* Who came late looks for rings without a launch, into which a slot may go in parts. */
    bool late = recorder_is_late() && pieces_len == 1 && pieces[0].count < SHADOW_BLOCK;
    bool kept = buffer->shadow != NULL || buffer->bytes <= SHADOW_SMALL ||
                (buffer->bytes <= RING_BYTES_MAX && late) ||
                (buffer->bytes <= RING_BYTES_MAX &&
                 (looks_like_slots(pieces, pieces_len) || looks_like_control(pieces, pieces_len)));
    if (!kept || !gpu_make_shadow(state, buffer))
        return;
    for (size_t i = 0; i < pieces_len; i++)
        merge_piece(buffer->shadow, buffer->bytes, &pieces[i], state->uploads);
}

void gpu_know_contents(struct gpu_state *state, struct buffer *buffer,
                       const struct gpu_piece *piece)
{
    if (gpu_make_shadow(state, buffer))
        merge_piece(buffer->shadow, buffer->bytes, piece, state->uploads);
}

/** For gpu_record_upload(), once the call was made. */
static void note_range(const struct gpu_state *state, struct gpu_upload *upload,
                       const struct gpu_piece *pieces, size_t pieces_len)
{
    const struct recording *recording = recorder_opened();
    if (recording == NULL || pieces_len == 0)
        return;
    size_t begin = SIZE_MAX;
    size_t end = 0;
    for (size_t i = 0; i < pieces_len; i++) {
        size_t piece_end = pieces[i].offset + pieces[i].count;
        begin = pieces[i].offset < begin ? pieces[i].offset : begin;
        end = piece_end > end ? piece_end : end;
    }
    upload->number = state->uploads;
    upload->offset = begin;
    upload->count = end - begin;
    upload->position = log_total(recording->log);
}

void gpu_upload_to_ring(struct gpu_state *state, struct gpu_upload *upload, struct buffer *buffer,
                        const struct gpu_order *order, const struct gpu_piece *pieces,
                        size_t pieces_len)
{
    *upload = (struct gpu_upload){.buffer = buffer->handle};
    state->uploads++;
    struct recording *recording = recorder_opened();
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        struct megakernel *megakernel = &state->megakernels[i];
        if (megakernel->buffers[VYRE_KERNEL_ARG_RING].buffer != buffer->handle ||
            !gpu_runs_beside(megakernel, order))
            continue;
        upload->beside = true;
        if (recording != NULL && megakernel->told)
            gpu_keep_submit(recording, megakernel);
    }
    gpu_look_for_publishes(state, buffer, order, pieces, pieces_len, &upload->publishes);
    note_range(state, upload, pieces, pieces_len);
}

static void upload(struct gpu_state *state, struct gpu_upload *upload, struct buffer *buffer,
                   const struct gpu_order *order, const struct gpu_piece *pieces, size_t pieces_len)
{
    if (buffer->ring) {
        gpu_upload_to_ring(state, upload, buffer, order, pieces, pieces_len);
        return;
    }
    state->uploads++;
    keep_contents(state, buffer, pieces, pieces_len);
    gpu_saw_upload(state, buffer, pieces, pieces_len);
    gpu_count_from(state, buffer, pieces, pieces_len);
    if (buffer->argument)
        gpu_record_contents(state, buffer, order, pieces, pieces_len);
}

void gpu_upload_begin(struct gpu_upload *made, uintptr_t buffer, const struct gpu_order *order,
                      const struct gpu_piece *pieces, size_t pieces_len)
{
    *made = (struct gpu_upload){.buffer = buffer};
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    struct buffer *known = gpu_find_buffer(state, buffer);
    if (known != NULL)
        upload(state, made, known, order, pieces, pieces_len);
    gpu_unlock(state);
    errno = saved;
}

void gpu_upload_end(struct gpu_upload *upload, bool made)
{
    if (upload->publishes.taken == 0 && upload->number == 0 && made)
        return;
    int saved = errno;
    struct gpu_state *state = gpu_lock_begun();
    if (state == NULL)
        return;
    gpu_finish_publishes(state, upload->buffer, &upload->publishes, made);
    if (!made)
        gpu_count_lost(state, upload->buffer);
    if (made)
        gpu_record_upload(state, upload);
    struct buffer *buffer = made ? NULL : gpu_find_buffer(state, upload->buffer);
    if (buffer != NULL && !buffer->ring) {
        gpu_forget(buffer, 0, buffer->bytes);
        gpu_record_lost(state, buffer, 0, buffer->bytes);
    }
    gpu_unlock(state);
    errno = saved;
}

void gpu_fill_begin(struct gpu_upload *upload, uintptr_t buffer, const struct gpu_order *order,
                    size_t offset, size_t count, const void *pattern, size_t pattern_bytes)
{
    *upload = (struct gpu_upload){.buffer = buffer};
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
        gpu_upload_begin(upload, buffer, order, &(struct gpu_piece){offset, bytes, count}, 1);
        munmap(bytes, count);
    }
    errno = saved;
}

/** What is copied out of a megakernel's buffer is seen when it is read back from its copy. */
static void remember_alias(struct gpu_state *state, const struct gpu_order *order,
                           const struct buffer *from, size_t from_offset, struct buffer *to,
                           size_t to_offset, size_t count)
{
    to->alias = (struct alias){
        .from = from->handle,
        .from_offset = from_offset,
        .offset = to_offset,
        .count = count,
        .look = recorder_look_at_epoch(),
        .uploads = state->uploads,
        .launches = state->launches,
        .order = *order,
        .beside = gpu_reads_beside(state, from->handle, from_offset, count, order),
    };
}

void gpu_copy_begin(struct gpu_upload *made, const struct gpu_order *order, uintptr_t from,
                    size_t from_offset, uintptr_t to, size_t to_offset, size_t count)
{
    *made = (struct gpu_upload){.buffer = to};
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
            upload(state, made, target, order, &(struct gpu_piece){to_offset, bytes, count}, 1);
        } else {
            gpu_forget(target, to_offset, count);
            gpu_record_lost(state, target, to_offset, count);
            if (target->ring && !source->ring && !state->told_unknown_copy) {
                state->told_unknown_copy = true;
                recorder_say("vrrl: slots are copied into the ring from a buffer whose contents "
                             "are not known; their publishes are not recorded. Fix: upload the "
                             "buffer that they are copied from through OpenCL calls.\n");
            }
        }
        if (source->argument || source->ring)
            remember_alias(state, order, source, from_offset, target, to_offset, count);
    }
    gpu_unlock(state);
    errno = saved;
}
