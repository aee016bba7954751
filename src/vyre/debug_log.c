#include "vyre/debug_log.h"

#include "vyre/word.h"

void vyre_debug_log_append(void *log, size_t words_len, const struct vyre_debug_log_record *record)
{
    uint32_t cursor = vyre_word_get(log, VYRE_DEBUG_LOG_CURSOR);
    vyre_word_set(log, VYRE_DEBUG_LOG_CURSOR, cursor + VYRE_DEBUG_LOG_RECORD_WORDS);

    uint64_t first = (uint64_t)VYRE_DEBUG_LOG_RECORDS + cursor;
    if (first + VYRE_DEBUG_LOG_RECORD_WORDS > words_len)
        return;
    vyre_word_set(log, first, record->fmt_id);
    vyre_word_set(log, first + 1, record->args[0]);
    vyre_word_set(log, first + 2, record->args[1]);
    vyre_word_set(log, first + 3, record->slot_base);
}

enum vyre_debug_log_state vyre_debug_log_check(const void *log, size_t words_len,
                                               size_t *records_len)
{
    uint32_t cursor = vyre_word_get(log, VYRE_DEBUG_LOG_CURSOR);
    size_t capacity = words_len - VYRE_DEBUG_LOG_RECORDS;

    if (cursor > capacity) {
        *records_len = capacity / VYRE_DEBUG_LOG_RECORD_WORDS;
        return VYRE_DEBUG_LOG_OVERFLOWED;
    }
    *records_len = cursor / VYRE_DEBUG_LOG_RECORD_WORDS;
    return cursor % VYRE_DEBUG_LOG_RECORD_WORDS == 0 ? VYRE_DEBUG_LOG_SOUND
                                                     : VYRE_DEBUG_LOG_PARTIAL;
}

void vyre_debug_log_read(const void *log, size_t index, struct vyre_debug_log_record *record)
{
    size_t first = VYRE_DEBUG_LOG_RECORDS + index * VYRE_DEBUG_LOG_RECORD_WORDS;
    record->fmt_id = vyre_word_get(log, first);
    record->args[0] = vyre_word_get(log, first + 1);
    record->args[1] = vyre_word_get(log, first + 2);
    record->slot_base = vyre_word_get(log, first + 3);
}
