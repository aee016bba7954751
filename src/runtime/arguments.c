#include "runtime/arguments.h"

#include "runtime/vyre_runtime.h"

static int check_address(const uint8_t *bytes)
{
    if (bytes == NULL)
        return VYRE_E_NULL;
    if ((uintptr_t)bytes % sizeof(uint32_t) != 0)
        return VYRE_E_ALIGNMENT;
    return VYRE_OK;
}

int check_ring(const uint8_t *ring_bytes, size_t ring_len)
{
    int error = check_address(ring_bytes);
    if (error != VYRE_OK)
        return error;
    return ring_len % VYRE_SLOT_BYTES == 0 ? VYRE_OK : VYRE_E_RING_LENGTH;
}

int check_slot(const uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx)
{
    int error = check_ring(ring_bytes, ring_len);
    if (error != VYRE_OK)
        return error;
    return slot_idx < ring_len / VYRE_SLOT_BYTES ? VYRE_OK : VYRE_E_SLOT_INDEX;
}

int check_words(const uint8_t *bytes, size_t len, size_t words_min)
{
    int error = check_address(bytes);
    if (error != VYRE_OK)
        return error;
    if (len % sizeof(uint32_t) != 0 || len / sizeof(uint32_t) < words_min)
        return VYRE_E_BUFFER_LENGTH;
    return VYRE_OK;
}
