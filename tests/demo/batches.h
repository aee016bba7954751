/*
 * batches.h - counts a text on the megakernel, batch by batch.
 *
 * The host cuts the text into chunks that fit the ring.  For each chunk it publishes two
 * batches and waits for each one's fence:
 *
 *   counting   bytes by packed slots of four ATOMIC_ADD, words as work items of ATOMIC_ADD,
 *              lines by ATOMIC_ADD and STORE_U32 of where each begins, a fence
 *   summing    LOAD_U32 of the lines so far, COMPARE_SWAP of the longest line, MEMCPY of the
 *              histogram, a PRINTF of progress, NOP, DFA_STEP, a fence
 *
 * Slots of one batch are in flight together and run in any order, so the effects of one
 * batch commute, and what depends on a batch's result is in the next.  The last
 * batch is a SHUTDOWN.
 */
#ifndef DEMO_BATCHES_H
#define DEMO_BATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "device.h"

/* The smallest ring that the batches fit in. */
#define BATCHES_SLOTS_MIN 16u

/* Who publishes. */
enum tenant {
    TENANT_BYTES,
    TENANT_WORDS,
    TENANT_LINES,
    TENANT_SUMS,
    TENANTS,
};

/* What was done to count a text. */
struct batches_report {
    uint32_t slots;    /* published, and drained by the kernel */
    uint32_t launches; /* of the kernel */
    uint32_t epoch;    /* fences, as the control buffer has it at the end */
};

/*
 * Counts a text.  The device is loaded with the host's fresh buffers; afterwards
 * host->control holds the counts.  Returns 0, or -1 after a message on stderr.
 */
int batches_run(struct device *device, struct host_buffers *host, const uint8_t *text,
                size_t length, struct batches_report *report);

#endif
