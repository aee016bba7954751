#include "runtime/vyre_runtime.h"

#include "runtime/arguments.h"
#include "vyre/opcode.h"
#include "vyre/packed.h"
#include "vyre/slot.h"

/* None of the public functions here calls another one: what is intercepted is seen once. */

static uint8_t *slot_at(uint8_t *ring_bytes, size_t slot_idx)
{
    return ring_bytes + slot_idx * VYRE_SLOT_BYTES;
}

static int check_payload(uint32_t opcode, const uint32_t *args, size_t args_len)
{
    if (args == NULL && args_len > 0)
        return VYRE_E_NULL;
    if (args_len > VYRE_SLOT_ARGS)
        return VYRE_E_ARGS;
    return vyre_opcode_publishable(opcode) ? VYRE_OK : VYRE_E_OPCODE;
}

static int check_free(const uint8_t *slot)
{
    return vyre_slot_transition_legal(VYRE_SLOT_PUBLISH, vyre_slot_status(slot)) ? VYRE_OK
                                                                                 : VYRE_E_SLOT_BUSY;
}

static int check_all_free(uint8_t *ring_bytes, size_t start_slot, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int error = check_free(slot_at(ring_bytes, start_slot + i));
        if (error != VYRE_OK)
            return error;
    }
    return VYRE_OK;
}

/* Whether count slots from start_slot on lie in the ring. */
static int check_window(size_t ring_len, uint32_t start_slot, size_t count)
{
    size_t slots = ring_len / VYRE_SLOT_BYTES;
    return start_slot <= slots && count <= slots - start_slot ? VYRE_OK : VYRE_E_WINDOW;
}

int vyre_publish_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx, uint32_t tenant_id,
                      uint32_t opcode, const uint32_t *args, size_t args_len)
{
    int error = check_slot(ring_bytes, ring_len, slot_idx);
    if (error == VYRE_OK)
        error = check_payload(opcode, args, args_len);
    if (error == VYRE_OK)
        error = check_free(slot_at(ring_bytes, slot_idx));
    if (error == VYRE_OK)
        vyre_slot_publish(slot_at(ring_bytes, slot_idx), tenant_id, opcode, args, args_len);
    return error;
}

static int encode_packed(struct vyre_packed_encoder *encoder, const struct vyre_packed_op *ops,
                         size_t ops_len)
{
    if (ops == NULL && ops_len > 0)
        return VYRE_E_NULL;
    if (!vyre_packed_begin(encoder, ops_len))
        return VYRE_E_PACKED_SIZE;
    for (size_t i = 0; i < ops_len; i++) {
        if (ops[i].args == NULL && ops[i].args_len > 0)
            return VYRE_E_NULL;
        if (!vyre_packed_add(encoder, ops[i].opcode, ops[i].args, ops[i].args_len))
            return VYRE_E_PACKED_SIZE;
    }
    return VYRE_OK;
}

int vyre_publish_packed_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                             uint32_t tenant_id, const struct vyre_packed_op *ops, size_t ops_len)
{
    struct vyre_packed_encoder encoder;

    int error = check_slot(ring_bytes, ring_len, slot_idx);
    if (error == VYRE_OK)
        error = encode_packed(&encoder, ops, ops_len);
    if (error == VYRE_OK)
        error = check_free(slot_at(ring_bytes, slot_idx));
    if (error == VYRE_OK)
        vyre_slot_publish(slot_at(ring_bytes, slot_idx), tenant_id, VYRE_OP_PACKED_SLOT,
                          encoder.words, encoder.words_len);
    return error;
}

static int check_batch(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                       const struct vyre_batch_item *items, size_t items_len)
{
    int error = check_ring(ring_bytes, ring_len);
    if (error != VYRE_OK)
        return error;
    if (items == NULL && items_len > 0)
        return VYRE_E_NULL;
    /* The fence carries the count in one word, and *consumed is one more. */
    if (items_len >= UINT32_MAX)
        return VYRE_E_WINDOW;
    error = check_window(ring_len, start_slot, items_len + 1);
    for (size_t i = 0; i < items_len && error == VYRE_OK; i++)
        error = check_payload(items[i].opcode, items[i].args, items[i].args_len);
    if (error == VYRE_OK)
        error = check_all_free(ring_bytes, start_slot, items_len + 1);
    return error;
}

int vyre_batch_publish(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                       uint32_t tenant_id, const struct vyre_batch_item *items, size_t items_len,
                       uint32_t batch_tag, uint32_t *consumed)
{
    int error = check_batch(ring_bytes, ring_len, start_slot, items, items_len);
    if (error != VYRE_OK)
        return error;

    for (size_t i = 0; i < items_len; i++)
        vyre_slot_publish(slot_at(ring_bytes, (size_t)start_slot + i), tenant_id, items[i].opcode,
                          items[i].args, items[i].args_len);
    const uint32_t fence[] = {(uint32_t)items_len, batch_tag};
    vyre_slot_publish(slot_at(ring_bytes, (size_t)start_slot + items_len), tenant_id,
                      VYRE_OP_BATCH_FENCE, fence, 2);
    if (consumed != NULL)
        *consumed = (uint32_t)items_len + 1;
    return VYRE_OK;
}

static int check_work_items(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                            const struct vyre_work_item *items, size_t items_len)
{
    int error = check_ring(ring_bytes, ring_len);
    if (error != VYRE_OK)
        return error;
    if (items == NULL && items_len > 0)
        return VYRE_E_NULL;
    error = check_window(ring_len, start_slot, items_len);
    for (size_t i = 0; i < items_len && error == VYRE_OK; i++)
        error = vyre_opcode_publishable(items[i].op_handle) ? VYRE_OK : VYRE_E_OPCODE;
    if (error == VYRE_OK)
        error = check_all_free(ring_bytes, start_slot, items_len);
    return error;
}

int vyre_publish_work_items(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                            uint32_t tenant_id, const struct vyre_work_item *items,
                            size_t items_len)
{
    int error = check_work_items(ring_bytes, ring_len, start_slot, items, items_len);
    if (error != VYRE_OK)
        return error;

    for (size_t i = 0; i < items_len; i++) {
        const uint32_t args[] = {items[i].input_handle, items[i].output_handle, items[i].param};
        vyre_slot_publish(slot_at(ring_bytes, (size_t)start_slot + i), tenant_id,
                          items[i].op_handle, args, 3);
    }
    return VYRE_OK;
}
