/**
 * \file came_late.h
 * \brief A shim that was loaded into a process that ran already (src/attach/).
 *
 * It is the last in the order of lookup, and local: no reference leads to it by itself, and nobody
 * finds its functions by dlsym(). While something is recorded the references of all objects are
 * pointed at the hooks (references.h); afterwards they lead again to where they led before, and
 * the job calls the originals as if the shim were not there.
 *
 * Known limits: a function pointer that the program got before, or keeps in its own data, is not
 * seen; one that it got meanwhile leads to the hook for good, which only hands calls on then.
 */
#ifndef VRRL_CAPTURE_CAME_LATE_H
#define VRRL_CAPTURE_CAME_LATE_H

#include <stdbool.h>

/** Whether the shim was neither preloaded nor linked to the program. */
bool came_late(void);

/**
 * Point all references at the hooks: called by the process itself, sent by `vrrl attach`.
 *
 * Exported, as the attaching command looks for it by its name. Both parameters are of no matter:
 * it is called as dlopen() is.
 *
 * \return not NULL
 */
void *vrrl_preload_wake(const char *unused, int mode);

#endif
