/*
 * io_queue.h - the IO queue: requests of LOAD_MISS to the host, and its answers.
 *
 * A queue is VYRE_IO_QUEUE_WORDS words, aligned to 4, owned by the caller and
 * possibly shared with a GPU; an empty one is all zeros.  Index is below
 * VYRE_IO_SLOTS.  Nothing allocates, locks or fails; safe in signal handlers.
 * One host thread serves a request.
 */
#ifndef VYRE_IO_QUEUE_H
#define VYRE_IO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

struct vyre_io_slot {
    uint32_t op; /* VYRE_IO_OP_… */
    uint32_t src;
    uint32_t dst;
    uint64_t offset; /* offset_lo and offset_hi */
    uint32_t bytes;
    uint32_t status; /* VYRE_STATUS_… or VYRE_IO_STATUS_… */
    uint32_t tag;
};

/* Reads an IO slot; its status first, with acquire order. */
void vyre_io_queue_read(const void *queue, uint32_t index, struct vyre_io_slot *slot);

/*
 * Answers a PUBLISHED or CLAIMED request with OK or ERROR, in one atomic step
 * with release order.  False, nothing changed, in any other status.
 */
bool vyre_io_queue_answer(void *queue, uint32_t index, bool ok);

#endif
