/*
 * Bytes that come back: the epoch that the host has seen, what became of the slots, and the
 * session's observations.
 */
#include <errno.h>
#include <string.h>

#include "capture/gpu_state.h"
#include "session/entries.h"

/** Bytes of one observation that are kept. */
#define OBSERVED_MAX (1u << 20)

static bool has_bytes(const struct megakernel *megakernel, uintptr_t buffer, size_t offset,
                      size_t count)
{
    for (unsigned role = 0; role < GPU_MEGAKERNEL_BUFFERS; role++)
        if (range_overlaps(&megakernel->buffers[role], buffer, offset, count))
            return true;
    return false;
}

static bool concerns_megakernel(const struct gpu_state *state, uintptr_t buffer, size_t offset,
                                size_t count)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (has_bytes(&state->megakernels[i], buffer, offset, count))
            return true;
    return false;
}

bool gpu_reads_beside(const struct gpu_state *state, uintptr_t buffer, size_t offset, size_t count,
                      const struct gpu_order *order)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (has_bytes(&state->megakernels[i], buffer, offset, count) &&
            gpu_runs_beside(&state->megakernels[i], order))
            return true;
    return false;
}

bool gpu_readback_begin(struct gpu_readback *readback, uintptr_t buffer,
                        const struct gpu_order *order, size_t offset, size_t count)
{
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return false;
    const struct buffer *known = gpu_find_buffer(state, buffer);
    bool wanted = known != NULL &&
                  (known->alias.count > 0 || concerns_megakernel(state, buffer, offset, count) ||
                   gpu_may_be_control(known, offset, count));
    *readback = (struct gpu_readback){
        .buffer = buffer,
        .offset = offset,
        .count = count,
        .uploads = state->uploads,
        .launches = state->launches,
        .order = *order,
        .beside = wanted && gpu_reads_beside(state, buffer, offset, count, order)};
    gpu_unlock(state);
    if (wanted)
        readback->look = recorder_look_at_epoch();
    errno = saved;
    return wanted;
}

/** Slots of a ring, as a read-back shows them. */
struct slots_seen {
    uint64_t statuses[8];
    uint64_t unseen;
};

/** Take over what a read-back shows of one slot, unless an upload touched it since. */
static void see_slot(struct shadow *shadow, size_t block, const uint8_t *bytes,
                     const struct gpu_readback *readback, struct slots_seen *seen)
{
    uint32_t words[VYRE_SLOT_WORDS];
    memcpy(words, bytes, sizeof(words));
    uint32_t status = words[VYRE_SLOT_STATUS];
    if (status < 8)
        seen->statuses[status]++;
    uint32_t touched = shadow->uploaded[block];
    uint32_t page_touched = shadow->page_uploaded[block / SHADOW_PAGE];
    if (touched > readback->uploads || page_touched > readback->uploads)
        return;
    const uint32_t *known = (const uint32_t *)(const void *)(shadow->bytes + block * SHADOW_BLOCK);
    bool is_known = shadow->known[block] == UINT16_MAX;
    /* It ran, and nobody saw it being published. */
    if (status == VYRE_STATUS_DONE && is_known &&
        (known[VYRE_SLOT_STATUS] == VYRE_STATUS_EMPTY ||
         memcmp(&known[1], &words[1], sizeof(words) - sizeof(words[0])) != 0))
        seen->unseen++;
    memcpy(shadow->bytes + block * SHADOW_BLOCK, words, sizeof(words));
    shadow->known[block] = UINT16_MAX;
    uint64_t bit = UINT64_C(1) << block % SHADOW_PAGE;
    if (status == VYRE_STATUS_PUBLISHED) {
        shadow->published[block / SHADOW_PAGE] |= bit;
        if (readback->launches > shadow->settled[block])
            shadow->settled[block] = readback->launches;
        shadow->shown[block] = readback->uploads;
    } else {
        shadow->published[block / SHADOW_PAGE] &= ~bit;
    }
}

