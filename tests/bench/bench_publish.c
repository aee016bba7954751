/*
 * What a publish costs the host; run with and without the shim.
 *
 *     bench_publish [THREADS [VRRL LOG]]
 *
 * Each thread publishes into a ring of its own; wall time per publish.  With VRRL, the command, it
 * is attached to and let go before.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "bench_support.h"
#include "runtime/vyre_runtime.h"

#define SLOTS 1024
#define PUBLISHES 1000000
#define SLOT_BYTES 64
#define THREADS_MAX 16

static void *publish_all(void *opaque)
{
    uint8_t *ring = opaque;
    for (uint32_t i = 0; i < PUBLISHES; i++) {
        uint32_t slot = i % SLOTS;
        uint32_t args[3] = {i, slot, 1};
        if (vyre_publish_slot(ring, SLOTS * SLOT_BYTES, slot, 1, VYRE_OP_ATOMIC_ADD, args, 3) != 0)
            bench_fail("publish", "refused");
        *(volatile uint32_t *)(void *)(ring + slot * SLOT_BYTES) = VYRE_STATUS_DONE;
    }
    return NULL;
}

static void run_command(const char *format, const char *vrrl, const char *log)
{
    char command[8192];
    snprintf(command, sizeof(command), format, vrrl, (long)getpid(), log);
    /* NOLINTNEXTLINE(cert-env33-c): the shell is wanted. */
    if (system(command) != 0)
        bench_fail(command, "it failed");
}

static void be_attached_and_let_go(uint8_t *ring, const char *vrrl, const char *log)
{
    run_command("%s attach %ld -o %s 2>/dev/null", vrrl, log);
    publish_all(ring);
    run_command("%s detach %ld 2>/dev/null", vrrl, log);
    publish_all(ring);
}

int main(int argc, char **argv)
{
    size_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (threads == 0 || threads > THREADS_MAX)
        bench_fail("threads", "1 to 16");
    uint8_t *rings = aligned_alloc(64, threads * SLOTS * SLOT_BYTES);
    if (rings == NULL)
        bench_fail("ring", "no memory");
    memset(rings, 0, threads * SLOTS * SLOT_BYTES);
    if (argc == 4)
        be_attached_and_let_go(rings, argv[2], argv[3]);
    double times[BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++) {
        pthread_t others[THREADS_MAX];
        double start = bench_now_ns();
        for (size_t i = 1; i < threads; i++)
            pthread_create(&others[i], NULL, publish_all, rings + i * SLOTS * SLOT_BYTES);
        publish_all(rings);
        for (size_t i = 1; i < threads; i++)
            pthread_join(others[i], NULL);
        times[run] = (bench_now_ns() - start) / (double)(PUBLISHES * threads);
    }
    printf("publish %.2f\n", bench_median(times, BENCH_RUNS));
    free(rings);
    return 0;
}
