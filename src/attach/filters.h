/**
 * \file filters.h
 * \brief Filters of system calls (seccomp) that a process is under: its own, or its container's.
 *
 * What the shim does must not end the process. A filter that vrrl is under as well has shown that
 * it does not; another is read, for which a thread is stopped for a moment, and looked through. A
 * container's mostly refuses what it does not allow, and ends nobody.
 */
#ifndef VRRL_ATTACH_FILTERS_H
#define VRRL_ATTACH_FILTERS_H

#include "attach/attach.h"

/** \return false with \a error: loading or recording may end it, or that cannot be told */
bool filters_check(pid_t pid, struct attach_error *error);

#endif
