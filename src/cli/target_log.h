/**
 * \file target_log.h
 * \brief The log that `vrrl record` has written, before and after the command.
 */
#ifndef VRRL_TARGET_LOG_H
#define VRRL_TARGET_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/** Where a recording goes. */
struct target_log {
    /** As the user gave it, for messages. */
    const char *name;
    /** Absolute, so that it holds when the command changes its folder. */
    char path[PATH_MAX];
    /** Running total before the command ran; 0 for a new log. */
    uint64_t total_before;
    /** Empty places before the command ran; 0 for a new log. */
    uint64_t gaps_before;
    /** It exists, and --append continues it. */
    bool continued;
    /** It exists, and is to be kept under its name + ".old". */
    bool replaced;
};

/** What a log holds after the command ended. */
struct target_result {
    uint64_t recorded;
    /** Of those recorded, how many newer ones have overwritten. */
    uint64_t overwritten;
    /** Publishes that succeeded and could not be recorded. */
    uint64_t skipped;
};

/**
 * Check that the log can be written, and changes nothing.
 *
 * \param append  continue a log of that name
 * \return false after a message
 */
bool target_log_check(const char *name, bool append, struct target_log *log);

/** Keep a log that is to be replaced, and its session, as "….old". \return false after a message */
bool target_log_make_room(const struct target_log *log);

/** \return false when there is no log, or none that can be read (then after a message) */
bool target_log_result(const struct target_log *log, struct target_result *result);

#endif
