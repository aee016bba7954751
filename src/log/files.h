/**
 * \file files.h
 * \brief Making files that are whole: allocated up front, and named only when complete.
 *
 * Used for the log and for the session's files.  None of these functions is
 * signal safe.
 */
#ifndef VRRL_LOG_FILES_H
#define VRRL_LOG_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Create an empty file beside \a path, for log_give_name() or unlink().
 *  \return a descriptor, or a VRRL_E code */
int log_create_unfinished(const char *path, mode_t mode, char unfinished[PATH_MAX]);

/** Have this process pause for a moment between the steps of what follows: in the kernel it would
 *  keep a processor from other processes for milliseconds. */
void log_be_gentle(void);

/** Allocate all blocks of a file, so that a full disk is an error now and no SIGBUS later.
 *  Checks RLIMIT_FSIZE first, since passing it kills.  \return 0, VRRL_E_NO_SPACE or VRRL_E_IO */
int log_allocate(int file, uint64_t bytes);

/** Fault in a writable shared map, so that no append has to wait for it. */
void log_populate(void *map, uint64_t bytes);

/**
 * Unmap some of a mapping, from its end on: a map of many pages takes the kernel a millisecond for
 * each few MiB, which is too long for one call of a host.
 *
 * \param[in,out] map_bytes  what is left of it
 * \param[in,out] bytes  what may be unmapped, rounded up to pages; less by what was
 * \return true when nothing is left
 */
bool log_unmap_some(void *map, uint64_t *map_bytes, uint64_t *bytes);

/** Give an unfinished file its name, unless another has it; the unfinished name goes in either
 *  case.  \return 0, VRRL_E_EXISTS or VRRL_E_IO */
int log_give_name(const char *unfinished, const char *path);

#endif
