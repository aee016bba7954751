/**
 * \file target_log.h
 * \brief The log that a process is to write, before it does.
 */
#ifndef VRRL_TARGET_LOG_H
#define VRRL_TARGET_LOG_H

#include <limits.h>
#include <stdbool.h>

/** Where a recording goes. */
struct target_log {
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
 * \param root  the root folder that the process sees, if it is another than the caller's; else ""
 * \param append  continue a log of that name
 * \return false after a message
 */
bool target_log_check(const char *root, const char *name, bool append, struct target_log *log);

/** Keep a log that is to be replaced, and its session, as "….old". \return false after a message */
bool target_log_make_room(const struct target_log *log);

#endif
