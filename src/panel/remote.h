/**
 * \file remote.h
 * \brief The panel of another process, for the command.
 *
 * It is read and written as a file, never mapped: whatever its process does to it, the command does
 * not die by it.
 */
#ifndef VRRL_PANEL_REMOTE_H
#define VRRL_PANEL_REMOTE_H

#include <stdbool.h>

#include "panel/panel.h"
#include "panel/process.h"

struct panel_remote {
    int file;
    /** As it was read last, whole. */
    struct panel seen;
};

/**
 * Open the panel of a process.
 *
 * \param make  prepare one where there is none: the shim takes it over when it is loaded into the
 *        process, or, of a child of fork, at its next publish
 * \return 0; ENOENT when there is none; else why it cannot be used (an errno)
 */
int panel_open(const struct process *process, bool make, struct panel_remote *remote);

/** Keep other commands from asking meanwhile.  Waits at most 2 seconds.  \return false when another
 *  does still */
bool panel_lock(struct panel_remote *remote);
void panel_unlock(struct panel_remote *remote);

/** Read it again.  \return false when that is not possible, or the shim was killed while it wrote
 */
bool panel_read(struct panel_remote *remote);

/** Ask for recording, or for its end (\a request NULL).  With the lock held, after panel_read().
 *  \return false when it could not be written */
bool panel_ask(struct panel_remote *remote, const struct panel_request *request);

/** Wait until the shim has answered what was asked last.  \return false when it has not in time */
bool panel_wait(struct panel_remote *remote, unsigned milliseconds);

/** The same after asking for the end, until no thread is inside of the recording any more. */
bool panel_wait_left(struct panel_remote *remote, unsigned milliseconds);

/** As panel_wait(), until it has also gone on from a state. */
bool panel_wait_past(struct panel_remote *remote, enum panel_state state, unsigned milliseconds);

/** Whether the shim of the process looks at its panel, or will: one may be left behind by a program
 *  that exec'ed another. */
bool panel_is_in_use(const struct process *process);

/** Remove it, of a process that the shim did not get into. */
void panel_remove(const struct process *process);

void panel_close(struct panel_remote *remote);

/** Call \a each for the processes that have a panel, in the order of their numbers: those of the
 *  calling user, and for root all.  Panels of dead processes are removed, where that can be told.
 */
void panel_for_each(void (*each)(uint32_t pid, void *opaque), void *opaque);

#endif
