/*
 * by_hand.c - the protocol as a host has it that links no runtime: plain stores into its own
 * memory, by functions that are inside the program and that nobody outside can see.
 *
 * It shares the header's declarations with libvyre_runtime, so that the rest of the demo is the
 * same, and nothing else.  The demo publishes only what fits; what it asks for here is not checked.
 */
#include <string.h>

#include "vyre_protocol.h"
#include "vyre_runtime.h"

static uint32_t load(const uint8_t *bytes, size_t word)
{
    uint32_t value;
    memcpy(&value, bytes + word * sizeof value, sizeof value);
    return value;
}

static void store(uint8_t *bytes, size_t word, uint32_t value)
{
    memcpy(bytes + word * sizeof value, &value, sizeof value);
}

static int is_busy(const uint8_t *slot)
{
    const uint32_t status = load(slot, VYRE_SLOT_STATUS);

    return status != VYRE_STATUS_EMPTY && status != VYRE_STATUS_DONE;
}

static int publish(uint8_t *ring, uint32_t slot_idx, uint32_t tenant, uint32_t opcode,
                   const void *args, size_t args_bytes)
{
    uint8_t *slot = ring + (size_t)slot_idx * VYRE_SLOT_BYTES;

    if (is_busy(slot))
        return VYRE_E_SLOT_BUSY;
    memset(slot + VYRE_SLOT_ARG0 * 4, 0, VYRE_SLOT_ARGS * 4);
    if (args_bytes > 0)
        memcpy(slot + VYRE_SLOT_ARG0 * 4, args, args_bytes);
    store(slot, VYRE_SLOT_OPCODE, opcode);
    store(slot, VYRE_SLOT_TENANT, tenant);
    store(slot, VYRE_SLOT_PRIORITY, VYRE_PRIORITY_NORMAL);
    store(slot, VYRE_SLOT_STATUS, VYRE_STATUS_PUBLISHED);
    return VYRE_OK;
}

int vyre_publish_slot(uint8_t *ring, size_t ring_len, uint32_t slot_idx, uint32_t tenant,
                      uint32_t opcode, const uint32_t *args, size_t args_len)
{
    (void)ring_len;
    return publish(ring, slot_idx, tenant, opcode, args, args_len * sizeof *args);
}

int vyre_publish_packed_slot(uint8_t *ring, size_t ring_len, uint32_t slot_idx, uint32_t tenant,
                             const struct vyre_packed_op *ops, size_t ops_len)
{
    uint8_t payload[VYRE_SLOT_ARGS * 4] = {0};
    const size_t first = (2 + 2 * ops_len + 3) / 4;
    size_t words = 0;

    (void)ring_len;
    for (size_t i = 0; i < ops_len; i++) {
        payload[2 + 2 * i] = ops[i].opcode;
        payload[3 + 2 * i] = (uint8_t)words;
        memcpy(payload + (first + words) * 4, ops[i].args, ops[i].args_len * 4);
        words += ops[i].args_len;
    }
    payload[0] = (uint8_t)ops_len;
    payload[1] = (uint8_t)words;
    return publish(ring, slot_idx, tenant, VYRE_OP_PACKED_SLOT, payload, sizeof payload);
}

int vyre_batch_publish(uint8_t *ring, size_t ring_len, uint32_t start_slot, uint32_t tenant,
                       const struct vyre_batch_item *items, size_t items_len, uint32_t batch_tag,
                       uint32_t *consumed)
{
    const uint32_t fence[] = {(uint32_t)items_len, batch_tag};
    int error = VYRE_OK;

    for (size_t i = 0; i < items_len && error == VYRE_OK; i++)
        error = vyre_publish_slot(ring, ring_len, start_slot + (uint32_t)i, tenant, items[i].opcode,
                                  items[i].args, items[i].args_len);
    *consumed = (uint32_t)items_len + 1;
    return error != VYRE_OK ? error
                            : publish(ring, start_slot + (uint32_t)items_len, tenant,
                                      VYRE_OP_BATCH_FENCE, fence, sizeof fence);
}

