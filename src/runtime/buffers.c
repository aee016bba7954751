#include "runtime/vyre_runtime.h"

#include <string.h>

#include "runtime/arguments.h"
#include "vyre/control.h"

static size_t fit(uint64_t bytes)
{
    return (size_t)bytes == bytes ? (size_t)bytes : 0;
}

size_t vyre_control_size(uint32_t observables)
{
    return fit(((uint64_t)VYRE_CONTROL_OBSERVABLES + observables) * sizeof(uint32_t));
}

size_t vyre_ring_size(uint32_t slot_count)
{
    return fit((uint64_t)slot_count * VYRE_SLOT_BYTES);
}

size_t vyre_debug_log_size(void)
{
    return VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t);
}

size_t vyre_io_queue_size(void)
{
    return VYRE_IO_QUEUE_WORDS * sizeof(uint32_t);
}

int vyre_encode_control(uint8_t *control_bytes, size_t control_len, uint32_t tenants)
{
    int error = check_words(control_bytes, control_len, VYRE_CONTROL_WORDS_MIN);
    if (error == VYRE_OK)
        vyre_control_encode(control_bytes, control_len / sizeof(uint32_t), tenants);
    return error;
}

int vyre_encode_resident_control(uint8_t *control_bytes, size_t control_len, uint32_t tenants,
                                 uint32_t slot_count)
{
    int error = check_words(control_bytes, control_len, VYRE_CONTROL_WORDS_MIN);
    if (error == VYRE_OK) {
        vyre_control_encode(control_bytes, control_len / sizeof(uint32_t), tenants);
        vyre_control_encode_priority_offsets(control_bytes, slot_count);
    }
    return error;
}

int vyre_encode_ring(uint8_t *ring_bytes, size_t ring_len)
{
    int error = check_ring(ring_bytes, ring_len);
    if (error == VYRE_OK)
        memset(ring_bytes, 0, ring_len);
    return error;
}

int vyre_encode_debug_log(uint8_t *log_bytes, size_t log_len)
{
    int error = check_words(log_bytes, log_len, VYRE_DEBUG_LOG_RECORDS);
    if (error == VYRE_OK)
        memset(log_bytes, 0, log_len);
    return error;
}

int vyre_encode_io_queue(uint8_t *queue_bytes, size_t queue_len)
{
    int error = check_words(queue_bytes, queue_len, VYRE_IO_QUEUE_WORDS);
    if (error == VYRE_OK)
        memset(queue_bytes, 0, queue_len);
    return error;
}
