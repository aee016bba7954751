/**
 * \file confinement.h
 * \brief Signals of mappings that broke, and filters of system calls: what the host does to its
 *        process that the recorder must know of.
 *
 * The shim stands before sigaction(), signal(), prctl() and syscall(), which go on meaning to the
 * host what they meant.  A log that is truncated while it is mapped makes SIGBUS at the next
 * store: the recorder's handler acts on its own mappings alone and hands everything else to
 * the host's.  A seccomp filter is noticed where it is installed, since after it no system call may
 * be made.
 *
 * Known limits: a thread that blocks SIGBUS dies by it; a filter or a handler that is installed by
 * a system call instruction of the host's own is not noticed.
 */
#ifndef VRRL_CAPTURE_CONFINEMENT_H
#define VRRL_CAPTURE_CONFINEMENT_H

/** Handle SIGBUS from now on. */
void confinement_watch_mappings(void);

/** Handle it no more: the host's own action is in force again. */
void confinement_leave_mappings(void);

/** For dynamic_entry.S: syscall(SYS_seccomp, operation, …) is about to be made. */
void confinement_seccomp_asked(unsigned long operation);

/** For dynamic_entry.S: where syscall() goes on. */
extern void *confinement_syscall;
void confinement_find_syscall(void);

#endif
