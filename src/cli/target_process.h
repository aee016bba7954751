/**
 * \file target_process.h
 * \brief The process that `vrrl attach` and `vrrl detach` are for, and its panel.
 */
#ifndef VRRL_TARGET_PROCESS_H
#define VRRL_TARGET_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "panel/process.h"
#include "panel/remote.h"

/** Read the operand that is a process id. \return false after a message */
bool target_process_pid(int argc, char **argv, uint32_t *pid);

/** Look at a process. \return false after a message: there is none, it has ended, or it is not this
 *  user's */
bool target_process_look(const char *verb, uint32_t pid, struct process *process);

/**
 * Open its panel, and keep other commands from asking meanwhile.
 *
 * \param make  prepare one
 * \return 0; ENOENT when it has none that counts; -1 after a message
 */
int target_process_panel(const char *verb, const struct process *process, bool make,
                         struct panel_remote *panel);

#endif
