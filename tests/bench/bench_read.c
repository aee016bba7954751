/*
 * How fast a full log of the largest capacity is read, warm.
 *
 *     bench_read FOLDER
 *
 * Printed are medians, in million records per second.
 */
#include <unistd.h>

#include "bench_support.h"
#include "log/vrrl.h"

#define BLOCK 256

static uint32_t sum;

static void read_all(struct vrrl_reader *reader)
{
    struct vrrl_record records[BLOCK];
    uint64_t total = 0;
    size_t count;
    while ((count = vrrl_read(reader, records, BLOCK)) > 0) {
        total += count;
        sum += records[count - 1].slot_idx;
    }
    if (total != VRRL_CAPACITY_MAX)
        bench_fail("read", "records are missing");
}

static double rate(double start_ns)
{
    return (double)VRRL_CAPACITY_MAX / (bench_now_ns() - start_ns) * 1e3;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_fail("usage", "bench_read FOLDER");
    char path[4096];
    snprintf(path, sizeof(path), "%s/full.vrrl", argv[1]);
    unlink(path);
    struct vrrl_writer *writer;
    int error = vrrl_create(path, VRRL_CAPACITY_MAX, &writer);
    if (error != 0)
        bench_fail(path, vrrl_strerror(error));
    for (uint32_t i = 0; i < VRRL_CAPACITY_MAX + 17; i++) {
        struct vrrl_record record = {.slot_idx = i, .opcode = 2, .args = {i, i, i, i}};
        vrrl_append(writer, &record);
    }
    vrrl_writer_close(writer);

    double open_and_read[BENCH_RUNS];
    double read_alone[BENCH_RUNS];
    for (int i = 0; i < BENCH_RUNS; i++) {
        struct vrrl_reader *reader;
        double start = bench_now_ns();
        if (vrrl_reader_open(path, &reader) != 0)
            bench_fail(path, "cannot be opened");
        read_all(reader);
        open_and_read[i] = rate(start);
        vrrl_rewind(reader);
        start = bench_now_ns();
        read_all(reader);
        read_alone[i] = rate(start);
        vrrl_reader_close(reader);
    }
    printf("open_and_read %.1f\n", bench_median(open_and_read, BENCH_RUNS));
    printf("read %.1f\n", bench_median(read_alone, BENCH_RUNS));
    unlink(path);
    return 0;
}
