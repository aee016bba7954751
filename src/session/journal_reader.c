#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/inspect.h"
#include "session/journal.h"
#include "session/session.h"
#include "session/slots.h"

struct journal_reader {
    const struct journal_header *header;
    const uint8_t *data;
    uint64_t map_bytes;
    /** Stream offset of the next entry. */
    uint64_t offset;
    void *payload;
    uint64_t payload_bytes;
};

const char *journal_name(enum journal_kind kind)
{
    static const char *const names[JOURNAL_KINDS] = {"submits", "observations", "programs"};
    return names[kind];
}

static bool entry_fits(const struct journal_header *header, const struct journal_entry *entry,
                       uint64_t offset, uint64_t head)
{
    uint64_t bytes = journal_entry_bytes(entry->bytes);
    return entry->offset == offset && bytes <= head - offset &&
           bytes <= header->bytes - offset % header->bytes;
}

static bool entries_chain(const struct journal_header *header)
{
    const uint8_t *data = (const uint8_t *)header + JOURNAL_HEADER_BYTES;
    uint64_t offset = header->tail;
    while (offset != header->head) {
        const struct journal_entry *entry =
            (const struct journal_entry *)(const void *)(data + offset % header->bytes);
        if (!entry_fits(header, entry, offset, header->head) || entry->number > header->entries)
            return false;
        offset += journal_entry_bytes(entry->bytes);
    }
    return true;
}

static int check_header(const struct journal_header *header, uint64_t file_bytes,
                        enum journal_kind kind)
{
    if (file_bytes < JOURNAL_HEADER_BYTES)
        return SESSION_E_TRUNCATED;
    if (memcmp(header->magic, JOURNAL_MAGIC, sizeof(header->magic)) != 0 ||
        header->version != JOURNAL_VERSION || header->kind != (uint32_t)kind ||
        header->bytes == 0 || header->bytes % JOURNAL_ALIGNMENT != 0 ||
        header->bytes > JOURNAL_BYTES_MAX)
        return SESSION_E_FORMAT;
    return file_bytes - JOURNAL_HEADER_BYTES < header->bytes ? SESSION_E_TRUNCATED : 0;
}

int journal_check(const struct journal_header *header, uint64_t file_bytes, enum journal_kind kind)
{
    int error = check_header(header, file_bytes, kind);
    if (error != 0)
        return error;
    bool sound = header->tail <= header->head && header->head - header->tail <= header->bytes &&
                 header->head < JOURNAL_OFFSET_MAX && header->head % JOURNAL_ALIGNMENT == 0 &&
                 header->tail % JOURNAL_ALIGNMENT == 0 &&
                 header->entries <= header->head / JOURNAL_ALIGNMENT && entries_chain(header);
    return sound ? 0 : SESSION_E_FORMAT;
}

int journal_reader_open(const char *log_path, enum journal_kind kind,
                        struct journal_reader **reader)
{
    char path[PATH_MAX];
    uint64_t bytes;
    if (!session_file_path(log_path, journal_name(kind), path))
        return SESSION_E_PATH;
    int file = log_open_file(path, O_RDONLY, &bytes);
    if (file < 0)
        return file;
    int error = bytes < JOURNAL_HEADER_BYTES ? SESSION_E_TRUNCATED : 0;
    void *map = MAP_FAILED;
    if (error == 0) {
        map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
        error = map == MAP_FAILED ? VRRL_E_IO : check_header(map, bytes, kind);
    }
    close(file);
    struct journal_reader *opened = NULL;
    if (error == 0) {
        opened = calloc(1, sizeof(*opened));
        error = opened == NULL ? VRRL_E_NO_MEMORY : 0;
    }
    if (error != 0) {
        if (map != MAP_FAILED)
            munmap(map, bytes);
        return error;
    }
    opened->header = map;
    opened->data = (const uint8_t *)map + JOURNAL_HEADER_BYTES;
    opened->map_bytes = bytes;
    *reader = opened;
    return 0;
}

const struct journal_header *journal_reader_header(const struct journal_reader *reader)
{
    return reader->header;
}

static bool make_room(struct journal_reader *reader, uint64_t bytes)
{
    if (bytes <= reader->payload_bytes)
        return true;
    void *payload = realloc(reader->payload, bytes);
    if (payload == NULL)
        return false;
    reader->payload = payload;
    reader->payload_bytes = bytes;
    return true;
}

/** Whether the writer has overtaken the reader, which then goes on at the oldest entry. */
static bool was_overtaken(struct journal_reader *reader)
{
    atomic_thread_fence(memory_order_acquire);
    uint64_t tail = __atomic_load_n(&reader->header->tail, __ATOMIC_RELAXED);
    if (tail <= reader->offset)
        return false;
    reader->offset = tail;
    return true;
}

int journal_read(struct journal_reader *reader, struct journal_entry *entry, const void **payload)
{
    for (;;) {
        uint64_t head = __atomic_load_n(&reader->header->head, __ATOMIC_ACQUIRE);
        was_overtaken(reader);
        if (reader->offset == head)
            return 0;
        if (reader->offset > head || reader->offset % JOURNAL_ALIGNMENT != 0 ||
            head - reader->offset > reader->header->bytes)
            return SESSION_E_FORMAT;
        const uint8_t *at = reader->data + reader->offset % reader->header->bytes;
        memcpy(entry, at, sizeof(*entry));
        bool fits = entry_fits(reader->header, entry, reader->offset, head);
        if (fits && !make_room(reader, entry->bytes))
            return VRRL_E_NO_MEMORY;
        if (fits && entry->bytes > 0)
            memcpy(reader->payload, at + sizeof(*entry), entry->bytes);
        if (was_overtaken(reader))
            continue;
        if (!fits)
            return SESSION_E_FORMAT;
        reader->offset += journal_entry_bytes(entry->bytes);
        if (entry->number != 0) {
            *payload = reader->payload;
            return 1;
        }
    }
}

void journal_reader_close(struct journal_reader *reader)
{
    if (reader == NULL)
        return;
    munmap((void *)reader->header, reader->map_bytes);
    free(reader->payload);
    free(reader);
}
