/**
 * \file process.h
 * \brief What the command must know of a process before it touches it.
 */
#ifndef VRRL_PANEL_PROCESS_H
#define VRRL_PANEL_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "panel/folder.h"
#include "session/layout.h"

struct process {
    /** As the caller sees it. */
    uint32_t pid;
    /** Its effective user. */
    struct panel_user user;
    gid_t group;
    /** It has ended, and its parent has not asked for its status. */
    bool zombie;
    /** It filters its system calls (seccomp). */
    bool confined;
    /** To it clocks tell another time since the boot (a time namespace), so that it describes
     * itself otherwise than \c identity does. */
    bool has_other_clocks;
    /** As the process describes itself, with its number in its own pid namespace. */
    struct session_owner identity;
    /** Where it sees another root folder or other mounts than the caller: its root folder as the
     *  caller finds it, /proc/PID/root.  Else "", also when that cannot be looked into. */
    char root[32];
    /** Name of its program's file, without the folder; "" when it cannot be told. */
    char name[NAME_MAX + 1];
};

/** Look at a process.  \return false when there is none */
bool process_look(uint32_t pid, struct process *process);

/** Who makes files. */
struct process_user {
    uid_t user;
    gid_t group;
};

/**
 * Make files as the process's user from now on: what root makes is that user's from its first
 * moment, is made nowhere but where that user might, and is known in the user namespace of the file
 * system.
 *
 * \return who did before, for process_act_again_as()
 */
struct process_user process_act_as(const struct process *process);
void process_act_again_as(struct process_user before);

/** Whether a file of this name, whatever its folder and version, is mapped into it.  \return 1, 0,
 * or -1 when that cannot be told */
int process_maps(const struct process *process, const char *file_name);

#endif