/** Launches of a megakernel that were enqueued before a read-back began. */
static uint64_t launches_before(const struct megakernel *megakernel,
                                const struct gpu_readback *readback)
{
    uint64_t launches = megakernel->launches;
    uint64_t remembered = launches < LAUNCHES_REMEMBERED ? launches : LAUNCHES_REMEMBERED;
    for (uint64_t i = 0; i < remembered; i++, launches--)
        if (megakernel->last_launches[launches % LAUNCHES_REMEMBERED].number <= readback->launches)
            break;
    return launches;
}

/** Whether it is what was told last, as of a host that asks again and again how far a launch is.
 *  \param hash  of what it shows */
static bool is_told(const struct gpu_state *state, struct megakernel *megakernel, unsigned role,
                    const struct gpu_readback *readback, size_t offset, size_t count, uint64_t hash)
{
    struct told_observation *last = &megakernel->told_last[role];
    const struct told_observation told = {.offset = offset,
                                          .count = count,
                                          .launches = launches_before(megakernel, readback),
                                          .uploads = state->uploads,
                                          .hash = hash};
    bool same = readback->beside && last->offset == told.offset && last->count == told.count &&
                last->launches == told.launches && last->uploads == told.uploads &&
                last->hash == told.hash;
    *last = told;
    return same;
}

static uint64_t hash_bytes(const uint8_t *bytes, size_t count)
{
    uint64_t hash = count;
    uint64_t word = 0;
    for (size_t at = 0; at < count; at += sizeof(word)) {
        memcpy(&word, bytes + at, count - at < sizeof(word) ? count - at : sizeof(word));
        hash = gpu_mix(hash, word);
    }
    return hash;
}

/** Append an observation.  \return where its \a bytes go; NULL when it is not kept */
static uint8_t *begin_observation(const struct megakernel *megakernel,
                                  const struct gpu_readback *readback, enum session_observed what,
                                  size_t offset, size_t count, size_t bytes,
                                  const struct slots_seen *seen)
{
    struct recording *recording = recorder_opened();
    struct journal *journal =
        recording == NULL ? NULL : gpu_journal(recording, JOURNAL_OBSERVATIONS);
    struct session_observation *told = journal == NULL || !megakernel->numbered
                                           ? NULL
                                           : journal_begin(journal, sizeof(*told) + bytes);
    if (told == NULL)
        return NULL;
    uint64_t launches = launches_before(megakernel, readback);
    uint64_t completed = launches;
    if (readback->beside && launches > 0)
        completed = megakernel->completed < launches ? megakernel->completed : launches - 1;
    *told = (struct session_observation){.what = (uint32_t)what,
                                         .offset = offset,
                                         .count = count,
                                         .launches = launches,
                                         .completed = completed,
                                         .unseen = seen->unseen};
    memcpy(told->statuses, seen->statuses, sizeof(told->statuses));
    return (uint8_t *)(told + 1);
}

static void end_observation(const struct megakernel *megakernel)
{
    struct recording *recording = recorder_opened();
    struct journal_entry entry = {.position = log_total(recording->log),
                                  .time_ns = log_now(recording->log),
                                  .type = SESSION_ENTRY_OBSERVATION,
                                  .run = recording->run,
                                  .ring = megakernel->ring};
    journal_commit(&recording->journals[JOURNAL_OBSERVATIONS], &entry);
}

