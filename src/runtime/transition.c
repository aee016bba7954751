#include "runtime/vyre_runtime.h"

#include "runtime/arguments.h"
#include "vyre/slot.h"

static int move(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                enum vyre_slot_transition transition)
{
    int error = check_slot(ring_bytes, ring_len, slot_idx);
    if (error != VYRE_OK)
        return error;
    return vyre_slot_move(ring_bytes + (size_t)slot_idx * VYRE_SLOT_BYTES, transition)
               ? VYRE_OK
               : VYRE_E_TRANSITION;
}

int vyre_claim_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx)
{
    return move(ring_bytes, ring_len, slot_idx, VYRE_SLOT_CLAIM);
}

int vyre_finish_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx)
{
    return move(ring_bytes, ring_len, slot_idx, VYRE_SLOT_FINISH);
}

int vyre_fault_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx)
{
    return move(ring_bytes, ring_len, slot_idx, VYRE_SLOT_FAIL);
}

int vyre_cancel_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx)
{
    return move(ring_bytes, ring_len, slot_idx, VYRE_SLOT_CANCEL);
}

int vyre_read_slot_status(const uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                          uint32_t *status)
{
    int error = check_slot(ring_bytes, ring_len, slot_idx);
    if (error == VYRE_OK && status == NULL)
        error = VYRE_E_NULL;
    if (error == VYRE_OK)
        *status = vyre_slot_status(ring_bytes + (size_t)slot_idx * VYRE_SLOT_BYTES);
    return error;
}
