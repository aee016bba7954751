#include "log/reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/inspect.h"

/** Records between two looks at whether the writer has come round. */
#define BLOCK_RECORDS 512

/** The processor's own prefetching stops at each page of 64 records: a quarter faster so. */
#define RECORDS_AHEAD 16

/** Times that one read goes after a writer that is faster than it. */
#define CATCH_UPS_MAX 1000

static int map_log(struct vrrl_reader *reader, uint64_t file_bytes)
{
    struct log_header header;
    ssize_t got = pread(reader->file, &header, sizeof(header), 0);
    int error = got < 0 ? VRRL_E_IO : log_check_header(&header, (uint64_t)got);
    if (error != 0)
        return error;
    uint64_t bytes = log_file_bytes(header.capacity);
    if (file_bytes < bytes)
        bytes = file_bytes;
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, reader->file, 0);
    if (map == MAP_FAILED)
        return errno == ENOMEM ? VRRL_E_NO_MEMORY : VRRL_E_IO;
    reader->header = map;
    reader->records = (const struct log_record *)((const uint8_t *)map + LOG_HEADER_BYTES);
    reader->map_bytes = bytes;
    reader->whole = (bytes - LOG_HEADER_BYTES) / LOG_RECORD_BYTES;
    return log_inspect(reader->header, reader->records, reader->whole, &reader->info);
}

int vrrl_reader_open(const char *path, struct vrrl_reader **reader)
{
    uint64_t file_bytes;
    int file = log_open_file(path, O_RDONLY, &file_bytes);
    if (file < 0)
        return file;
    struct vrrl_reader *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        close(file);
        return VRRL_E_NO_MEMORY;
    }
    opened->file = file;
    int error = map_log(opened, file_bytes);
    if (error != 0) {
        vrrl_reader_close(opened);
        return error;
    }
    vrrl_rewind(opened);
    *reader = opened;
    return 0;
}

void vrrl_reader_info(const struct vrrl_reader *reader, struct vrrl_info *info)
{
    *info = reader->info;
}

static bool is_live(const struct vrrl_reader *reader, uint64_t place)
{
    return place < reader->whole &&
           __atomic_load_n(&reader->records[place].magic, __ATOMIC_ACQUIRE) == LOG_RECORD_LIVE;
}

static void set_witness(struct vrrl_reader *reader, uint64_t place)
{
    reader->witness_place = place;
    memcpy(&reader->witness, &reader->records[place], sizeof(reader->witness));
}

bool log_reader_was_lapped(const struct vrrl_reader *reader)
{
    const struct vrrl_info *info = &reader->info;
    assert(info->capacity > 0);
    atomic_thread_fence(memory_order_acquire);
    uint64_t cursor =
        atomic_load_explicit(&reader->header->cursor, memory_order_acquire) % info->capacity;
    if (info->cursor_behind && cursor == info->cursor)
        cursor = log_next_place(cursor, info->capacity);
    uint64_t ahead = (cursor + info->capacity - reader->next) % info->capacity;
    if (ahead > 0 && ahead < reader->left)
        return true;
    return reader->witness_place != NO_PLACE &&
           memcmp(&reader->witness, &reader->records[reader->witness_place],
                  sizeof(reader->witness)) != 0;
}

/** The place that many after the next one; at most a lap. */
static uint64_t place_ahead(const struct vrrl_reader *reader, uint64_t steps)
{
    uint64_t place = reader->next + steps;
    return place < reader->info.capacity ? place : place - reader->info.capacity;
}

/** Go to the oldest record.  \return false when the writer has come round meanwhile */
static bool go_to_oldest(struct vrrl_reader *reader)
{
    reader->next = log_oldest_place(&reader->info);
    reader->left = reader->info.capacity;
    if (!reader->info.wrapped) {
        reader->left = reader->next;
        reader->next = 0;
    }
    reader->unready = 0;
    reader->awaited = NO_PLACE;
    reader->witness_place = NO_PLACE;
    uint64_t gaps = 0;
    while (gaps < reader->left && !is_live(reader, place_ahead(reader, gaps)))
        gaps++;
    /* A gap would not change when the writer comes to it. */
    if (gaps < reader->left)
        set_witness(reader, place_ahead(reader, gaps));
    if (log_reader_was_lapped(reader))
        return false;
    reader->next = place_ahead(reader, gaps);
    reader->left -= gaps;
    return true;
}

