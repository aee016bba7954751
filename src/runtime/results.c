#include "runtime/vyre_runtime.h"

#include "runtime/arguments.h"
#include "vyre/debug_log.h"
#include "vyre/word.h"

int vyre_request_shutdown(uint8_t *control_bytes, size_t control_len)
{
    int error = check_words(control_bytes, control_len, VYRE_CONTROL_SHUTDOWN + 1);
    if (error == VYRE_OK)
        vyre_word_release(control_bytes, VYRE_CONTROL_SHUTDOWN, 1);
    return error;
}

static int read_words(const uint8_t *control_bytes, size_t control_len, size_t first,
                      uint32_t *values, size_t values_len)
{
    int error = check_words(control_bytes, control_len, first + values_len);
    if (error == VYRE_OK && values == NULL)
        error = VYRE_E_NULL;
    for (size_t i = 0; i < values_len && error == VYRE_OK; i++)
        values[i] = vyre_word_acquire(control_bytes, first + i);
    return error;
}

int vyre_read_epoch(const uint8_t *control_bytes, size_t control_len, uint32_t *epoch)
{
    return read_words(control_bytes, control_len, VYRE_CONTROL_EPOCH, epoch, 1);
}

int vyre_read_done_count(const uint8_t *control_bytes, size_t control_len, uint32_t *done_count)
{
    return read_words(control_bytes, control_len, VYRE_CONTROL_DONE_COUNT, done_count, 1);
}

int vyre_read_metrics(const uint8_t *control_bytes, size_t control_len,
                      uint32_t counts[VYRE_CONTROL_METRICS_WORDS])
{
    return read_words(control_bytes, control_len, VYRE_CONTROL_METRICS, counts,
                      VYRE_CONTROL_METRICS_WORDS);
}

static int read_observables(const uint8_t *control_bytes, size_t control_len, uint32_t first,
                            uint32_t *values, size_t values_len)
{
    int error = check_words(control_bytes, control_len, 0);
    if (error != VYRE_OK)
        return error;
    size_t words = control_len / sizeof(uint32_t);
    size_t room = words > VYRE_CONTROL_OBSERVABLES ? words - VYRE_CONTROL_OBSERVABLES : 0;
    if (first > room || values_len > room - first)
        return VYRE_E_OBSERVABLE;
    if (values_len == 0)
        return VYRE_OK;
    return read_words(control_bytes, control_len, (size_t)VYRE_CONTROL_OBSERVABLES + first, values,
                      values_len);
}

int vyre_read_observable(const uint8_t *control_bytes, size_t control_len, uint32_t index,
                         uint32_t *value)
{
    return read_observables(control_bytes, control_len, index, value, 1);
}

int vyre_read_observables(const uint8_t *control_bytes, size_t control_len, uint32_t first,
                          uint32_t *values, size_t values_len)
{
    return read_observables(control_bytes, control_len, first, values, values_len);
}

int vyre_read_debug_log(const uint8_t *log_bytes, size_t log_len, struct vyre_debug_record *records,
                        size_t records_len, size_t *count)
{
    int error = check_words(log_bytes, log_len, VYRE_DEBUG_LOG_RECORDS);
    if (error != VYRE_OK)
        return error;
    if (count == NULL || (records == NULL && records_len > 0))
        return VYRE_E_NULL;

    size_t held;
    switch (vyre_debug_log_check(log_bytes, log_len / sizeof(uint32_t), &held)) {
    case VYRE_DEBUG_LOG_SOUND:
        break;
    case VYRE_DEBUG_LOG_OVERFLOWED:
        return VYRE_E_LOG_OVERFLOW;
    case VYRE_DEBUG_LOG_PARTIAL:
        return VYRE_E_LOG_CURSOR;
    }
    for (size_t i = 0; i < held && i < records_len; i++) {
        struct vyre_debug_log_record record;
        vyre_debug_log_read(log_bytes, i, &record);
        records[i] = (struct vyre_debug_record){
            .fmt_id = record.fmt_id,
            .args = {record.args[0], record.args[1]},
            .slot_base = record.slot_base,
        };
    }
    *count = held;
    return VYRE_OK;
}
