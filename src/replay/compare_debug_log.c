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

bool debug_logs_differ(const uint32_t *actual, const uint32_t *expected, uint32_t *word,
                       uint32_t *actual_word, uint32_t *expected_word)
{
    /* Which records an overflowed log has kept is a matter of order: then the cursor alone. */
    uint32_t left[VYRE_DEBUG_LOG_WORDS] = {actual[0]};
    uint32_t right[VYRE_DEBUG_LOG_WORDS] = {expected[0]};
    size_t len;
    if (actual[0] == expected[0] &&
        vyre_debug_log_check(actual, VYRE_DEBUG_LOG_WORDS, &len) != VYRE_DEBUG_LOG_OVERFLOWED) {
        sorted_records(actual, len, left);
        sorted_records(expected, len, right);
    }
    for (*word = 0; *word < VYRE_DEBUG_LOG_WORDS; (*word)++) {
        if (left[*word] == right[*word])
            continue;
        *actual_word = left[*word];
        *expected_word = right[*word];
        return true;
    }
    return false;
}
