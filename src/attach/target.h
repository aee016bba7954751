/**
 * \file target.h
 * \brief The process that is attached to: whether it can be, and what is known of it.
 */
#ifndef VRRL_ATTACH_TARGET_H
#define VRRL_ATTACH_TARGET_H

#include <stdbool.h>

#include "attach/attach.h"
#include "attach/mappings.h"
#include "attach/memory.h"
#include "attach/objects.h"

struct target {
    pid_t pid;
    struct memory memory;
    struct mappings mappings;
    struct objects objects;
    const struct object *libc;
    /** NULL: it is not loaded. */
    const struct object *shim;
    /** It cannot open the shim's file (carry.h). */
    bool needs_carrying;
    /** In the process. */
    uint64_t dlopen;
    uint64_t dlerror;
    uint64_t dlsym;
    uint64_t errno_location;
};

/** Look at a process, and change nothing.  \return false with \a error, and nothing open */
bool target_open(pid_t pid, const char *shim, struct target *target, struct attach_error *error);
void target_close(struct target *target);

/** Read anew what is mapped.  \return false when the process is gone */
bool target_look_again(struct target *target);

/** What two files of the system say of a permission that is missing. */
struct restrictions {
    /** /proc/sys/kernel/yama/ptrace_scope; negative: there is none. */
    int yama_scope;
    /** /sys/kernel/security/lockdown, such as "none [integrity] confidentiality"; may be empty. */
    char lockdown[64];
};

/** Say why the memory of a process of this user may not be opened. */
void target_explain_denial(pid_t pid, const struct restrictions *restrictions,
                           struct attach_error *error);

/** Write the error of a process: "process PID: …". */
__attribute__((format(printf, 3, 4))) void target_fail(struct attach_error *error, pid_t pid,
                                                       const char *format, ...);

#endif
