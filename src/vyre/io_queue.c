#include "vyre/io_queue.h"

#include <stddef.h>

#include "vyre/word.h"

void vyre_io_queue_read(const void *queue, uint32_t index, struct vyre_io_slot *slot)
{
    size_t base = (size_t)index * VYRE_IO_SLOT_WORDS;
    slot->status = vyre_word_acquire(queue, base + VYRE_IO_STATUS);
    slot->op = vyre_word_get(queue, base + VYRE_IO_OP);
    slot->src = vyre_word_get(queue, base + VYRE_IO_SRC);
    slot->dst = vyre_word_get(queue, base + VYRE_IO_DST);
    slot->offset = vyre_word_get(queue, base + VYRE_IO_OFFSET_LO) |
                   (uint64_t)vyre_word_get(queue, base + VYRE_IO_OFFSET_HI) << 32;
    slot->bytes = vyre_word_get(queue, base + VYRE_IO_BYTES);
    slot->tag = vyre_word_get(queue, base + VYRE_IO_TAG);
}

bool vyre_io_queue_answer(void *queue, uint32_t index, bool ok)
{
    size_t word = (size_t)index * VYRE_IO_SLOT_WORDS + VYRE_IO_STATUS;
    uint32_t answer = ok ? VYRE_IO_STATUS_OK : VYRE_IO_STATUS_ERROR;
    for (;;) {
        uint32_t status = vyre_word_acquire(queue, word);
        if (status != VYRE_STATUS_PUBLISHED && status != VYRE_STATUS_CLAIMED)
            return false;
        if (vyre_word_swap(queue, word, status, answer))
            return true;
    }
}
