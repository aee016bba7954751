#include "session/slots.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log/clock.h"
#include "session/session.h"

/** Slots that the total is taken from.  One would do, were it not for gaps: the slot of a
 *  place that was passed by is of an older lap. */
#define WITNESSES 64

bool session_path(const char *log_path, char out[PATH_MAX])
{
    int length = snprintf(out, PATH_MAX, "%s.d", log_path);
    return length > 0 && length < PATH_MAX;
}

bool session_file_path(const char *log_path, const char *name, char out[PATH_MAX])
{
    int length = snprintf(out, PATH_MAX, "%s.d/%s", log_path, name);
    return length > 0 && length < PATH_MAX;
}

void session_put_aside(const char *log_path, const char *name)
{
    char path[PATH_MAX];
    char aside[PATH_MAX];
    if (!session_file_path(log_path, name, path))
        return;
    int length = snprintf(aside, sizeof(aside), "%s.%" PRIu64, path, log_clock_realtime());
    if (length > 0 && (size_t)length < sizeof(aside))
        rename(path, aside);
}

int session_check_slots(const struct session_header *header, uint64_t file_bytes, uint64_t capacity)
{
    if (file_bytes < SESSION_HEADER_BYTES)
        return SESSION_E_TRUNCATED;
    if (memcmp(header->magic, SESSION_MAGIC, sizeof(header->magic)) != 0 ||
        header->version != SESSION_VERSION || header->slot_bytes != sizeof(struct session_slot) ||
        header->first_sequence / capacity >= SESSION_LAPS_MAX)
        return SESSION_E_FORMAT;
    if (header->capacity != capacity)
        return SESSION_E_CAPACITY;
    return file_bytes < session_slots_bytes(capacity) ? SESSION_E_TRUNCATED : 0;
}

uint64_t session_count_total(const struct session_header *header, const struct session_slot *slots,
                             uint64_t capacity, uint64_t cursor)
{
    /* Without a slot: the total that it began with, and what the cursor went on since. */
    uint64_t first = header->first_sequence;
    uint64_t total = first + (cursor + capacity - first % capacity) % capacity;
    unsigned witnesses = 0;
    for (uint64_t back = 1; back <= capacity && witnesses < WITNESSES; back++) {
        uint64_t place = (cursor + capacity - back) % capacity;
        uint64_t sequence = __atomic_load_n(&slots[place].sequence, __ATOMIC_ACQUIRE);
        if (!session_sequence_fits(sequence, place, capacity) ||
            (sequence - 1) / capacity >= SESSION_LAPS_MAX)
            continue;
        witnesses++;
        if (sequence + back - 1 > total)
            total = sequence + back - 1;
    }
    return total;
}