static void see_ring(struct gpu_state *state, struct megakernel *megakernel, size_t offset,
                     const uint8_t *bytes, size_t count, const struct gpu_readback *readback)
{
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    struct shadow *shadow = gpu_find_buffer(state, ring->buffer)->shadow;
    size_t first = (offset + VYRE_SLOT_BYTES - 1) / VYRE_SLOT_BYTES;
    size_t end = (offset + count) / VYRE_SLOT_BYTES;
    if (first >= end)
        return;
    struct slots_seen seen = {0};
    for (size_t slot = first; slot < end; slot++)
        see_slot(shadow, ring->offset / SHADOW_BLOCK + slot,
                 bytes + (slot * VYRE_SLOT_BYTES - offset), readback, &seen);
    uint64_t hash = 0;
    for (size_t slot = first; slot < end && readback->beside; slot++)
        hash =
            gpu_mix(hash, hash_bytes(bytes + (slot * VYRE_SLOT_BYTES - offset), sizeof(uint32_t)));
    if (is_told(state, megakernel, VYRE_KERNEL_ARG_RING, readback, first, end, hash))
        return;
    size_t map_bytes = seen.statuses[VYRE_STATUS_PUBLISHED] == 0 ? 0 : (end - first + 7) / 8;
    uint8_t *map =
        begin_observation(megakernel, readback, SESSION_OBSERVED_RING, first * VYRE_SLOT_BYTES,
                          (end - first) * VYRE_SLOT_BYTES, map_bytes, &seen);
    if (map == NULL)
        return;
    memset(map, 0, map_bytes);
    for (size_t slot = first; slot < end && map_bytes > 0; slot++) {
        uint32_t status;
        memcpy(&status, bytes + (slot * VYRE_SLOT_BYTES - offset), sizeof(status));
        if (status == VYRE_STATUS_PUBLISHED)
            map[(slot - first) / 8] |= (uint8_t)(1u << (slot - first) % 8);
    }
    end_observation(megakernel);
}

static void see_bytes(const struct gpu_state *state, struct megakernel *megakernel, unsigned role,
                      const struct gpu_readback *readback, enum session_observed what,
                      size_t offset, const uint8_t *bytes, size_t count)
{
    count = count < OBSERVED_MAX ? count : OBSERVED_MAX;
    if (is_told(state, megakernel, role, readback, offset, count,
                readback->beside ? hash_bytes(bytes, count) : 0))
        return;
    uint8_t *kept = begin_observation(megakernel, readback, what, offset, count, count,
                                      &(struct slots_seen){0});
    if (kept == NULL)
        return;
    memcpy(kept, bytes, count);
    end_observation(megakernel);
}

static void saw_epoch(struct recording *recording, const struct megakernel *megakernel)
{
    recorder_saw_epoch_of(recording, megakernel->ring, megakernel->look, megakernel->epoch);
    for (unsigned i = 0; i < megakernel->joined_len; i++)
        recorder_saw_epoch_of(recording, megakernel->joined[i], megakernel->look,
                              megakernel->epoch);
}

static void see_epoch(struct gpu_state *state, const struct range *control, size_t offset,
                      const uint8_t *bytes, size_t count, uint32_t look)
{
    const size_t at = VYRE_CONTROL_EPOCH * sizeof(uint32_t);
    uint32_t epoch;
    if (offset > at || count < sizeof(epoch) || at - offset > count - sizeof(epoch))
        return;
    memcpy(&epoch, bytes + (at - offset), sizeof(epoch));
    /* Several rings may have one control buffer. */
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        struct megakernel *megakernel = &state->megakernels[i];
        if (megakernel->buffers[VYRE_KERNEL_ARG_CONTROL].buffer != control->buffer ||
            megakernel->buffers[VYRE_KERNEL_ARG_CONTROL].offset != control->offset ||
            (int32_t)(look - megakernel->look) <= 0)
            continue;
        megakernel->look = look;
        megakernel->epoch = epoch;
        struct recording *recording = recorder_opened();
        if (recording != NULL && megakernel->numbered)
            saw_epoch(recording, megakernel);
        if (!megakernel->published)
            /* Rings that publishes by symbol go into are the host's: which of them is this one is
             * not known before it was uploaded. */
            recorder_saw_epoch(look, epoch);
    }
}

