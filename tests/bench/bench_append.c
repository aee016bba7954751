/*
 * What an append costs, beside the seed's way and the least that is possible.
 *
 *     bench_append FOLDER
 *
 * All alternatives take turns within each round, so that a disturbance hits all of them;
 * printed is the median round of each, in ns per record.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "bench_support.h"
#include "log/layout.h"
#include "log/vrrl.h"

#define CAPACITY 65536
#define RECORDS 1000000
#define SEED_RECORDS 20000
#define THREADS_MAX 8

static struct vrrl_writer *writer;
static int seed_file;
static struct log_record *bare;
static pthread_barrier_t barrier;
static double ends[THREADS_MAX];

static struct vrrl_record record_of(uint32_t i)
{
    return (struct vrrl_record){
        .slot_idx = i & 1023, .tenant_id = 1, .opcode = 2, .args = {i, i, i, i}, .epoch = i >> 10};
}

static void append_all(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct vrrl_record record = record_of(i);
        vrrl_append(writer, &record);
    }
}

static double time_append(void)
{
    double start = bench_now_ns();
    append_all(RECORDS);
    return (bench_now_ns() - start) / RECORDS;
}

static void *append_part(void *argument)
{
    size_t thread = (size_t)argument;
    pthread_barrier_wait(&barrier);
    append_all(RECORDS / 2);
    ends[thread] = bench_now_ns();
    return NULL;
}

/** Wall time per record of all threads together, to the end of the last of them. */
static double time_threads(unsigned threads)
{
    pthread_t ids[THREADS_MAX];
    pthread_barrier_init(&barrier, NULL, threads + 1);
    for (size_t i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, append_part, (void *)i);
    double start = bench_now_ns();
    pthread_barrier_wait(&barrier);
    double end = 0;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        if (ends[i] > end)
            end = ends[i];
    }
    pthread_barrier_destroy(&barrier);
    return (end - start) / ((double)RECORDS / 2 * threads);
}

static double time_two_threads(void)
{
    return time_threads(2);
}

static double time_eight_threads(void)
{
    return time_threads(8);
}

static struct log_record bytes_of(const struct vrrl_record *record, uint64_t timestamp_ns)
{
    struct log_record to = {
        .magic = LOG_RECORD_LIVE,
        .timestamp_ns = timestamp_ns,
        .slot_idx = record->slot_idx,
        .tenant_id = record->tenant_id,
        .opcode = record->opcode,
        .epoch = record->epoch,
    };
    memcpy(to.args, record->args, sizeof(to.args));
    return to;
}

/** vyre's RingLog::append, call for call. */
static double time_seed(void)
{
    double start = bench_now_ns();
    for (uint32_t i = 0; i < SEED_RECORDS; i++) {
        struct vrrl_record record = record_of(i);
        struct log_record bytes = bytes_of(&record, i);
        uint64_t place = i % CAPACITY;
        uint64_t cursor = (place + 1) % CAPACITY;
        if (lseek(seed_file, (off_t)log_file_bytes(place), SEEK_SET) < 0 ||
            write(seed_file, &bytes, sizeof(bytes)) != sizeof(bytes) ||
            lseek(seed_file, 24, SEEK_SET) < 0 ||
            write(seed_file, &cursor, sizeof(cursor)) != sizeof(cursor))
            bench_fail("seed", "write failed");
    }
    return (bench_now_ns() - start) / SEED_RECORDS;
}

static double time_store(void)
{
    double start = bench_now_ns();
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct vrrl_record record = record_of(i);
        volatile struct log_record *to = &bare[i % CAPACITY];
        to->timestamp_ns = i;
        to->slot_idx = record.slot_idx;
        to->tenant_id = record.tenant_id;
        to->opcode = record.opcode;
        for (int arg = 0; arg < 4; arg++)
            to->args[arg] = record.args[arg];
        to->epoch = record.epoch;
        to->slot_status = 0;
        to->failure_class = 0;
        to->backend_code = 0;
        to->output_digest = 0;
        to->magic = LOG_RECORD_LIVE;
    }
    return (bench_now_ns() - start) / RECORDS;
}

static double time_clock(void)
{
    struct timespec now;
    double start = bench_now_ns();
    for (uint32_t i = 0; i < RECORDS; i++)
        clock_gettime(CLOCK_REALTIME, &now);
    return (bench_now_ns() - start) / RECORDS;
}

#if defined(__x86_64__)
static double time_counter(void)
{
    uint64_t sum = 0;
    double start = bench_now_ns();
    for (uint32_t i = 0; i < RECORDS; i++)
        sum += __rdtsc();
    *(volatile uint64_t *)&bare->timestamp_ns = sum;
    return (bench_now_ns() - start) / RECORDS;
}
#endif

static const struct {
    const char *name;
    double (*time)(void);
} alternatives[] = {
    {"append_1_thread", time_append},
    {"append_2_threads", time_two_threads},
    {"append_8_threads", time_eight_threads},
    {"seed_append", time_seed},
    {"bare_store", time_store},
    {"clock_gettime", time_clock},
#if defined(__x86_64__)
    {"rdtsc", time_counter},
#endif
};

#define ALTERNATIVES (sizeof(alternatives) / sizeof(alternatives[0]))

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_fail("usage", "bench_append FOLDER");
    char log[4096];
    char seed[4096];
    snprintf(log, sizeof(log), "%s/bench.vrrl", argv[1]);
    snprintf(seed, sizeof(seed), "%s/seed.vrrl", argv[1]);
    unlink(log);
    int error = vrrl_create(log, CAPACITY, &writer);
    if (error != 0)
        bench_fail(log, vrrl_strerror(error));
    seed_file = open(seed, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (seed_file < 0 || ftruncate(seed_file, (off_t)log_file_bytes(CAPACITY)) != 0)
        bench_fail(seed, "cannot be made");
    bare = aligned_alloc(64, CAPACITY * sizeof(*bare));
    if (bare == NULL)
        bench_fail("bare store", "no memory");
    memset(bare, 0, CAPACITY * sizeof(*bare));

    double times[ALTERNATIVES][BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++)
        for (size_t i = 0; i < ALTERNATIVES; i++)
            times[i][run] = alternatives[i].time();
    for (size_t i = 0; i < ALTERNATIVES; i++)
        printf("%s %.2f\n", alternatives[i].name, bench_median(times[i], BENCH_RUNS));

    vrrl_writer_close(writer);
    close(seed_file);
    free(bare);
    unlink(log);
    unlink(seed);
    return 0;
}
