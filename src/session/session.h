/**
 * \file session.h
 * \brief Reading a session, the folder `run.vrrl.d` beside `run.vrrl`.
 *
 * A session is optional: where there is none, every tool works on the bare log
 * and says what it could not check.
 */
#ifndef VRRL_SESSION_H
#define VRRL_SESSION_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "log/vrrl.h"
#include "session/layout.h"

/** Why a session could not be used; beside the VRRL_E codes, explained by session_strerror(). */
enum session_error {
    /** A file of the session is not what its name says, of another version, or damaged. */
    SESSION_E_FORMAT = -101,
    /** A file of the session is shorter than its header says. */
    SESSION_E_TRUNCATED = -102,
    /** The slots file belongs to a log of another capacity. */
    SESSION_E_CAPACITY = -103,
    /** A live process records into the log. */
    SESSION_E_OWNED = -104,
    /** The name of the session folder does not fit into PATH_MAX. */
    SESSION_E_PATH = -105,
};

/** As vrrl_strerror(), for the codes of both. */
const char *session_strerror(int error);

/** Write the name of the session folder of a log. \return false when it does not fit. */
bool session_path(const char *log_path, char out[PATH_MAX]);

/** A session that is open for reading.  One thread at a time. */
struct session_reader;

/**
 * Open the session of a log.
 *
 * \param capacity  of the log; a session of another capacity is refused
 * \return 0, VRRL_E_NOT_FOUND when there is none, a SESSION_E code, VRRL_E_NO_MEMORY or VRRL_E_IO
 */
int session_reader_open(const char *log_path, uint64_t capacity, struct session_reader **reader);

/** The header: runs, rings, counters, owner.  Valid until the reader is closed. */
const struct session_header *session_reader_header(const struct session_reader *reader);

/**
 * The slot of the record at a place of the log.
 *
 * \return false when the session has none for it (written before the session
 *         began, or by vyre's own writer), or when a live writer was just there
 */
bool session_reader_slot(const struct session_reader *reader, uint64_t place,
                         struct session_slot *slot);

/** Whether a slot is that of a record: slot index, opcode, tenant and the first four args agree. */
bool session_slot_matches(const struct session_slot *slot, const struct vrrl_record *record);

/** Publishes recorded since the log began, counting those that were overwritten. */
uint64_t session_reader_total(const struct session_reader *reader, uint64_t cursor);

/** Describe a process.  Fields that /proc does not tell are 0; the start time of a zombie is. */
void session_owner_of(uint32_t pid, struct session_owner *owner);

/** Describe the calling process. */
void session_owner_self(struct session_owner *owner);

/** Whether the process that recorded into the log last still runs.  One in another pid
 *  namespace cannot be looked up, and is taken to run. */
bool session_owner_alive(const struct session_owner *owner);

/** Whether /proc has processes under the numbers that they have for the calling one: in a new pid
 *  namespace that of the old one may still be mounted. */
bool session_proc_has_our_numbers(void);

void session_reader_close(struct session_reader *reader);

#endif
