#include "session/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/files.h"
#include "log/inspect.h"
#include "session/session.h"
#include "session/slots.h"

#define JOURNAL_MODE 0600

static bool is_circle(const struct journal_header *header)
{
    return header->kind != JOURNAL_PROGRAMS;
}

static void write_header(struct journal_header *header, enum journal_kind kind, uint64_t bytes)
{
    memcpy(header->magic, JOURNAL_MAGIC, sizeof(header->magic));
    header->version = JOURNAL_VERSION;
    header->kind = kind;
    header->bytes = bytes;
}

static void *map_file(int file, uint64_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return map == MAP_FAILED ? NULL : map;
}

static int create(const char *path, enum journal_kind kind, uint64_t bytes, struct journal *journal)
{
    char unfinished[PATH_MAX];
    int file = log_create_unfinished(path, JOURNAL_MODE, unfinished);
    if (file < 0)
        return file;
    int error = log_allocate(file, JOURNAL_HEADER_BYTES + bytes);
    struct journal_header *header = NULL;
    if (error == 0) {
        header = map_file(file, JOURNAL_HEADER_BYTES + bytes);
        error = header == NULL ? VRRL_E_NO_MEMORY : 0;
    }
    close(file);
    if (error != 0) {
        unlink(unfinished);
        return error;
    }
    write_header(header, kind, bytes);
    error = log_give_name(unfinished, path);
    if (error != 0)
        munmap(header, JOURNAL_HEADER_BYTES + bytes);
    else
        journal->header = header;
    return error;
}

/** Map a journal that is there.  \return 0, or why it cannot be continued */
static int open_existing(const char *path, enum journal_kind kind, struct journal *journal)
{
    uint64_t file_bytes;
    int file = log_open_file(path, O_RDWR, &file_bytes);
    if (file < 0)
        return file;
    struct journal_header *header =
        file_bytes < JOURNAL_HEADER_BYTES ? NULL : map_file(file, file_bytes);
    close(file);
    if (header == NULL)
        return file_bytes < JOURNAL_HEADER_BYTES ? SESSION_E_TRUNCATED : VRRL_E_NO_MEMORY;
    int error = journal_check(header, file_bytes, kind);
    if (error == 0 && JOURNAL_HEADER_BYTES + header->bytes != file_bytes)
        error = SESSION_E_FORMAT;
    if (error != 0)
        munmap(header, file_bytes);
    else
        journal->header = header;
    return error;
}

static int open_private(enum journal_kind kind, uint64_t bytes, struct journal *journal)
{
    void *map = mmap(NULL, JOURNAL_HEADER_BYTES + bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return VRRL_E_NO_MEMORY;
    journal->header = map;
    write_header(journal->header, kind, bytes);
    return 0;
}

int journal_open(const char *log_path, enum journal_kind kind, uint64_t bytes,
                 struct journal *journal)
{
    memset(journal, 0, sizeof(*journal));
    int error;
    bool is_new = true;
    if (log_path == NULL) {
        error = open_private(kind, bytes, journal);
    } else {
        char path[PATH_MAX];
        if (!session_file_path(log_path, journal_name(kind), path))
            return SESSION_E_PATH;
        error = open_existing(path, kind, journal);
        is_new = error != 0;
        if (error == SESSION_E_FORMAT || error == SESSION_E_TRUNCATED)
            session_put_aside(log_path, journal_name(kind));
        if (error == SESSION_E_FORMAT || error == SESSION_E_TRUNCATED || error == VRRL_E_NOT_FOUND)
            error = create(path, kind, bytes, journal);
    }
    if (error != 0)
        return error;
    journal->data = (uint8_t *)journal->header + JOURNAL_HEADER_BYTES;
    journal->bytes = journal->header->bytes;
    /* One without an entry was prepared (recording_prepare()): its pages are in memory. */
    if (is_new || journal->header->entries > 0)
        log_populate(journal->header, JOURNAL_HEADER_BYTES + journal->header->bytes);
    return 0;
}

static struct journal_entry *entry_at(struct journal *journal, uint64_t offset)
{
    return (struct journal_entry *)(void *)(journal->data + offset % journal->bytes);
}

/** Let the tail pass the oldest entries, so that \a bytes fit behind the head. */
static void make_room(struct journal *journal, uint64_t bytes)
{
    struct journal_header *header = journal->header;
    uint64_t tail = header->tail;
    while (header->head + bytes - tail > journal->bytes)
        tail += journal_entry_bytes(entry_at(journal, tail)->bytes);
    __atomic_store_n(&header->tail, tail, __ATOMIC_RELAXED);
    /* Readers must see that an entry is gone before any of its bytes change. */
    atomic_thread_fence(memory_order_release);
}

static void commit(struct journal *journal, uint64_t bytes)
{
    __atomic_store_n(&journal->header->head, journal->header->head + bytes, __ATOMIC_RELEASE);
}

static void fill_up(struct journal *journal, uint64_t bytes)
{
    *entry_at(journal, journal->header->head) = (struct journal_entry){
        .offset = journal->header->head, .bytes = (uint32_t)(bytes - sizeof(struct journal_entry))};
    commit(journal, bytes);
}

void *journal_begin(struct journal *journal, uint64_t bytes)
{
    struct journal_header *header = journal->header;
    uint64_t needed = journal_entry_bytes(bytes);
    uint64_t to_end = journal->bytes - header->head % journal->bytes;
    uint64_t filler = needed > to_end ? to_end : 0;
    bool fits = bytes <= journal->bytes && filler + needed <= journal->bytes &&
                (is_circle(header) || header->head + needed <= journal->bytes);
    if (!fits) {
        header->dropped++;
        return NULL;
    }
    make_room(journal, filler + needed);
    if (filler > 0)
        fill_up(journal, filler);
    journal->begun = entry_at(journal, header->head);
    journal->begun->bytes = (uint32_t)bytes;
    return journal->begun + 1;
}

uint64_t journal_commit(struct journal *journal, const struct journal_entry *entry)
{
    struct journal_header *header = journal->header;
    struct journal_entry *begun = journal->begun;
    uint32_t bytes = begun->bytes;
    *begun = *entry;
    begun->bytes = bytes;
    begun->offset = header->head;
    begun->number = header->entries + 1;
    if (begun->position < journal->position)
        begun->position = journal->position;
    journal->position = begun->position;
    header->entries = begun->number;
    journal->begun = NULL;
    commit(journal, journal_entry_bytes(bytes));
    return header->entries;
}

bool journal_close_some(struct journal *journal, uint64_t *bytes)
{
    uint64_t left = JOURNAL_HEADER_BYTES + journal->bytes;
    if (journal->header != NULL && !log_unmap_some(journal->header, &left, bytes)) {
        journal->bytes = left - JOURNAL_HEADER_BYTES;
        return false;
    }
    memset(journal, 0, sizeof(*journal));
    return true;
}

void journal_close(struct journal *journal)
{
    uint64_t all = UINT64_MAX;
    journal_close_some(journal, &all);
}
