/**
 * \file thread.h
 * \brief Stopping one thread of another process, and letting it go.
 *
 * No signal is sent to it, and none is lost: one that comes meanwhile is handed on.
 */
#ifndef VRRL_ATTACH_THREAD_H
#define VRRL_ATTACH_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum stop {
    STOPPED,
    /** It is gone, or traced by another, or did not stop; it goes on. */
    STOP_NOT,
    /** This user may not; errno says why. */
    STOP_FORBIDDEN,
};

/** Stop a thread that runs. */
enum stop thread_stop(pid_t thread);
void thread_release(pid_t thread);

/** Where a stopped thread is. */
struct thread_place {
    uint64_t counter;
    uint64_t stack;
    /** AArch64: where the function returns to. x86-64: 0. */
    uint64_t link;
};

/** \return false when it is in a system call, in a restartable sequence, or has more state than the
 * stub keeps */
bool thread_place(pid_t thread, struct thread_place *place);

/** Let a stopped thread go on elsewhere; all but \a place stays as it is.  \return false with errno
 */
bool thread_send(pid_t thread, const struct thread_place *place);

#endif
