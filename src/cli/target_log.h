/**
 * \file target_log.h
 * \brief The log that a process is to write, before it does.
 */
#ifndef VRRL_TARGET_LOG_H
#define VRRL_TARGET_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "panel/process.h"

/** Where a recording goes. */
struct target_log {
    /** Who is to write it; NULL: a program that is started yet. */
    const struct process *process;
    /** As the user gave it, for messages. */
    const char *name;
    /** Absolute, so that it holds when the command changes its folder; as the process finds it. */
    char path[PATH_MAX];
    /** The same as the caller finds it, as long as it runs. */
    char here[PATH_MAX];
    /** A log of that name exists, and is to be kept under its name + ".old". */
    bool replaced;
};

/**
 * Check that the log can be written; changes nothing.
 *
 * A name with %p, %h or %e becomes one only in the command's process; no log of
 * such a name is looked for here.
 *
 * \param process  that runs already, else NULL
 * \param append  continue a log of that name
 * \return false after a message
 */
bool target_log_check(const struct process *process, const char *name, bool append,
                      struct target_log *log);

/** Keep a log that is to be replaced, and its session, as "….old", unless nothing was ever recorded
 *  into it. \return false after a message */
bool target_log_make_room(const struct target_log *log);

/** Make the log for a process that runs, which is held up by that otherwise. Where it cannot be
 *  done the process makes it, or tells why not. */
void target_log_prepare(const struct target_log *log, uint64_t capacity);

/** Take away what was prepared for a process that records no more, if it never recorded into it.
 *  \param path  as the process sees it */
void target_log_take_back(const struct process *process, const char *path);

#endif
