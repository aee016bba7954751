/**
 * \file session_json.h
 * \brief The session of a log as a JSON object.
 */
#ifndef VRRL_SESSION_JSON_H
#define VRRL_SESSION_JSON_H

#include <json-c/json.h>

#include "session/session.h"

/**
 * What the session tells: total, overwritten, failed, skipped, owner, runs and
 * rings.  What runs.jsonl has of a run is merged into it; a missing or broken
 * file is let pass.
 *
 * \param info  of the log
 * \return an object that the caller releases with json_object_put(); NULL without memory
 */
struct json_object *session_json(const char *log_path, const struct session_reader *session,
                                 const struct vrrl_info *info);

/** Read a number that fits in 64 bits from a member. \return 0 when there is none */
uint64_t json_number(struct json_object *object, const char *member);

#endif
