/**
 * \file run_description.h
 * \brief The line that a run adds to the session's `runs.jsonl`.
 */
#ifndef VRRL_SESSION_RUN_DESCRIPTION_H
#define VRRL_SESSION_RUN_DESCRIPTION_H

#include "session/layout.h"

/**
 * Append one JSON object that tells program, arguments, folder, host and times of
 * this process.  A file that has reached 1 MiB is left as it is.  It is a description
 * only: what cannot be read or written is left out.
 */
void session_describe_run(const char *log_path, const struct session_run *run);

#endif
