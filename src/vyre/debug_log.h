/*
 * debug_log.h - the debug log that PRINTF writes to: a cursor, then records.
 *
 * A log is words_len words, aligned to 4, which the caller owns: VYRE_DEBUG_LOG_WORDS in the
 * kernel.  Word 0 counts the words that were appended, dropped ones included.
 * Pure functions, safe anywhere; words that a GPU still writes must be copied first.
 */
#ifndef VYRE_DEBUG_LOG_H
#define VYRE_DEBUG_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

struct vyre_debug_log_record {
    uint32_t fmt_id;
    uint32_t args[2];
    uint32_t slot_base; /* first word of the slot in the ring */
};

enum vyre_debug_log_state {
    VYRE_DEBUG_LOG_SOUND,
    VYRE_DEBUG_LOG_OVERFLOWED, /* cursor past the capacity: records were dropped */
    VYRE_DEBUG_LOG_PARTIAL,    /* cursor inside a record: no kernel wrote this */
};

/*
 * Appends one record as the kernel does: a record that would pass the end is
 * dropped, and the cursor advances all the same (and wraps at 2^32).
 */
void vyre_debug_log_append(void *log, size_t words_len, const struct vyre_debug_log_record *record);

/*
 * How many records a log holds, in *records_len, and whether vyre's decoder would
 * take it.  An overflowed log is refused there; its whole records, which *records_len
 * counts, are sound all the same.  words_len is at least 1.
 */
enum vyre_debug_log_state vyre_debug_log_check(const void *log, size_t words_len,
                                               size_t *records_len);

/* Reads a record; index is below what vyre_debug_log_check counted. */
void vyre_debug_log_read(const void *log, size_t index, struct vyre_debug_log_record *record);

#endif
