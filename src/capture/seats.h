/**
 * \file seats.h
 * \brief Who is inside a recording, so that one that ended is unmapped only when nobody is any
 * more.
 *
 * Each thread that publishes has a seat, where it notes with a plain store which recording it may
 * be inside of.  A recording that ended asks all seats, after a barrier that the kernel runs on all
 * threads (membarrier), so that those who publish need none.
 */
#ifndef VRRL_CAPTURE_SEATS_H
#define VRRL_CAPTURE_SEATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** Threads that publish at once; others count themselves (recorder_hold()). */
#define SEATS_MAX 512u

struct seat {
    /** Serial of the oldest recording that its thread may be inside of; 0: of none. */
    _Alignas(64) _Atomic uint32_t inside;
    /** pthread_self() of its thread, or of a dead one; 0: never used.  A thread that has the
     *  place of a dead one takes its seat over. */
    _Atomic uintptr_t thread;
};

/** The seat of the calling thread.  \return NULL when all are taken */
struct seat *seat_of_this_thread(void);

/** Make the barrier possible; makes system calls.  May be called again. */
void seats_prepare(void);

/** Order what threads noted at their seats before what is looked at next.  \return false when the
 *  kernel cannot */
bool seats_barrier(void);

/** After the barrier: whether nobody is inside of the recording of this serial, or an older one. */
bool seats_have_left(uint32_t serial);

/** In a forked child: nobody but the calling thread is there. */
void seats_keep_own(void);

#endif