/** The megakernel that the bytes are of: of several with one buffer, the last that was launched. */
static struct megakernel *megakernel_of(struct gpu_state *state, unsigned role, uintptr_t buffer,
                                        size_t offset, size_t count)
{
    struct megakernel *found = NULL;
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        struct megakernel *one = &state->megakernels[i];
        if (range_overlaps(&one->buffers[role], buffer, offset, count) &&
            (found == NULL || one->last_launch > found->last_launch))
            found = one;
    }
    return found;
}

static void see_role(struct gpu_state *state, unsigned role, const struct gpu_piece *piece,
                     const struct gpu_readback *readback)
{
    struct megakernel *megakernel =
        megakernel_of(state, role, readback->buffer, piece->offset, piece->count);
    if (megakernel == NULL)
        return;
    const struct range *range = &megakernel->buffers[role];
    if (role == VYRE_KERNEL_ARG_CONTROL)
        gpu_count_seen(megakernel, readback->buffer, piece);
    size_t begin = piece->offset > range->offset ? piece->offset : range->offset;
    size_t piece_end = piece->offset + piece->count;
    size_t range_end = range->offset + range->bytes;
    size_t count = (piece_end < range_end ? piece_end : range_end) - begin;
    const uint8_t *bytes = (const uint8_t *)piece->bytes + (begin - piece->offset);
    size_t offset = begin - range->offset;
    switch (role) {
    case VYRE_KERNEL_ARG_CONTROL:
        see_epoch(state, range, offset, bytes, count, readback->look);
        see_bytes(state, megakernel, role, readback, SESSION_OBSERVED_CONTROL, offset, bytes,
                  count);
        break;
    case VYRE_KERNEL_ARG_RING:
        see_ring(state, megakernel, offset, bytes, count, readback);
        break;
    case VYRE_KERNEL_ARG_DEBUG_LOG:
        see_bytes(state, megakernel, role, readback, SESSION_OBSERVED_DEBUG_LOG, offset, bytes,
                  count);
        break;
    default:
        see_bytes(state, megakernel, role, readback, SESSION_OBSERVED_IO_QUEUE, offset, bytes,
                  count);
        break;
    }
}

static void see(struct gpu_state *state, const struct gpu_readback *readback,
                const struct gpu_piece *piece)
{
    for (unsigned role = 0; role < GPU_MEGAKERNEL_BUFFERS; role++)
        see_role(state, role, piece, readback);
}

/** The same for what was copied here from a megakernel's buffer. */
static void see_alias(struct gpu_state *state, const struct gpu_readback *readback,
                      const struct gpu_piece *piece)
{
    const struct buffer *buffer = gpu_find_buffer(state, readback->buffer);
    if (buffer == NULL || buffer->alias.count == 0)
        return;
    const struct alias *alias = &buffer->alias;
    size_t begin = piece->offset > alias->offset ? piece->offset : alias->offset;
    size_t end = piece->offset + piece->count;
    if (end > alias->offset + alias->count)
        end = alias->offset + alias->count;
    if (begin >= end)
        return;
    struct gpu_readback original = {.buffer = alias->from,
                                    .look = alias->look,
                                    .uploads = alias->uploads,
                                    .launches = alias->launches,
                                    .order = alias->order,
                                    .beside = alias->beside};
    struct gpu_piece there = {.offset = alias->from_offset + (begin - alias->offset),
                              .bytes = (const uint8_t *)piece->bytes + (begin - piece->offset),
                              .count = end - begin};
    gpu_complete(state, &original.order);
    see(state, &original, &there);
}

void gpu_readback_end(const struct gpu_readback *readback, const struct gpu_piece *pieces,
                      size_t pieces_len)
{
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    gpu_complete(state, &readback->order);
    for (size_t i = 0; i < pieces_len; i++) {
        if (pieces[i].bytes == NULL || pieces[i].count == 0)
            continue;
        gpu_saw_readback(state, readback->buffer, &pieces[i]);
        see(state, readback, &pieces[i]);
        see_alias(state, readback, &pieces[i]);
    }
    gpu_unlock(state);
    errno = saved;
}
