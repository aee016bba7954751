/*
 * write_log - append the same records through libvrrl as `ringlog write` does through vyre.
 *
 *     write_log LOG CAPACITY FIRST COUNT
 *
 * Creates the log, or continues it if it is there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "log/vrrl.h"

/* See pattern() in src/main.rs. */
static uint32_t pattern_word(uint64_t i, uint64_t k)
{
    return (uint32_t)(((i * 8 + k + 1) * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

static struct vrrl_record pattern(uint64_t i)
{
    return (struct vrrl_record){
        .timestamp_ns = UINT64_C(0xFEDCBA9800000001) + i * 1001,
        .slot_idx = pattern_word(i, 0),
        .tenant_id = pattern_word(i, 1),
        .opcode = pattern_word(i, 2),
        .args = {pattern_word(i, 3), pattern_word(i, 4), pattern_word(i, 5), pattern_word(i, 6)},
        .epoch = pattern_word(i, 7),
    };
}

static int append(struct vrrl_writer *writer, uint64_t first, uint64_t count)
{
    int error = 0;

    for (uint64_t i = first; error == 0 && i < first + count; i++) {
        const struct vrrl_record record = pattern(i);
        error = vrrl_append(writer, &record);
    }
    return error;
}

int main(int argc, char **argv)
{
    struct vrrl_writer *writer = NULL;
    int error = 0;

    if (argc != 5) {
        fprintf(stderr, "Usage: write_log LOG CAPACITY FIRST COUNT\n");
        return 2;
    }
    error = vrrl_create(argv[1], strtoull(argv[2], NULL, 10), &writer);
    if (error == VRRL_E_EXISTS)
        error = vrrl_open(argv[1], &writer);
    if (error == 0)
        error = append(writer, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    if (error == 0)
        error = vrrl_sync(writer);
    vrrl_writer_close(writer);
    if (error != 0)
        fprintf(stderr, "write_log: %s: %s\n", argv[1], vrrl_strerror(error));
    return error == 0 ? 0 : 2;
}
