/*
 * The peer: what a tracepoint of LTTng-UST with the payload of a record costs.
 *
 *     bench_lttng [THREADS]    wall time per event
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench_lttng_provider.h"

#include <pthread.h>
#include <stdlib.h>

#include "bench_support.h"

#define EVENTS 1000000
#define THREADS_MAX 16

static void *trace_all(void *opaque)
{
    (void)opaque;
    for (uint32_t i = 0; i < EVENTS; i++) {
        const uint32_t args[4] = {i, i % 1024, 1, 0};
        lttng_ust_tracepoint(vrrl_bench, publish, i % 1024, 1, 2, args, 0);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    size_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (threads == 0 || threads > THREADS_MAX)
        bench_fail("threads", "1 to 16");
    double times[BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++) {
        pthread_t others[THREADS_MAX];
        double start = bench_now_ns();
        for (size_t i = 1; i < threads; i++)
            pthread_create(&others[i], NULL, trace_all, NULL);
        trace_all(NULL);
        for (size_t i = 1; i < threads; i++)
            pthread_join(others[i], NULL);
        times[run] = (bench_now_ns() - start) / (double)(EVENTS * threads);
    }
    printf("event %.2f\n", bench_median(times, BENCH_RUNS));
    return 0;
}