void log_reader_catch_up(struct vrrl_reader *reader)
{
    reader->overrun = true;
    for (int try = 0; try < CATCH_UPS_MAX; try++) {
        reader->info.wrapped = true;
        reader->info.cursor_behind = false;
        reader->info.cursor = atomic_load_explicit(&reader->header->cursor, memory_order_acquire) %
                              reader->info.capacity;
        if (go_to_oldest(reader))
            return;
    }
    reader->left = 0;
}

enum place_state {
    PLACE_EMPTY,
    PLACE_COPIED,
    PLACE_CHANGED
};

/** Magic and half of the timestamp: a record that is rewritten cannot keep both. */
static inline uint64_t load_head(const struct log_record *record)
{
    return __atomic_load_n((const uint64_t *)(const void *)record, __ATOMIC_ACQUIRE);
}

static inline enum place_state copy_record(const struct vrrl_reader *reader, uint64_t place,
                                           struct vrrl_record *record)
{
    if (place >= reader->whole)
        return PLACE_EMPTY;
    const struct log_record *from = &reader->records[place];
    __builtin_prefetch(from + RECORDS_AHEAD);
    uint64_t head = load_head(from);
    if ((uint32_t)head != LOG_RECORD_LIVE)
        return PLACE_EMPTY;
    record->timestamp_ns = from->timestamp_ns;
    record->slot_idx = from->slot_idx;
    record->tenant_id = from->tenant_id;
    record->opcode = from->opcode;
    memcpy(record->args, from->args, sizeof(record->args));
    record->epoch = from->epoch;
    record->failure.slot_status = from->slot_status;
    record->failure.failure_class = from->failure_class;
    record->failure.backend_code = from->backend_code;
    record->failure.output_digest = from->output_digest;
    record->place = place;
    atomic_thread_fence(memory_order_acquire);
    return load_head(from) == head ? PLACE_COPIED : PLACE_CHANGED;
}

/** Read up to \a max records of the block that begins at next. */
static size_t read_block(struct vrrl_reader *reader, struct vrrl_record *records, size_t max)
{
    size_t count = 0;
    uint64_t last = NO_PLACE;
    uint64_t place = reader->next;
    uint64_t left = reader->left;
    bool changed = false;
    for (unsigned step = 0; step < BLOCK_RECORDS && left > 0 && count < max; step++) {
        enum place_state state = copy_record(reader, place, &records[count]);
        if (state == PLACE_COPIED) {
            count++;
            last = place;
        }
        changed |= state == PLACE_CHANGED;
        place = log_next_place(place, reader->info.capacity);
        left--;
    }
    /* Taken before it is known that nothing was overwritten: it must not be a newer one. */
    struct log_record witness;
    if (last != NO_PLACE)
        memcpy(&witness, &reader->records[last], sizeof(witness));
    if (changed || log_reader_was_lapped(reader)) {
        log_reader_catch_up(reader);
        return 0;
    }
    reader->next = place;
    reader->left = left;
    if (last != NO_PLACE) {
        reader->witness_place = last;
        reader->witness = witness;
    }
    return count;
}

size_t vrrl_read(struct vrrl_reader *reader, struct vrrl_record *records, size_t max)
{
    size_t count = 0;
    unsigned idle = 0;
    while (count < max && reader->left > 0 && idle < CATCH_UPS_MAX) {
        size_t block = read_block(reader, records + count, max - count);
        idle = block == 0 && reader->overrun ? idle + 1 : 0;
        count += block;
    }
    return count;
}

void vrrl_rewind(struct vrrl_reader *reader)
{
    if (!go_to_oldest(reader))
        log_reader_catch_up(reader);
}

void vrrl_reader_close(struct vrrl_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->header != NULL)
        munmap((void *)reader->header, reader->map_bytes);
    close(reader->file);
    free(reader);
}
