#include "runtime/vyre_runtime.h"

#include "runtime/arguments.h"
#include "vyre/io_queue.h"

static int check_request(const uint8_t *queue_bytes, size_t queue_len, uint32_t index)
{
    int error = check_words(queue_bytes, queue_len, VYRE_IO_QUEUE_WORDS);
    if (error != VYRE_OK)
        return error;
    return index < VYRE_IO_SLOTS ? VYRE_OK : VYRE_E_IO_INDEX;
}

int vyre_read_io_request(const uint8_t *queue_bytes, size_t queue_len, uint32_t index,
                         struct vyre_io_request *request)
{
    int error = check_request(queue_bytes, queue_len, index);
    if (error != VYRE_OK)
        return error;
    if (request == NULL)
        return VYRE_E_NULL;

    struct vyre_io_slot slot;
    vyre_io_queue_read(queue_bytes, index, &slot);
    *request = (struct vyre_io_request){
        .op = slot.op,
        .src = slot.src,
        .dst = slot.dst,
        .offset = slot.offset,
        .bytes = slot.bytes,
        .status = slot.status,
        .tag = slot.tag,
    };
    return VYRE_OK;
}

int vyre_answer_io_request(uint8_t *queue_bytes, size_t queue_len, uint32_t index, int ok)
{
    int error = check_request(queue_bytes, queue_len, index);
    if (error != VYRE_OK)
        return error;
    return vyre_io_queue_answer(queue_bytes, index, ok != 0) ? VYRE_OK : VYRE_E_IO_STATUS;
}
