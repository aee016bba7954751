/*
 * Debug logs as sets of records, since the order of the records is the lanes' and not the
 * program's.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/compare.h"
#include "vyre/debug_log.h"

static int compare_records(const void *left, const void *right)
{
    const struct vyre_debug_log_record *a = left;
    const struct vyre_debug_log_record *b = right;
    const uint32_t pairs[][2] = {{a->slot_base, b->slot_base},
                                 {a->fmt_id, b->fmt_id},
                                 {a->args[0], b->args[0]},
                                 {a->args[1], b->args[1]}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i][0] != pairs[i][1])
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
    }
    return 0;
}

#define DEBUG_RECORDS ((VYRE_DEBUG_LOG_WORDS - 1u) / VYRE_DEBUG_LOG_RECORD_WORDS)

static void sorted_records(const uint32_t *log, size_t len, uint32_t *sorted)
{
    struct vyre_debug_log_record records[DEBUG_RECORDS];
    for (size_t i = 0; i < len; i++)
        vyre_debug_log_read(log, i, &records[i]);
    qsort(records, len, sizeof(records[0]), compare_records);
    sorted[0] = log[0];
    for (size_t i = 0; i < len; i++) {
        uint32_t *words = sorted + 1 + i * VYRE_DEBUG_LOG_RECORD_WORDS;
        words[0] = records[i].fmt_id;
        words[1] = records[i].args[0];
        words[2] = records[i].args[1];
        words[3] = records[i].slot_base;
    }
}

void debug_log_without_order(const uint32_t *log, uint32_t out[VYRE_DEBUG_LOG_WORDS])
{
    size_t len;
    memset(out, 0, VYRE_DEBUG_LOG_WORDS * sizeof(*out));
    out[0] = log[0];
    if (vyre_debug_log_check(log, VYRE_DEBUG_LOG_WORDS, &len) != VYRE_DEBUG_LOG_OVERFLOWED)
        sorted_records(log, len, out);
}

bool debug_logs_differ(const uint32_t *actual, const uint32_t *expected, uint32_t *word,
                       uint32_t *actual_word, uint32_t *expected_word)
{
    uint32_t left[VYRE_DEBUG_LOG_WORDS];
    uint32_t right[VYRE_DEBUG_LOG_WORDS];
    debug_log_without_order(actual, left);
    debug_log_without_order(expected, right);
    /* One with fewer records has another cursor, and that is where they differ. */
    for (*word = 0; *word < VYRE_DEBUG_LOG_WORDS; (*word)++) {
        if (left[*word] == right[*word])
            continue;
        *actual_word = left[*word];
        *expected_word = right[*word];
        return true;
    }
    return false;
}
