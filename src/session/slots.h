/**
 * \file slots.h
 * \brief The slots file as bytes in memory; shared by the session's reader and writer.
 */
#ifndef VRRL_SESSION_SLOTS_H
#define VRRL_SESSION_SLOTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "session/layout.h"

#define SESSION_SLOTS_FILE "slots"
#define SESSION_RUNS_FILE "runs.jsonl"

static inline uint64_t session_slots_bytes(uint64_t capacity)
{
    return SESSION_HEADER_BYTES + capacity * sizeof(struct session_slot);
}

/** Laps beyond which a session's total is not believed: nobody gets there, and appends would
 *  overflow (append.c). */
#define SESSION_LAPS_MAX (UINT64_C(1) << 43)

/** Whether a slot's sequence is one of its place; 0 is of none. */
static inline bool session_sequence_fits(uint64_t sequence, uint64_t place, uint64_t capacity)
{
    return sequence != 0 && (sequence - 1) % capacity == place;
}

/** Name of a file in the session folder of a log.  \return false when it does not fit */
bool session_file_path(const char *log_path, const char *name, char out[PATH_MAX]);

/** Give a file of the session that does not fit its log another name: with the time behind it. */
void session_put_aside(const char *log_path, const char *name);

/** Check a slots file of \a file_bytes.  \return 0 or a SESSION_E code */
int session_check_slots(const struct session_header *header, uint64_t file_bytes,
                        uint64_t capacity);

/** Running total of the log, from the newest slots below the cursor. */
uint64_t session_count_total(const struct session_header *header, const struct session_slot *slots,
                             uint64_t capacity, uint64_t cursor);

#endif
