#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/inspect.h"
#include "session/session.h"
#include "session/slots.h"

struct session_reader {
    const struct session_header *header;
    const struct session_slot *slots;
    uint64_t map_bytes;
};

int session_reader_open(const char *log_path, uint64_t capacity, struct session_reader **reader)
{
    char path[PATH_MAX];
    if (!session_file_path(log_path, SESSION_SLOTS_FILE, path))
        return SESSION_E_PATH;
    uint64_t bytes;
    int file = log_open_file(path, O_RDONLY, &bytes);
    if (file < 0)
        return file;
    void *map = MAP_FAILED;
    int error = bytes < SESSION_HEADER_BYTES ? SESSION_E_TRUNCATED : 0;
    if (error == 0) {
        map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
        error = map == MAP_FAILED ? VRRL_E_IO : session_check_slots(map, bytes, capacity);
    }
    close(file);
    struct session_reader *opened = NULL;
    if (error == 0) {
        opened = malloc(sizeof(*opened));
        error = opened == NULL ? VRRL_E_NO_MEMORY : 0;
    }
    if (error != 0) {
        if (map != MAP_FAILED)
            munmap(map, bytes);
        return error;
    }
    opened->header = map;
    opened->slots = (const struct session_slot *)((const uint8_t *)map + SESSION_HEADER_BYTES);
    opened->map_bytes = bytes;
    *reader = opened;
    return 0;
}

const struct session_header *session_reader_header(const struct session_reader *reader)
{
    return reader->header;
}

/** The ring that one turned out to be. */
static uint32_t joined_ring(const struct session_header *header, uint32_t run, uint32_t ring)
{
    if (__atomic_load_n(&header->joined, __ATOMIC_ACQUIRE) == 0)
        return ring;
    for (uint32_t i = 0; i < SESSION_RINGS_MAX; i++) {
        const struct session_ring *entry = &header->ring_table[i];
        if (entry->run == run && entry->number == ring && entry->joined != 0)
            return entry->joined - 1;
    }
    return ring;
}

bool session_reader_slot(const struct session_reader *reader, uint64_t place,
                         struct session_slot *slot)
{
    uint64_t capacity = reader->header->capacity;
    if (place >= capacity)
        return false;
    const struct session_slot *from = &reader->slots[place];
    uint64_t before = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
    memcpy(slot, from, sizeof(*slot));
    atomic_thread_fence(memory_order_acquire);
    uint64_t after = __atomic_load_n(&from->sequence, __ATOMIC_RELAXED);
    slot->ring = joined_ring(reader->header, slot->run, slot->ring);
    return before == after && session_sequence_fits(before, place, capacity);
}

bool session_slot_matches(const struct session_slot *slot, const struct vrrl_record *record)
{
    return slot->slot_idx == record->slot_idx && slot->words[VYRE_SLOT_OPCODE] == record->opcode &&
           slot->words[VYRE_SLOT_TENANT] == record->tenant_id &&
           memcmp(&slot->words[VYRE_SLOT_ARG0], record->args, sizeof(record->args)) == 0;
}

uint64_t session_reader_total(const struct session_reader *reader, uint64_t cursor)
{
    uint64_t capacity = reader->header->capacity;
    return session_count_total(reader->header, reader->slots, capacity, cursor % capacity);
}

void session_reader_close(struct session_reader *reader)
{
    if (reader == NULL)
        return;
    munmap((void *)reader->header, reader->map_bytes);
    free(reader);
}
