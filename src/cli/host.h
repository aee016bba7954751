/**
 * \file host.h
 * \brief The program that is to be recorded: where it is, and whether it can be.
 */
#ifndef VRRL_HOST_H
#define VRRL_HOST_H

#include <limits.h>
#include <stddef.h>

/**
 * Find a command as execvp() does: as it is when it has a '/', else in PATH.
 *
 * \param[out] path  room for PATH_MAX
 * \return 0, ENOENT when there is none, or why it cannot be executed (EACCES, EISDIR…)
 */
int host_find(const char *command, char path[PATH_MAX]);

/**
 * Why no preloaded library gets into a program.  A script is judged by its interpreter.
 *
 * \param path  as host_find() found it
 * \return e.g. "it is a static binary"; NULL when nothing is known to prevent it.  Static storage.
 */
const char *host_refuses_preload(const char *path);

#endif
