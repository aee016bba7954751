/**
 * \file target_shim.h
 * \brief Getting the shim of a process to see what is asked of it.
 */
#ifndef VRRL_TARGET_SHIM_H
#define VRRL_TARGET_SHIM_H

#include <stdbool.h>

#include "panel/process.h"
#include "panel/remote.h"

/**
 * Load the shim into a process that has none, or wake it where it sleeps; where it looks at its
 * panel by itself do nothing.  Recording was asked for before, so that it finds that there.
 *
 * \param symbols  publish functions that the user named (VRRL_PUBLISH_SYMBOL), may be NULL
 * \return false after a message; then what was asked for is taken back
 */
bool target_shim_wake(const struct process *process, struct panel_remote *panel,
                      const char *symbols);

#endif
