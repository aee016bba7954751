/**
 * \file session_journals.h
 * \brief What `vrrl info` and `vrrl verify` tell of a session's journals.
 */
#ifndef VRRL_SESSION_JOURNALS_H
#define VRRL_SESSION_JOURNALS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

/** Add submits, observations, programs and kernels to the description of a session.  A log whose
 *  host launched nothing has none, and nothing is added. */
void session_journals_add_json(const char *log_path, struct json_object *session);

#define JOURNAL_FAULT_BYTES 512

/**
 * Hold the journals against log and session.
 *
 * \param total  of the log
 * \param[out] fault  the first thing that is wrong, a sentence with its "Fix: …"
 * \return false when there is one
 */
bool session_journals_agree(const char *log_path, const struct session_header *header,
                            uint64_t total, char fault[JOURNAL_FAULT_BYTES]);

#endif
