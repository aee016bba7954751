/*
 * What the buffers of a timeline held at first, and what came into them later.
 */
#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

uint32_t timeline_buffer_of(const struct timeline *timeline, uint64_t number)
{
    for (uint32_t i = 0; i < timeline->buffers_len; i++)
        if (timeline->buffers[i].number == number)
            return i;
    return TIMELINE_NONE;
}

static bool add_piece(struct timeline *timeline, uint32_t buffer, uint64_t from, uint64_t to,
                      const struct session_contents_view *contents, uint64_t position)
{
    if (from >= to)
        return true;
    const uint8_t *bytes = contents->contents;
    struct timeline_contents piece = {.to = {buffer, from, to - from},
                                      .bytes = bytes + (from - contents->head.offset)};
    return timeline_append_32(&timeline->contents, &timeline->contents_len, sizeof(piece),
                              &piece) &&
           timeline_add_event(timeline, TIMELINE_CONTENTS, timeline->contents_len - 1, position);
}

bool timeline_add_contents(struct timeline *timeline, const struct session_contents_view *contents,
                           uint64_t position)
{
    const struct timeline_range *ring = &timeline->roles[VYRE_KERNEL_ARG_RING];
    uint32_t buffer = timeline_buffer_of(timeline, contents->head.buffer);
    uint64_t from = contents->head.offset;
    uint64_t to = from + contents->head.bytes;
    if (buffer == TIMELINE_NONE)
        return true;
    if (to > timeline->buffers[buffer].bytes)
        to = timeline->buffers[buffer].bytes;
    if (ring->buffer != buffer)
        return add_piece(timeline, buffer, from, to, contents, position);
    uint64_t ring_end = ring->offset + ring->bytes;
    return add_piece(timeline, buffer, from, to < ring->offset ? to : ring->offset, contents,
                     position) &&
           add_piece(timeline, buffer, from > ring_end ? from : ring_end, to, contents, position);
}

static void count_unknown(struct timeline *timeline)
{
    const struct timeline_range *ring = &timeline->roles[VYRE_KERNEL_ARG_RING];
    for (uint32_t i = 0; i < timeline->buffers_len; i++) {
        struct timeline_buffer *buffer = &timeline->buffers[i];
        uint64_t known = ring->buffer == i ? ring->bytes : 0;
        for (uint32_t j = 0; j < timeline->contents_len; j++)
            if (timeline->contents[j].to.buffer == i)
                known += timeline->contents[j].to.bytes;
        buffer->unknown_bytes = known < buffer->bytes ? buffer->bytes - known : 0;
        timeline->gaps.unknown_bytes += buffer->unknown_bytes;
    }
}

bool timeline_read_first_contents(struct timeline *timeline, const struct raw_journals *journals,
                                  struct replay_error *error)
{
    const struct raw_journal *programs = &journals->of[JOURNAL_PROGRAMS];
    for (size_t i = 0; i < programs->len; i++) {
        const struct raw_entry *entry = &programs->entries[i];
        struct session_contents_view contents;
        if (entry->head.type != SESSION_ENTRY_CONTENTS)
            continue;
        if (!session_contents_read(entry->payload, entry->head.bytes, &contents))
            return raw_entry_wrong(journals, JOURNAL_PROGRAMS, entry, "is no contents", error);
        uint32_t buffer = timeline_buffer_of(timeline, contents.head.buffer);
        if (buffer == TIMELINE_NONE)
            continue;
        if (contents.head.buffer_bytes < timeline->buffers[buffer].bytes)
            return raw_entry_wrong(journals, JOURNAL_PROGRAMS, entry,
                                   "is of a smaller buffer than was launched", error);
        timeline->buffers[buffer].bytes = contents.head.buffer_bytes;
        if (!timeline_add_contents(timeline, &contents, 0))
            return replay_fail_memory(error);
    }
    count_unknown(timeline);
    return true;
}
