/*
 * What a publish costs the host; run with and without the shim.
 *
 *     bench_publish
 */
#include <string.h>

#include "bench_support.h"
#include "runtime/vyre_runtime.h"

#define SLOTS 1024
#define PUBLISHES 1000000
#define SLOT_BYTES 64

int main(void)
{
    uint8_t *ring = aligned_alloc(64, SLOTS * SLOT_BYTES);
    if (ring == NULL)
        bench_fail("ring", "no memory");
    memset(ring, 0, SLOTS * SLOT_BYTES);
    double times[BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++) {
        double start = bench_now_ns();
        for (uint32_t i = 0; i < PUBLISHES; i++) {
            uint32_t slot = i % SLOTS;
            uint32_t args[3] = {i, slot, 1};
            if (vyre_publish_slot(ring, SLOTS * SLOT_BYTES, slot, 1, VYRE_OP_ATOMIC_ADD, args, 3) !=
                0)
                bench_fail("publish", "refused");
            *(volatile uint32_t *)(void *)(ring + slot * SLOT_BYTES) = VYRE_STATUS_DONE;
        }
        times[run] = (bench_now_ns() - start) / PUBLISHES;
    }
    printf("publish %.2f\n", bench_median(times, BENCH_RUNS));
    free(ring);
    return 0;
}