int vyre_publish_work_items(uint8_t *ring, size_t ring_len, uint32_t start_slot, uint32_t tenant,
                            const struct vyre_work_item *items, size_t items_len)
{
    int error = VYRE_OK;

    (void)ring_len;
    for (size_t i = 0; i < items_len && error == VYRE_OK; i++)
        error = publish(ring, start_slot + (uint32_t)i, tenant, items[i].op_handle,
                        &items[i].input_handle, 3 * sizeof(uint32_t));
    return error;
}

size_t vyre_control_size(uint32_t observables)
{
    return (VYRE_CONTROL_OBSERVABLES + (size_t)observables) * 4;
}

size_t vyre_ring_size(uint32_t slots)
{
    return (size_t)slots * VYRE_SLOT_BYTES;
}

size_t vyre_debug_log_size(void)
{
    return VYRE_DEBUG_LOG_WORDS * 4;
}

size_t vyre_io_queue_size(void)
{
    return VYRE_IO_QUEUE_WORDS * 4;
}

int vyre_encode_control(uint8_t *control, size_t control_len, uint32_t tenants)
{
    memset(control, 0, control_len);
    store(control, VYRE_CONTROL_TENANT_BASE, VYRE_CONTROL_TENANT_MASKS);
    for (uint32_t i = 0; i < tenants; i++) {
        store(control, VYRE_CONTROL_TENANT_MASKS + i, VYRE_TENANT_MASK_ALL);
        store(control, VYRE_CONTROL_TENANT_QUOTAS + i, VYRE_TENANT_QUOTA_DEFAULT);
    }
    return VYRE_OK;
}

static int empty(uint8_t *bytes, size_t length)
{
    memset(bytes, 0, length);
    return VYRE_OK;
}

int vyre_encode_ring(uint8_t *ring, size_t ring_len)
{
    return empty(ring, ring_len);
}

int vyre_encode_debug_log(uint8_t *log, size_t log_len)
{
    return empty(log, log_len);
}

int vyre_encode_io_queue(uint8_t *queue, size_t queue_len)
{
    return empty(queue, queue_len);
}

int vyre_read_epoch(const uint8_t *control, size_t control_len, uint32_t *epoch)
{
    (void)control_len;
    *epoch = load(control, VYRE_CONTROL_EPOCH);
    return VYRE_OK;
}

int vyre_read_done_count(const uint8_t *control, size_t control_len, uint32_t *done_count)
{
    (void)control_len;
    *done_count = load(control, VYRE_CONTROL_DONE_COUNT);
    return VYRE_OK;
}

int vyre_read_observables(const uint8_t *control, size_t control_len, uint32_t first,
                          uint32_t *values, size_t values_len)
{
    (void)control_len;
    memcpy(values, control + ((size_t)VYRE_CONTROL_OBSERVABLES + first) * 4, values_len * 4);
    return VYRE_OK;
}

int vyre_read_debug_log(const uint8_t *log, size_t log_len, struct vyre_debug_record *records,
                        size_t records_len, size_t *count)
{
    (void)log_len;
    *count = load(log, VYRE_DEBUG_LOG_CURSOR) / VYRE_DEBUG_LOG_RECORD_WORDS;
    for (size_t i = 0; i < *count && i < records_len; i++)
        memcpy(&records[i], log + (VYRE_DEBUG_LOG_RECORDS + i * VYRE_DEBUG_LOG_RECORD_WORDS) * 4,
               sizeof records[i]);
    return VYRE_OK;
}

const char *vyre_strerror(int code)
{
    return code == VYRE_E_SLOT_BUSY ? "the slot is busy. Fix: drain the ring first."
                                    : "unknown. Fix: none is known.";
}
