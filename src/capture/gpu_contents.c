/*
 * What the session keeps of the buffers of a megakernel: their first contents, and how the host
 * changed them between launches.
 */
#include <string.h>

#include "capture/gpu_state.h"
#include "session/entries.h"

/** Contents of a buffer that are kept. */
#define CONTENTS_MAX (4u << 20)
/** Of what the host puts into a buffer between submits. */
#define UPLOAD_CONTENTS_MAX (64u << 10)

struct journal_entry gpu_entry_now(struct recording *recording, uint32_t type, uint32_t ring)
{
    return (struct journal_entry){.position = log_total(recording->log),
                                  .time_ns = log_now(recording->log),
                                  .type = type,
                                  .run = recording->run,
                                  .ring = ring};
}

static void write_contents(struct recording *recording, struct journal *journal, uint32_t ring,
                           uint32_t flags, const struct buffer *buffer,
                           const struct gpu_piece *piece)
{
    struct session_contents told = {.buffer = buffer->number,
                                    .buffer_bytes = buffer->bytes,
                                    .offset = piece->offset,
                                    .bytes = piece->count};
    uint8_t *at = journal_begin(journal, sizeof(told) + piece->count);
    if (at == NULL)
        return;
    memcpy(at, &told, sizeof(told));
    memcpy(at + sizeof(told), piece->bytes, piece->count);
    struct journal_entry entry = gpu_entry_now(recording, SESSION_ENTRY_CONTENTS, ring);
    entry.flags = flags;
    journal_commit(journal, &entry);
}

void gpu_record_first_contents(struct recording *recording, struct buffer *buffer, uint32_t ring)
{
    if (buffer->told)
        return;
    buffer->told = true;
    struct journal *journal = gpu_journal(recording, JOURNAL_PROGRAMS);
    for (size_t at = 0; at < buffer->bytes && at < CONTENTS_MAX;) {
        size_t known;
        const uint8_t *bytes = gpu_known_bytes(buffer, at, CONTENTS_MAX - at, &known);
        if (bytes == NULL)
            return;
        if (known > 0)
            write_contents(recording, journal, ring, 0, buffer,
                           &(struct gpu_piece){at, bytes, known});
        at = (at + known) / sizeof(uint32_t) * sizeof(uint32_t) + sizeof(uint32_t);
    }
}

/** A megakernel that the buffer is of, if any has a number. */
static const struct megakernel *megakernel_of(const struct gpu_state *state,
                                              const struct buffer *buffer)
{
    const struct megakernel *found = NULL;
    for (unsigned i = 0; i < state->megakernels_len; i++)
        for (unsigned role = 0; role < GPU_MEGAKERNEL_BUFFERS; role++)
            if (state->megakernels[i].numbered &&
                state->megakernels[i].buffers[role].buffer == buffer->handle)
                found = &state->megakernels[i];
    return found;
}

void gpu_record_contents(struct gpu_state *state, const struct buffer *buffer,
                         const struct gpu_order *order, const struct gpu_piece *pieces,
                         size_t pieces_len)
{
    struct recording *recording = recorder_opened();
    struct journal *journal = recording == NULL ? NULL : gpu_journal(recording, JOURNAL_SUBMITS);
    if (journal == NULL)
        return;
    const struct megakernel *megakernel = megakernel_of(state, buffer);
    uint32_t ring = megakernel == NULL ? SESSION_RING_UNKNOWN : megakernel->ring;
    uint32_t flags =
        megakernel != NULL && gpu_runs_beside(megakernel, order) ? JOURNAL_ENTRY_BESIDE : 0;
    for (size_t i = 0; i < pieces_len; i++)
        if (pieces[i].count <= UPLOAD_CONTENTS_MAX)
            write_contents(recording, journal, ring, flags, buffer, &pieces[i]);
        else
            gpu_record_lost(state, buffer, pieces[i].offset, pieces[i].count);
}

void gpu_record_lost(struct gpu_state *state, const struct buffer *buffer, size_t offset,
                     size_t count)
{
    struct recording *recording = recorder_opened();
    struct journal *journal = recording == NULL ? NULL : gpu_journal(recording, JOURNAL_SUBMITS);
    if (journal == NULL || !(buffer->argument || buffer->ring) || offset >= buffer->bytes)
        return;
    struct session_lost *told = journal_begin(journal, sizeof(*told));
    if (told == NULL)
        return;
    size_t left = buffer->bytes - offset;
    *told = (struct session_lost){buffer->number, offset, count < left ? count : left};
    const struct megakernel *megakernel = megakernel_of(state, buffer);
    struct journal_entry entry =
        gpu_entry_now(recording, SESSION_ENTRY_LOST,
                      megakernel == NULL ? SESSION_RING_UNKNOWN : megakernel->ring);
    journal_commit(journal, &entry);
}

