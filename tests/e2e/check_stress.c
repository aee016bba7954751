/*
 * Check a log of capture_host at rest: check_stress LOG.  Every record is one that a
 * thread published, whole; of each thread they ascend; each has its slot in the session.
 * Prints how many records there are and how many places are gaps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/session.h"
#include "stress.h"

#define THREADS_MAX 64

static int64_t last_of[THREADS_MAX];
static uint64_t last_sequence;

static const char *fault_of(const struct vrrl_record *record, const struct session_slot *slot)
{
    uint32_t n = record->args[0];
    uint32_t thread = record->args[1];
    if (record->opcode == VYRE_OP_BATCH_FENCE)
        return NULL;
    if (thread >= THREADS_MAX || record->tenant_id != thread ||
        record->opcode != VYRE_OP_ATOMIC_ADD || record->args[2] != stress_hash(n, thread) ||
        record->args[3] != ~n)
        return "torn";
    if ((int64_t)n <= last_of[thread])
        return "out of order";
    if (!session_slot_matches(slot, record) || slot->words[0] != VYRE_STATUS_PUBLISHED)
        return "not what its slot says";
    if (slot->sequence <= last_sequence)
        return "of an older lap";
    last_of[thread] = n;
    last_sequence = slot->sequence;
    return NULL;
}

int main(int argc, char **argv)
{
    struct vrrl_reader *reader;
    struct session_reader *session;
    struct vrrl_info info;
    int error = argc == 2 ? vrrl_reader_open(argv[1], &reader) : VRRL_E_ARGUMENT;
    if (error == 0) {
        vrrl_reader_info(reader, &info);
        error = session_reader_open(argv[1], info.capacity, &session);
    }
    if (error != 0) {
        fprintf(stderr, "check_stress: %s\n", session_strerror(error));
        return EXIT_FAILURE;
    }
    memset(last_of, -1, sizeof(last_of));
    struct vrrl_record record;
    uint64_t count = 0;
    int status = EXIT_SUCCESS;
    for (; vrrl_read(reader, &record, 1) == 1; count++) {
        struct session_slot slot;
        const char *fault = "without a slot";
        if (session_reader_slot(session, record.place, &slot))
            fault = fault_of(&record, &slot);
        if (fault != NULL) {
            printf("record %" PRIu64 " at place %" PRIu64 " is %s\n", count, record.place, fault);
            status = EXIT_FAILURE;
        }
    }
    printf("%" PRIu64 " records, %" PRIu64 " gaps, %" PRIu64 " in all\n", count, info.gaps,
           session_reader_total(session, info.cursor));
    session_reader_close(session);
    vrrl_reader_close(reader);
    return status;
}
