/**
 * \file program_cache.h
 * \brief Programs that were built for a device are kept for the next run.
 *
 * In $XDG_CACHE_HOME/vrrl, or $HOME/.cache/vrrl, a folder of mode 0700.  An entry is one file that
 * holds all that the binary depends on (source, build options, device, driver) beside the binary,
 * and a sum over both: one that is damaged, or of another program of the same name, is built and
 * written anew.  Files and folders that belong to another user, that others may write, or that are
 * symbolic links are not touched.  Whatever goes wrong with the cache, the program is built without
 * it.  An entry appears under its name whole, so that several processes may use the cache at once.
 */
#ifndef VRRL_REPLAY_PROGRAM_CACHE_H
#define VRRL_REPLAY_PROGRAM_CACHE_H

#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>

/** Entries that are kept; past that the one that was not used for longest goes. */
#define PROGRAM_CACHE_ENTRIES_MAX 64u

/** Bytes of the largest entry. */
#define PROGRAM_CACHE_ENTRY_MAX ((size_t)64 << 20)

/**
 * Build a program for one device, or load it as an earlier run built it.
 *
 * A source with an #include is never kept: what it includes is not known.
 *
 * \param source    \a source_len bytes of OpenCL C
 * \param options   of clBuildProgram()
 * \param[out] program  released by the caller; set also when building failed, for its build log,
 *                      NULL when it could not even be created
 * \param[out] kept     whether it came from the cache; may be NULL
 * \return an OpenCL error code
 */
cl_int program_cache_build(cl_context context, cl_device_id device, const char *source,
                           size_t source_len, const char *options, cl_program *program, bool *kept);

#endif
