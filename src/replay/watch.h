/**
 * \file watch.h
 * \brief A replay runs in a process of its own, and another watches over it.
 *
 * A kernel may never end, and a driver may crash or never come back: only the end of its process
 * stops it.  So the work is done by a child, forked before the first OpenCL call.  It says how far
 * it is in memory that both share; a thread of it shows that on a terminal, and says what stalled
 * when nothing has moved for too long.  If even that does not work out, or the child crashed, the
 * parent says so.  Time during which both are stopped does not count.
 *
 * Ctrl-C asks the worker to end with what it has so far; a second one ends all at once.
 */
#ifndef VRRL_REPLAY_WATCH_H
#define VRRL_REPLAY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"

/** Seconds without any progress after which a replay is given up, unless the user says otherwise.
 *  Before the first step, while programs are built, it is ten times as long. */
#define WATCH_TIMEOUT_S 30u

/** Seconds that a worker has to end after Ctrl-C. */
#define WATCH_GRACE_S 5u

/** How work that was done ended. */
enum watch_end {
    /** It returned an exit status. */
    WATCH_ENDED,
    /** Ctrl-C, and it did not end in time: there is no report. */
    WATCH_INTERRUPTED,
    /** It stalled or crashed: the error is set. */
    WATCH_FAILED,
};

struct watch;

/** Says in a sentence without its end what is under way, as "record 7 (NOP in slot 3)".  Called by
 *  another thread, while the one that works waits for a device. */
typedef void watch_explain(void *context, char *text, size_t size);

/**
 * Do work in a child.  Standard streams must be flushed; the calling process must have one thread.
 * SIGINT is handled meanwhile.
 *
 * \param timeout_s  WATCH_TIMEOUT_S, or as the user says
 * \param work  returns the exit status, 0 … 255; also 130, after Ctrl-C
 * \param[out] status  of \a work, when WATCH_ENDED is returned
 */
enum watch_end watch_run(int (*work)(void *context, struct watch *watch), void *context,
                         unsigned timeout_s, int *status, struct replay_error *error);

/** Of the worker: how many records there are, and who says what is under way. NULL watch: nobody
 *  watches, here and below. */
void watch_begin(struct watch *watch, uint64_t total, watch_explain *explain, void *context);

/** Something moved. \param done  records that are done.  \return false when the user wants an end
 */
bool watch_step(struct watch *watch, uint64_t done);

/** Sleep, which is no stall. \return false when the user wants an end, at once then */
bool watch_sleep(struct watch *watch, uint64_t ns);

/** Nothing is under way any more: what was given to watch_begin() is not called, and no progress is
 *  shown.  Another beginning may follow. */
void watch_finish(struct watch *watch);

/** From now on it is reported, for which a reader may take as long as he likes. */
void watch_report(struct watch *watch);

#endif
