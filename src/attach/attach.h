/**
 * \file attach.h
 * \brief Getting the shim into a process that runs already, without stopping it.
 *
 * What decides everything is where dlopen() is called: a thread that holds a lock of the loader or
 * of malloc() would never come back. So the job calls it by itself, where it calls one of the
 * functions that the shim hooks: a stub in unused text stands before them for a moment
 * (by_reference.h). Where that is not possible, one thread is stopped in its own code and sent
 * through the stub (by_stop.h). A tracer that is killed at any step leaves a job that runs on.
 *
 * x86-64 and AArch64, the GNU C library. What stays in the job: the shim, mapped; the stub, inert,
 * in padding that nobody uses, since a thread may have read its address a moment ago.
 */
#ifndef VRRL_ATTACH_ATTACH_H
#define VRRL_ATTACH_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** What went wrong, with the process named and what to do at its end. */
struct attach_error {
    char text[1024];
};

enum attach_way {
    /** The job came by itself. */
    ATTACH_BY_REFERENCE,
    /** A thread was stopped and sent there. */
    ATTACH_BY_STOP,
};

struct attach_request {
    pid_t pid;
    /** The file of the shim; absolute. */
    const char *shim;
    /** Further functions that the job calls, besides those of libvyre_runtime and of OpenCL. NULL
     * at the end, or NULL altogether. */
    const char *const *functions;
    /** After this long without success everything is put back; 0: 2,000. */
    unsigned milliseconds;
};

struct attach_result {
    enum attach_way way;
    /** The shim was there, and was woken instead of loaded. */
    bool was_loaded;
};

/**
 * Load the shim into a process, or wake one that was loaded before and put to sleep
 * (vrrl_preload_wake(), which the shim exports).
 *
 * The process is untouched when it cannot be attached to: none such, not this user's, not
 * dumpable, a zombie, a kernel's thread, traced, of another architecture, static, of another C
 * library, or, with a root folder or mounts of its own, without a /proc.
 *
 * \return 0, or -1 with \a error
 */
int attach_load(const struct attach_request *request, struct attach_result *result,
                struct attach_error *error);

#endif
