#include "replay/trace.h"

#include <stdlib.h>
#include <string.h>

/** FNV-1a over whole words. */
#define DIGEST_BEGIN UINT64_C(0xcbf29ce484222325)
#define DIGEST_PRIME UINT64_C(0x100000001b3)

static void digest(struct trace *trace, uint64_t number)
{
    for (unsigned byte = 0; byte < 8; byte++) {
        trace->digest ^= number >> (8 * byte) & 0xFF;
        trace->digest *= DIGEST_PRIME;
    }
}

static size_t slots_begin(const struct timeline *timeline)
{
    return timeline->control_words;
}

static size_t debug_log_begin(const struct timeline *timeline)
{
    return slots_begin(timeline) + timeline->ring_slots;
}

bool trace_init(struct trace *trace, const struct timeline *timeline, bool kept,
                struct replay_error *error)
{
    memset(trace, 0, sizeof(*trace));
    trace->timeline = timeline;
    trace->kept = kept;
    trace->digest = DIGEST_BEGIN;
    trace->words = calloc(debug_log_begin(timeline) + VYRE_DEBUG_LOG_WORDS, sizeof(*trace->words));
    return trace->words != NULL || replay_fail_memory(error);
}

/** Make room for one more.  \return false when memory could not be had */
static bool grow(void **list, size_t len, size_t *room, size_t size, struct replay_error *error)
{
    if (len < *room)
        return true;
    size_t larger = *room > 0 ? *room * 2 : 256;
    void *moved = reallocarray(*list, larger, size);
    if (moved == NULL)
        return replay_fail_memory(error);
    *list = moved;
    *room = larger;
    return true;
}

static bool note(struct trace *trace, size_t place, uint32_t value, bool digested,
                 struct replay_error *error)
{
    if (trace->words[place] == value)
        return true;
    trace->words[place] = value;
    if (digested)
        digest(trace, (uint64_t)place << 32 | value);
    if (!trace->kept)
        return true;
    if (trace->changes_len == TRACE_CHANGES_MAX)
        return replay_fail(error, "what the first run made is too much to keep. Fix: replay a "
                                  "shorter log, or compare with something else, see --against.");
    if (!grow((void **)&trace->changes, trace->changes_len, &trace->changes_room,
              sizeof(*trace->changes), error))
        return false;
    trace->changes[trace->changes_len++] =
        (struct trace_change){.place = (uint32_t)place, .value = value};
    return true;
}

static bool look_at_debug_log(struct trace *trace, const uint32_t *log, struct replay_error *error)
{
    size_t begin = debug_log_begin(trace->timeline);
    uint32_t canonical[VYRE_DEBUG_LOG_WORDS];
    if (memcmp(trace->words + begin, log, sizeof(canonical)) == 0)
        return true;
    debug_log_without_order(log, canonical);
    for (size_t i = 0; i < VYRE_DEBUG_LOG_WORDS; i++) {
        digest(trace, canonical[i]);
        if (!note(trace, begin + i, log[i], false, error))
            return false;
    }
    return true;
}

bool trace_look(struct trace *trace, const struct comparison *comparison,
                const struct backend_view *view, struct replay_error *error)
{
    const struct timeline *timeline = trace->timeline;
    const struct recorded_slot *slots = timeline->excerpt.slots;
    digest(trace, trace->looks_len);
    for (uint32_t word = 0; word < timeline->control_words; word++) {
        if (!note(trace, word, view->control[word], true, error))
            return false;
    }
    for (size_t i = 0; i < comparison->flying_len; i++) {
        uint32_t slot = slots[comparison->flying[i]].slot_idx;
        uint32_t status = backend_status(view, slot);
        if (!note(trace, slots_begin(timeline) + slot, status, true, error))
            return false;
    }
    if (view->debug_log != NULL && !look_at_debug_log(trace, view->debug_log, error))
        return false;
    if (!grow((void **)&trace->looks, trace->looks_len, &trace->looks_room, sizeof(*trace->looks),
              error))
        return false;
    trace->looks[trace->looks_len++] = trace->changes_len;
    return true;
}

void trace_free(struct trace *trace)
{
    free(trace->changes);
    free(trace->looks);
    free(trace->words);
    memset(trace, 0, sizeof(*trace));
}

bool trace_reader_init(struct trace_reader *reader, const struct trace *trace,
                       struct replay_error *error)
{
    const struct timeline *timeline = trace->timeline;
    memset(reader, 0, sizeof(*reader));
    reader->trace = trace;
    reader->control = calloc(timeline->control_words, sizeof(*reader->control));
    reader->statuses = calloc(timeline->ring_slots, sizeof(*reader->statuses));
    reader->debug_log = calloc(VYRE_DEBUG_LOG_WORDS, sizeof(*reader->debug_log));
    reader->view = (struct backend_view){.control = reader->control,
                                         .statuses = reader->statuses,
                                         .status_stride = 1,
                                         .debug_log = reader->debug_log};
    if (reader->control != NULL && reader->statuses != NULL && reader->debug_log != NULL)
        return true;
    trace_reader_free(reader);
    return replay_fail_memory(error);
}

static uint32_t *word_at(struct trace_reader *reader, size_t place)
{
    const struct timeline *timeline = reader->trace->timeline;
    if (place < slots_begin(timeline))
        return &reader->control[place];
    if (place < debug_log_begin(timeline))
        return &reader->statuses[place - slots_begin(timeline)];
    return &reader->debug_log[place - debug_log_begin(timeline)];
}

void trace_reader_next(struct trace_reader *reader)
{
    const struct trace *trace = reader->trace;
    if (reader->look == trace->looks_len)
        return;
    for (size_t i = reader->look > 0 ? trace->looks[reader->look - 1] : 0;
         i < trace->looks[reader->look]; i++)
        *word_at(reader, trace->changes[i].place) = trace->changes[i].value;
    reader->look++;
}

void trace_reader_free(struct trace_reader *reader)
{
    free(reader->control);
    free(reader->statuses);
    free(reader->debug_log);
    memset(reader, 0, sizeof(*reader));
}
