/**
 * \file carry.h
 * \brief The shim for a process that cannot open its file: it sees other mounts, or another root
 *        folder.
 *
 * No path of ours leads there, and a file that was put there would have to be found room, and be
 * removed again. So the stub makes a file in memory, which the tracer fills through
 * /proc/PID/fd/N; that works across namespaces. The process opens it as /proc/self/fd/N of its own.
 */
#ifndef VRRL_ATTACH_CARRY_H
#define VRRL_ATTACH_CARRY_H

#include "attach/injection.h"

/** Whether the shim must be carried into the process, and can be.  \return false with \a error */
bool carry_look(pid_t pid, const char *shim, bool *is_needed, struct attach_error *error);

/** Fill the file that the stub waits for, and tell it the path.  \return false when that is not
 *  possible, or no more */
bool carry_fill(const struct injection *injection, const struct stub_words *words);

/** Why there was no file, of which the stub has told the end.  \return NULL: there was one */
const char *carry_fault(const struct stub_words *words);

#endif
