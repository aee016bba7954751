/*
 * Publishes that were recorded by symbol and have not been seen in an upload yet.
 *
 * Nothing is done for it where they are published: what the session holds of
 * them is read here, when bytes go up.
 */
#include <string.h>
#include <sys/mman.h>

#include "capture/gpu_state.h"

#define CHAINS 4096u
/** Places in flight that are looked at again. */
#define FLYING_MAX 1024u

enum entry_state {
    ENTRY_FREE,
    /** Committed: its words are known. */
    ENTRY_KNOWN,
    /** Another thread is between taking the place and committing it. */
    ENTRY_FLYING,
    /** The same, and an upload has settled it. */
    ENTRY_FLYING_SETTLED,
};

struct entry {
    uint64_t sequence;
    uint64_t hash;
    uint32_t slot_idx;
    uint32_t ring;
    /** Number of the next one in the chain or among the free ones, from 1; 0: the last. */
    uint32_t next;
    uint32_t state;
};

struct pending {
    bool started;
    bool lost;
    /** Sequence up to which the session was read. */
    uint64_t read_up_to;
    uint32_t chains[CHAINS];
    uint32_t free;
    /** Entries that were ever used. */
    uint32_t used;
    uint32_t flying[FLYING_MAX];
    uint32_t flying_len;
    struct entry entries[];
};

/** Wiped by fork, as what it is about is. */
static struct pending *pending;
static uint64_t pending_capacity;

static bool make_pending(const struct recording *recording)
{
    if (pending == NULL) {
        pending_capacity = vrrl_capacity(recording->log);
        uint64_t bytes = sizeof(*pending) + pending_capacity * sizeof(struct entry);
        void *made = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED || madvise(made, bytes, MADV_WIPEONFORK) != 0)
            return false;
        pending = made;
    }
    if (!pending->started) {
        uint32_t run = (recording->run - 1) % SESSION_RUNS_MAX;
        pending->read_up_to = recording->header->run_table[run].first_sequence;
        pending->started = true;
    }
    return true;
}

void pending_begin(void)
{
    if (pending != NULL)
        munmap(pending, sizeof(*pending) + pending_capacity * sizeof(struct entry));
    pending = NULL;
}

static uint64_t hash_words(const uint32_t *words)
{
    uint64_t hash = 0;
    for (unsigned i = VYRE_SLOT_OPCODE; i < VYRE_SLOT_WORDS; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return hash;
}

/** \return the number of a free entry, 0 when all are in use */
static uint32_t take_entry(void)
{
    uint32_t number = pending->free;
    if (number != 0)
        pending->free = pending->entries[number - 1].next;
    else if (pending->used < pending_capacity)
        number = ++pending->used;
    return number;
}

static void remove_entry(uint32_t number)
{
    struct entry *entry = &pending->entries[number - 1];
    uint32_t *link = &pending->chains[entry->slot_idx % CHAINS];
    while (*link != number)
        link = &pending->entries[*link - 1].next;
    *link = entry->next;
    *entry = (struct entry){.next = pending->free};
    pending->free = number;
}

/** Drop those whose records were overwritten meanwhile. */
static void remove_overwritten(uint64_t oldest)
{
    for (uint32_t number = 1; number <= pending->used; number++) {
        struct entry *entry = &pending->entries[number - 1];
        if (entry->state == ENTRY_KNOWN && entry->sequence < oldest)
            remove_entry(number);
    }
}

static void add_entry(const struct entry *entry, uint64_t oldest)
{
    uint32_t number = take_entry();
    if (number == 0) {
        remove_overwritten(oldest);
        number = take_entry();
    }
    bool flying = entry->state == ENTRY_FLYING;
    if (number == 0 || (flying && pending->flying_len == FLYING_MAX)) {
        pending->lost = true;
        if (number != 0) {
            pending->entries[number - 1] = (struct entry){.next = pending->free};
            pending->free = number;
        }
        return;
    }
    uint32_t *chain = &pending->chains[entry->slot_idx % CHAINS];
    pending->entries[number - 1] = *entry;
    pending->entries[number - 1].next = *chain;
    *chain = number;
    if (flying)
        pending->flying[pending->flying_len++] = number;
}

/** Read the publish of a sequence.  \return false when it is none by symbol */
static bool read_publish(const struct recording *recording, uint64_t sequence, struct entry *entry)
{
    const struct session_slot *slot = &recording->slots[sequence % pending_capacity];
    uint64_t before = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
    bool taken = before == 0 && log_is_taken(recording->log, sequence);
    if (before != sequence + 1 && !taken)
        return false;
    *entry = (struct entry){
        .sequence = sequence,
        .slot_idx = __atomic_load_n(&slot->slot_idx, __ATOMIC_RELAXED),
        .ring = __atomic_load_n(&slot->ring, __ATOMIC_RELAXED),
        .state = taken ? ENTRY_FLYING : ENTRY_KNOWN,
    };
    uint32_t origin = __atomic_load_n(&slot->origin, __ATOMIC_RELAXED);
    if (!taken)
        entry->hash = hash_words(slot->words);
    atomic_thread_fence(memory_order_acquire);
    uint64_t after = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
    return origin == SESSION_ORIGIN_SYMBOL && (after == before || taken);
}

/** See what became of those that were in flight. */
static void land(const struct recording *recording)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < pending->flying_len; i++) {
        uint32_t number = pending->flying[i];
        struct entry *entry = &pending->entries[number - 1];
        if (log_is_taken(recording->log, entry->sequence)) {
            pending->flying[kept++] = number;
            continue;
        }
        struct entry landed;
        bool published = read_publish(recording, entry->sequence, &landed);
        if (!published || entry->state == ENTRY_FLYING_SETTLED) {
            remove_entry(number);
        } else {
            entry->hash = landed.hash;
            entry->state = ENTRY_KNOWN;
        }
    }
    pending->flying_len = kept;
}

void pending_update(struct recording *recording)
{
    if (!make_pending(recording))
        return;
    uint64_t total = log_total(recording->log);
    uint64_t oldest = total > pending_capacity ? total - pending_capacity : 0;
    pending->lost = pending->read_up_to < oldest;
    if (pending->lost)
        pending->read_up_to = oldest;
    land(recording);
    for (; pending->read_up_to < total; pending->read_up_to++) {
        struct entry entry;
        if (read_publish(recording, pending->read_up_to, &entry))
            add_entry(&entry, oldest);
    }
}

bool pending_settle(uint32_t slot_idx, const uint32_t *words, uint32_t *ring)
{
    if (pending == NULL || !pending->started)
        return false;
    uint64_t hash = hash_words(words);
    uint32_t flying = 0;
    for (uint32_t number = pending->chains[slot_idx % CHAINS]; number != 0;
         number = pending->entries[number - 1].next) {
        const struct entry *entry = &pending->entries[number - 1];
        if (entry->slot_idx != slot_idx)
            continue;
        if (entry->state == ENTRY_KNOWN && entry->hash == hash) {
            *ring = entry->ring;
            remove_entry(number);
            return true;
        }
        if (entry->state == ENTRY_FLYING)
            flying = number;
    }
    if (flying == 0)
        return false;
    *ring = pending->entries[flying - 1].ring;
    pending->entries[flying - 1].state = ENTRY_FLYING_SETTLED;
    return true;
}

bool pending_lost(void)
{
    return pending != NULL && pending->lost;
}
