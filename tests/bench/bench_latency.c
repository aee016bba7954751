/*
 * How long single appends take, on a log that is allocated and faulted in.
 *
 *     bench_latency FOLDER
 *
 * Printed are the median of several runs of each percentile, in ns, timing included.
 */
#include <string.h>
#include <unistd.h>

#include "bench_support.h"
#include "log/vrrl.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CAPACITY 65536
#define SAMPLES 2000000
#define WARM_UP 100000
#define RUNS 5

static const struct {
    const char *name;
    double part;
} percentiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1}};

#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static uint64_t ticks(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return (uint64_t)bench_now_ns();
#endif
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void run(struct vrrl_writer *writer, uint32_t *samples, double out[PERCENTILES])
{
    double start_ns = bench_now_ns();
    uint64_t start = ticks();
    for (uint32_t i = 0; i < WARM_UP + SAMPLES; i++) {
        struct vrrl_record record = {.slot_idx = i, .opcode = 2, .args = {i, i, i, i}};
        uint64_t before = ticks();
        vrrl_append(writer, &record);
        uint64_t length = ticks() - before;
        if (i >= WARM_UP)
            samples[i - WARM_UP] = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
    }
    double tick_ns = (bench_now_ns() - start_ns) / (double)(ticks() - start);
    qsort(samples, SAMPLES, sizeof(*samples), compare);
    for (size_t i = 0; i < PERCENTILES; i++) {
        size_t at = (size_t)(percentiles[i].part * SAMPLES);
        out[i] = samples[at < SAMPLES ? at : SAMPLES - 1] * tick_ns;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_fail("usage", "bench_latency FOLDER");
    char path[4096];
    snprintf(path, sizeof(path), "%s/latency.vrrl", argv[1]);
    unlink(path);
    struct vrrl_writer *writer;
    int error = vrrl_create(path, CAPACITY, &writer);
    if (error != 0)
        bench_fail(path, vrrl_strerror(error));
    uint32_t *samples = malloc(SAMPLES * sizeof(*samples));
    if (samples == NULL)
        bench_fail("samples", "no memory");
    memset(samples, 0, SAMPLES * sizeof(*samples));
    double times[PERCENTILES][RUNS];
    for (int i = 0; i < RUNS; i++) {
        double once[PERCENTILES];
        run(writer, samples, once);
        for (size_t j = 0; j < PERCENTILES; j++)
            times[j][i] = once[j];
    }
    for (size_t i = 0; i < PERCENTILES; i++)
        printf("%s %.0f\n", percentiles[i].name, bench_median(times[i], RUNS));
    free(samples);
    vrrl_writer_close(writer);
    unlink(path);
    return 0;
}
