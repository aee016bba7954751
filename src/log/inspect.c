#include "log/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int log_open_file(const char *path, int flags, uint64_t *bytes)
{
    int file = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT   ? VRRL_E_NOT_FOUND
               : errno == EISDIR ? VRRL_E_NOT_REGULAR
                                 : VRRL_E_IO;
    struct stat status;
    int error = 0;
    if (fstat(file, &status) != 0)
        error = VRRL_E_IO;
    else if (!S_ISREG(status.st_mode))
        error = VRRL_E_NOT_REGULAR;
    if (error != 0) {
        close(file);
        return error;
    }
    *bytes = (uint64_t)status.st_size;
    return file;
}

int log_check_header(const struct log_header *header, uint64_t file_bytes)
{
    if (file_bytes < LOG_HEADER_BYTES)
        return VRRL_E_TRUNCATED_HEADER;
    if (memcmp(header->magic, LOG_MAGIC, sizeof(header->magic)) != 0)
        return VRRL_E_MAGIC;
    if (header->version != LOG_VERSION)
        return VRRL_E_VERSION;
    if (header->capacity == 0)
        return VRRL_E_CAPACITY_ZERO;
    if (header->capacity > VRRL_CAPACITY_MAX)
        return VRRL_E_CAPACITY_OVER;
    return 0;
}

/** The records of a log, of which the file may have lost the last. */
struct places {
    const struct log_record *records;
    uint64_t whole;
    uint64_t capacity;
};

static bool is_live(const struct places *places, uint64_t place)
{
    return place < places->whole && places->records[place].magic == LOG_RECORD_LIVE;
}

static uint64_t time_at(const struct places *places, uint64_t place)
{
    return places->records[place].timestamp_ns;
}

/** The nearest live record before \a place. \return false when there is no other. */
static bool find_live_before(const struct places *places, uint64_t place, uint64_t *found)
{
    uint64_t before = log_previous_place(place, places->capacity);
    while (before != place && !is_live(places, before))
        before = log_previous_place(before, places->capacity);
    *found = before;
    return before != place;
}

/** A writer that was interrupted between reading the clock and taking its place is older than its
 *  place, so one record tells nothing.  One of the same time further on shows a log that wrapped,
 *  and \a place may as well be its oldest. */
static bool is_newest_of_all(const struct places *places, uint64_t place)
{
    for (uint64_t other = 0; other < places->whole; other++) {
        if (!is_live(places, other))
            continue;
        if (time_at(places, other) > time_at(places, place))
            return false;
        if (other > place && time_at(places, other) == time_at(places, place))
            return false;
    }
    return true;
}

/**
 * vyre's writer stores a record and then the cursor.  Killed in between, it
 * leaves the newest record at the cursor: either the place after it was never
 * written, or all places are live and their times rise from there round to the cursor.
 */
static bool newest_is_at_cursor(const struct places *places, uint64_t cursor, uint64_t live)
{
    if (!is_live(places, cursor))
        return false;
    uint64_t before;
    if (!find_live_before(places, cursor, &before))
        return places->capacity > 1;
    uint64_t after = log_next_place(cursor, places->capacity);
    /* The oldest record of a log that wrapped may have a gap behind it: it is old, though. */
    if (!is_live(places, after))
        return is_newest_of_all(places, cursor);
    if (live != places->capacity || time_at(places, cursor) <= time_at(places, before))
        return false;
    for (uint64_t place = after; place != before;) {
        uint64_t next = log_next_place(place, places->capacity);
        if (time_at(places, next) < time_at(places, place))
            return false;
        place = next;
    }
    return true;
}

int log_inspect(const struct log_header *header, const struct log_record *records, uint64_t whole,
                struct vrrl_info *info)
{
    struct places places = {records, whole, header->capacity};
    uint64_t cursor =
        atomic_load_explicit(&header->cursor, memory_order_acquire) % header->capacity;
    uint64_t live = 0;
    uint64_t live_after_cursor = 0;
    for (uint64_t place = 0; place < whole; place++) {
        uint32_t magic = __atomic_load_n(&records[place].magic, __ATOMIC_RELAXED);
        if (magic == LOG_RECORD_LIVE) {
            live++;
            live_after_cursor += place >= cursor;
        } else if (magic != LOG_RECORD_EMPTY) {
            return VRRL_E_RECORD_MAGIC;
        }
    }
    *info = (struct vrrl_info){
        .version = header->version,
        .flags = header->flags,
        .capacity = header->capacity,
        .cursor = cursor,
        .live = live,
    };
    info->cursor_behind = newest_is_at_cursor(&places, cursor, live);
    info->wrapped = live_after_cursor > 0;
    uint64_t written = cursor;
    if (info->cursor_behind && live_after_cursor == 1 && cursor + 1 < header->capacity) {
        info->wrapped = false;
        written = cursor + 1;
    }
    if (info->wrapped)
        written = header->capacity;
    info->lost = written > whole ? written - whole : 0;
    info->gaps = written - info->lost - live;
    uint64_t oldest = log_oldest_place(info);
    for (uint64_t place = oldest; live > 0; place = log_next_place(place, header->capacity)) {
        if (is_live(&places, place)) {
            info->first_timestamp_ns = time_at(&places, place);
            break;
        }
    }
    uint64_t newest;
    if (find_live_before(&places, oldest, &newest))
        info->last_timestamp_ns = time_at(&places, newest);
    else
        info->last_timestamp_ns = info->first_timestamp_ns;
    return 0;
}

uint64_t log_oldest_place(const struct vrrl_info *info)
{
    return info->cursor_behind ? log_next_place(info->cursor, info->capacity) : info->cursor;
}
