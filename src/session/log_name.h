/**
 * \file log_name.h
 * \brief Names that a log is asked for by, which the recorder turns into the name of a process's
 * log.
 *
 * In the name of the file, not in its folder, %p, %h and %e stand for process id,
 * host and program.  Where the name is another process's, ".PID" goes before the suffix.
 */
#ifndef VRRL_SESSION_LOG_NAME_H
#define VRRL_SESSION_LOG_NAME_H

#include <stdbool.h>
#include <string.h>

/** Where the name of the file begins, behind its folder. */
static inline const char *log_name_file(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

/** Where the suffix begins; the end when there is none. */
static inline const char *log_name_suffix(const char *name)
{
    const char *file = log_name_file(name);
    const char *dot = strrchr(file, '.');
    return dot == NULL || dot == file ? name + strlen(name) : dot;
}

/** Whether two characters of the file's name stand for something else.  Any other % is itself. */
static inline bool log_name_expands(const char *at)
{
    return at[0] == '%' && (at[1] == 'p' || at[1] == 'h' || at[1] == 'e');
}

#endif
