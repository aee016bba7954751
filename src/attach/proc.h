/**
 * \file proc.h
 * \brief Files of /proc/PID.
 */
#ifndef VRRL_ATTACH_PROC_H
#define VRRL_ATTACH_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** The whole of a file, which ends with a zero that \a bytes does not count.
 *  \param bytes  may be NULL
 *  \return to be freed; NULL with errno */
char *proc_read(pid_t pid, const char *file, size_t *bytes);

/** The number behind a name of a file like /proc/PID/status.  \return false when it is not there */
bool proc_number(const char *text, const char *name, int base, uint64_t *number);

#endif
