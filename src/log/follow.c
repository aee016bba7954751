#include <sys/stat.h>

#include "log/reader.h"

static bool is_live(const struct vrrl_reader *reader, uint64_t place)
{
    return __atomic_load_n(&reader->records[place].magic, __ATOMIC_ACQUIRE) == LOG_RECORD_LIVE;
}

static uint64_t load_cursor(const struct vrrl_reader *reader)
{
    return atomic_load_explicit(&reader->header->cursor, memory_order_acquire) %
           reader->info.capacity;
}

/**
 * Records that the cursor has passed since the last look, by two readings of it: a writer that
 * was preempted may set it back for a moment, which looks like a long way forward.
 */
static uint64_t take_up_cursor(struct vrrl_reader *reader, uint64_t earlier)
{
    struct vrrl_info *info = &reader->info;
    uint64_t cursor = load_cursor(reader);
    uint64_t advance = (cursor + info->capacity - info->cursor) % info->capacity;
    uint64_t earlier_advance = (earlier + info->capacity - info->cursor) % info->capacity;
    if (earlier_advance < advance) {
        cursor = earlier;
        advance = earlier_advance;
    }
    if (advance > 0 && info->cursor_behind) {
        /* The record at the old cursor was read already. */
        info->cursor_behind = false;
        advance--;
    }
    if (cursor < info->cursor)
        info->wrapped = true;
    info->cursor = cursor;
    return advance;
}

/** Check the new places, and stop before one that may be in the making. */
static int check_new_places(struct vrrl_reader *reader, uint64_t first, uint64_t count,
                            uint64_t *ready)
{
    uint64_t place = first;
    for (uint64_t step = 0; step < count; step++) {
        uint32_t magic = __atomic_load_n(&reader->records[place].magic, __ATOMIC_ACQUIRE);
        if (magic != LOG_RECORD_EMPTY && magic != LOG_RECORD_LIVE)
            return VRRL_E_RECORD_MAGIC;
        if (magic == LOG_RECORD_EMPTY && place != reader->awaited) {
            reader->awaited = place;
            *ready = step;
            return 0;
        }
        place = log_next_place(place, reader->info.capacity);
    }
    *ready = count;
    return 0;
}

int vrrl_follow(struct vrrl_reader *reader, bool *overrun)
{
    uint64_t earlier = load_cursor(reader);
    struct stat status;
    if (fstat(reader->file, &status) != 0)
        return VRRL_E_IO;
    if ((uint64_t)status.st_size < reader->map_bytes || reader->whole < reader->info.capacity)
        return VRRL_E_TRUNCATED_RECORDS;
    uint64_t capacity = reader->info.capacity;
    uint64_t pending = reader->left + reader->unready + take_up_cursor(reader, earlier);
    bool lapped = pending > capacity || log_reader_was_lapped(reader);
    /* With no record to be seen changed, what is at the cursor tells: it was empty. */
    if (reader->witness_place == NO_PLACE && is_live(reader, reader->info.cursor)) {
        lapped = reader->info.cursor != reader->next;
        pending = capacity;
    }
    if (lapped) {
        log_reader_catch_up(reader);
        pending = reader->left;
    }
    uint64_t ready;
    uint64_t checked = (reader->next + reader->left) % capacity;
    int error = check_new_places(reader, checked, pending - reader->left, &ready);
    if (error != 0)
        return error;
    reader->left += ready;
    reader->unready = pending - reader->left;
    *overrun = reader->overrun;
    reader->overrun = false;
    return 0;
}
