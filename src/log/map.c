/*
 * Creating a log, and opening one to append to it.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/files.h"
#include "log/inspect.h"
#include "log/writer.h"

#define LOG_MODE 0600

static uint64_t writer_bytes(uint64_t capacity)
{
    return sizeof(struct vrrl_writer) + capacity * sizeof(uint64_t);
}

/** Map a file that holds a whole log.  The descriptor stays the caller's. */
static int map(int file, uint64_t capacity, struct vrrl_writer **writer)
{
    uint64_t bytes = log_file_bytes(capacity);
    /* Not from malloc: the recorder opens its log wherever the host publishes first. */
    struct vrrl_writer *opened = mmap(NULL, writer_bytes(capacity), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (opened == MAP_FAILED)
        return VRRL_E_NO_MEMORY;
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        munmap(opened, writer_bytes(capacity));
        return VRRL_E_NO_MEMORY;
    }
    opened->header = mapped;
    opened->records = (struct log_record *)((uint8_t *)mapped + LOG_HEADER_BYTES);
    opened->capacity = capacity;
    opened->map_bytes = bytes;
    opened->own_bytes = writer_bytes(capacity);
    log_clock_start(&opened->clock);
    *writer = opened;
    return 0;
}

/** So that no append has to wait for memory. */
static void populate(struct vrrl_writer *writer)
{
    log_populate(writer, writer->own_bytes);
    log_populate(writer->header, writer->map_bytes);
}

/** Whether nothing was ever appended: the first place is written first, and the last one before the
 *  cursor is back at the first. */
static bool is_new(const struct vrrl_writer *writer)
{
    return writer->header->cursor == 0 && writer->records[0].magic == LOG_RECORD_EMPTY &&
           writer->records[writer->capacity - 1].magic == LOG_RECORD_EMPTY;
}

/** Go on where a log ends. */
static int go_on(struct vrrl_writer *writer)
{
    struct vrrl_info info;
    populate(writer);
    int error = log_inspect(writer->header, writer->records, writer->capacity, &info);
    if (error != 0)
        return error;
    uint64_t next = log_oldest_place(&info);
    atomic_store_explicit(&writer->header->cursor, next, memory_order_release);
    log_set_total(writer, info.wrapped ? info.capacity + next : next);
    return 0;
}

static int write_header(int file, uint64_t capacity)
{
    struct log_header header = {.version = LOG_VERSION, .capacity = capacity};
    memcpy(header.magic, LOG_MAGIC, sizeof(header.magic));
    return pwrite(file, &header, sizeof(header), 0) == sizeof(header) ? 0 : VRRL_E_IO;
}

int vrrl_create(const char *path, uint64_t capacity, struct vrrl_writer **writer)
{
    if (capacity == 0)
        return VRRL_E_CAPACITY_ZERO;
    if (capacity > VRRL_CAPACITY_MAX)
        return VRRL_E_CAPACITY_OVER;
    if (access(path, F_OK) == 0)
        return VRRL_E_EXISTS;
    char unfinished[PATH_MAX];
    int file = log_create_unfinished(path, LOG_MODE, unfinished);
    if (file < 0)
        return file;
    struct vrrl_writer *created = NULL;
    int error = log_allocate(file, log_file_bytes(capacity));
    if (error == 0)
        error = write_header(file, capacity);
    if (error == 0)
        error = map(file, capacity, &created);
    if (error == 0)
        error = log_give_name(unfinished, path);
    else
        unlink(unfinished);
    close(file);
    if (error != 0) {
        vrrl_writer_close(created);
        return error;
    }
    populate(created);
    *writer = created;
    return 0;
}

int log_open(const char *path, bool unused, struct vrrl_writer **writer)
{
    uint64_t file_bytes;
    int file = log_open_file(path, O_RDWR, &file_bytes);
    if (file < 0)
        return file;
    struct log_header header;
    ssize_t got = pread(file, &header, sizeof(header), 0);
    int error = got < 0 ? VRRL_E_IO : log_check_header(&header, (uint64_t)got);
    if (error == 0 && file_bytes < log_file_bytes(header.capacity))
        error = VRRL_E_TRUNCATED_RECORDS;
    /* vyre's own writer leaves holes where it has not written yet. */
    if (error == 0)
        error = log_allocate(file, log_file_bytes(header.capacity));
    struct vrrl_writer *opened = NULL;
    if (error == 0)
        error = map(file, header.capacity, &opened);
    close(file);
    if (error == 0 && !(unused && is_new(opened)))
        error = go_on(opened);
    if (error != 0) {
        vrrl_writer_close(opened);
        return error;
    }
    *writer = opened;
    return 0;
}

int vrrl_open(const char *path, struct vrrl_writer **writer)
{
    return log_open(path, false, writer);
}

uint64_t vrrl_capacity(const struct vrrl_writer *writer)
{
    return writer->capacity;
}

int vrrl_sync(struct vrrl_writer *writer)
{
    return msync(writer->header, writer->map_bytes, MS_SYNC) == 0 ? 0 : VRRL_E_IO;
}

bool log_close_some(struct vrrl_writer *writer, uint64_t *bytes)
{
    if (writer->map_bytes > 0 && !log_unmap_some(writer->header, &writer->map_bytes, bytes))
        return false;
    uint64_t left = writer->own_bytes;
    if (log_unmap_some(writer, &left, bytes))
        return true;
    writer->own_bytes = left;
    return false;
}

void vrrl_writer_close(struct vrrl_writer *writer)
{
    uint64_t all = UINT64_MAX;
    if (writer != NULL)
        log_close_some(writer, &all);
}
