/**
 * \file target_log.h
 * \brief The log that `vrrl record` is to write, before the command runs.
 */
#ifndef VRRL_TARGET_LOG_H
#define VRRL_TARGET_LOG_H

#include <limits.h>
#include <stdbool.h>

/** Where a recording goes. */
struct target_log {
    /** As the user gave it, for messages. */
    const char *name;
    /** Absolute, so that it holds when the command changes its folder. */
    char path[PATH_MAX];
    /** A log of that name exists, and is to be kept under its name + ".old". */
    bool replaced;
};

/**
 * Check that the log can be written; changes nothing.
 *
 * A name with %p, %h or %e becomes one only in the command's process; no log of
 * such a name is looked for here.
 *
 * \param append  continue a log of that name
 * \return false after a message
 */
bool target_log_check(const char *name, bool append, struct target_log *log);

/** Keep a log that is to be replaced, and its session, as "….old". \return false after a message */
bool target_log_make_room(const struct target_log *log);

#endif
