#include "session/writer.h"

#include <string.h>

static void enter_ring(struct recording *recording, uint32_t number, uint64_t address,
                       uint64_t bytes)
{
    struct session_header *header = recording->header;
    uint32_t index = __atomic_fetch_add(&header->rings, 1, __ATOMIC_RELAXED);
    struct session_ring *ring = &header->ring_table[index % SESSION_RINGS_MAX];
    ring->number = number;
    ring->address = address;
    ring->bytes = bytes;
    ring->joined = 0;
    __atomic_store_n(&ring->run, recording->run, __ATOMIC_RELEASE);
}

uint32_t recording_other_ring(struct recording *recording, uint64_t address, uint64_t bytes)
{
    for (uint32_t number = 0; number < SESSION_RINGS_OF_RUN_MAX; number++) {
        uint64_t known =
            atomic_load_explicit(&recording->ring_addresses[number], memory_order_relaxed);
        if (known == 0 &&
            atomic_compare_exchange_strong(&recording->ring_addresses[number], &known, address)) {
            enter_ring(recording, number, address, bytes);
            return number;
        }
        if (known == address)
            return recording_ring_number(recording, number);
    }
    return SESSION_RING_UNKNOWN;
}

void recording_join_rings(struct recording *recording, uint32_t ring, uint32_t other)
{
    struct session_header *header = recording->header;
    if (ring >= SESSION_RINGS_OF_RUN_MAX ||
        atomic_exchange(&recording->ring_joined[ring], other + 1) != 0)
        return;
    for (uint32_t i = 0; i < SESSION_RINGS_MAX; i++) {
        struct session_ring *entry = &header->ring_table[i];
        if (entry->run == recording->run && entry->number == ring) {
            __atomic_store_n(&entry->joined, other + 1, __ATOMIC_RELEASE);
            __atomic_fetch_add(&header->joined, 1, __ATOMIC_RELEASE);
        }
    }
}

bool recording_commit(struct recording *recording, const struct log_place *place,
                      const struct published *published)
{
    struct session_slot *slot = &recording->slots[place->index];
    slot->run = recording->run;
    slot->thread = published->thread;
    memcpy(slot->words, published->words, sizeof(slot->words));
    slot->words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
    struct vrrl_record record = {
        .timestamp_ns = published->timestamp_ns,
        .slot_idx = published->slot_idx,
        .tenant_id = slot->words[VYRE_SLOT_TENANT],
        .opcode = slot->words[VYRE_SLOT_OPCODE],
        .epoch = published->epoch,
    };
    memcpy(record.args, &slot->words[VYRE_SLOT_ARG0], sizeof(record.args));
    __atomic_store_n(&slot->sequence, place->sequence + 1, __ATOMIC_RELEASE);
    return log_commit(recording->log, place, &record);
}