/** Slots of a ring that are told of. */
struct told_slots {
    const struct shadow *shadow;
    /** Block of slot 0. */
    size_t first_block;
    size_t begin;
    size_t end;
    /** Only those that this upload touched; 0: all that are known. */
    uint32_t upload;
};

static uint32_t told_status(const struct told_slots *slots, size_t slot)
{
    const struct shadow *shadow = slots->shadow;
    size_t block = slots->first_block + slot;
    bool touched = slots->upload == 0 ||
                   shadow->page_uploaded[block / SHADOW_PAGE] == slots->upload ||
                   shadow->uploaded[block] == slots->upload;
    uint32_t status;
    memcpy(&status, shadow->bytes + block * SHADOW_BLOCK, sizeof(status));
    bool known = (shadow->known[block] & 1u) != 0 && status <= VYRE_STATUS_FAULT;
    return touched && known ? status : SESSION_STATUS_UNTOLD;
}

/** Collect runs of slots with one status, as the session has them. */
static void collect_runs(struct gpu_state *state, const struct told_slots *slots)
{
    size_t begin = slots->begin;
    uint32_t status = begin < slots->end ? told_status(slots, begin) : 0;
    for (size_t slot = begin + 1; slot <= slots->end; slot++) {
        uint32_t next = slot < slots->end ? told_status(slots, slot) : UINT32_MAX;
        if (next == status)
            continue;
        gpu_collect(state, (uint32_t)(slot - begin) << 4 | status);
        begin = slot;
        status = next;
    }
}

static void write_upload(struct gpu_state *state, struct recording *recording,
                         const struct told_slots *slots, uint32_t ring, uint32_t flags,
                         uint64_t position)
{
    struct journal *journal = gpu_journal(recording, JOURNAL_SUBMITS);
    if (journal == NULL)
        return;
    collect_runs(state, slots);
    struct session_upload told = {(uint32_t)slots->begin, (uint32_t)state->collected_len};
    size_t runs_bytes = state->collected_len * sizeof(*state->collected);
    uint8_t *at = told.runs == 0 ? NULL : journal_begin(journal, sizeof(told) + runs_bytes);
    state->collected_len = 0;
    if (at == NULL)
        return;
    memcpy(at, &told, sizeof(told));
    memcpy(at + sizeof(told), state->collected, runs_bytes);
    struct journal_entry entry = gpu_entry_now(recording, SESSION_ENTRY_UPLOAD, ring);
    entry.position = position;
    entry.flags = flags;
    journal_commit(journal, &entry);
}

void gpu_record_upload(struct gpu_state *state, const struct gpu_upload *upload)
{
    struct recording *recording = recorder_opened();
    const struct buffer *buffer = gpu_find_buffer(state, upload->buffer);
    if (upload->number == 0 || recording == NULL || buffer == NULL || buffer->shadow == NULL)
        return;
    size_t upload_end = upload->offset + upload->count;
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        const struct megakernel *megakernel = &state->megakernels[i];
        const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
        if (!megakernel->told ||
            !range_overlaps(ring, upload->buffer, upload->offset, upload->count))
            continue;
        size_t begin = upload->offset > ring->offset ? upload->offset - ring->offset : 0;
        size_t ring_end = ring->offset + ring->bytes;
        size_t end = (upload_end < ring_end ? upload_end : ring_end) - ring->offset;
        struct told_slots slots = {.shadow = buffer->shadow,
                                   .first_block = ring->offset / SHADOW_BLOCK,
                                   .begin = begin / VYRE_SLOT_BYTES,
                                   .end = (end + VYRE_SLOT_BYTES - 1) / VYRE_SLOT_BYTES,
                                   .upload = upload->number};
        write_upload(state, recording, &slots, megakernel->ring,
                     upload->beside ? JOURNAL_ENTRY_BESIDE : 0, upload->position);
    }
}

void gpu_record_ring(struct gpu_state *state, struct recording *recording,
                     struct megakernel *megakernel)
{
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    const struct buffer *buffer = gpu_find_buffer(state, ring->buffer);
    if (megakernel->told || buffer->shadow == NULL)
        return;
    megakernel->told = true;
    struct told_slots slots = {.shadow = buffer->shadow,
                               .first_block = ring->offset / SHADOW_BLOCK,
                               .end = ring->bytes / VYRE_SLOT_BYTES};
    write_upload(state, recording, &slots, megakernel->ring, 0, log_total(recording->log));
}
