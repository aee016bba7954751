/*
 * Write a log without a recorder, for the tests of what reads one.
 *
 *   append_log LOG CAPACITY COUNT [MILLISECONDS [STOP]]
 *
 * Record i: slot i, tenant i mod 3, the opcodes NOP … BATCH_FENCE in turn, epoch
 * i / 8, args i, 2i, 3i, 4294967295; time 2^63 + i.  With MILLISECONDS between
 * two of them; after STOP of them it stops itself, until somebody sends SIGCONT.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log/vrrl.h"

int main(int argc, char **argv)
{
    struct vrrl_writer *log;
    if (argc < 4 || vrrl_create(argv[1], strtoull(argv[2], NULL, 0), &log) != 0) {
        fprintf(stderr, "append_log: no log\n");
        return EXIT_FAILURE;
    }
    long pause = argc > 4 ? atol(argv[4]) : 0;
    uint32_t stop = argc > 5 ? (uint32_t)atol(argv[5]) : 0;
    uint32_t count = (uint32_t)atol(argv[3]);
    for (uint32_t i = 0; i < count; i++) {
        struct vrrl_record record = {
            .timestamp_ns = (UINT64_C(1) << 63) + i,
            .slot_idx = i,
            .tenant_id = i % 3,
            .opcode = i % 8,
            .args = {i, 2 * i, 3 * i, UINT32_MAX},
            .epoch = i / 8,
        };
        struct timespec time = {pause / 1000, pause % 1000 * 1000000};
        if (vrrl_append(log, &record) != 0) {
            return EXIT_FAILURE;
        }
        if (pause > 0) {
            nanosleep(&time, NULL);
        }
        if (i + 1 == stop) {
            raise(SIGSTOP);
        }
    }
    vrrl_writer_close(log);
    return EXIT_SUCCESS;
}
