/**
 * \file recorder_state.h
 * \brief What the parts of the recorder share: recorder.c (publishes), recorder_life.c (the
 * process, and switching on and off), recorder_open.c (logs opened and closed).
 */
#ifndef VRRL_CAPTURE_RECORDER_STATE_H
#define VRRL_CAPTURE_RECORDER_STATE_H

#include <sys/types.h>

#include "capture/recorder.h"
#include "panel/panel.h"

enum state {
    /** The environment has not been read. */
    UNLOADED = 0,
    LOADING,
    /** A log is wanted, and nothing was published yet. */
    IDLE,
    /** A thread opens the log, or acts upon what was asked; the others wait for it. */
    SWITCHING,
    RECORDING,
    /** Dormant, or failed. */
    OFF,
};

/** What lies in the page that fork wipes. */
enum here {
    /** This is a child, and what else is known is its parent's. */
    ELSEWHERE = 0,
    HERE,
    /** One of the child's threads forgets what was the parent's; the others wait. */
    ARRIVING,
};

/** A recording of this process: the one that is being recorded into, or one that ended and that a
 *  thread may still be inside of. */
struct opened {
    /** The first member, so that one is found by the other. */
    struct recording recording;
    /** Number among the recordings of this process, from 1; 0: this entry is free. */
    _Atomic uint32_t serial;
    /** Who is inside of it for longer than one publish. */
    _Atomic uint32_t holders;
    /** It ended, and the barrier of the seats was run since. */
    bool ordered;
    /** Of the process that this one was forked from. */
    bool parents;
    /** All threads have left it, and its run has its end: it is being unmapped. */
    bool ended;
};

static inline struct opened *opened_of(struct recording *recording)
{
    return (struct opened *)(void *)recording;
}

/** One that is recorded into, and others that threads never left (they were killed, or left by
 *  longjmp(), in the middle of a publish). */
#define OPENED_MAX 4u

/** Settings of the environment or of a request; a thread may still read those before. */
#define SETTINGS_KEPT 4u

struct recorder {
    /* On one cache line, and written seldom: what each call looks at. */
    _Alignas(64) _Atomic int state;
    /** RECORDING: what is recorded into, else NULL. */
    _Atomic(struct opened *) current;
    /** A word in memory that fork wipes: 1 in the process that wrote it, 0 in its children, 2 while
     * a child begins.  So a child is noticed without a system call. */
    _Atomic int *here;
    /** panel.word, or one that stays 0. */
    _Atomic(const uint32_t *) word;
    /** The word at which nothing is to be done. */
    _Atomic uint32_t quiet;
    /** Serial of the newest recording. */
    _Atomic uint32_t serial;
    /* Written by publishes and looks. */
    /** The last epoch that the host saw, below the number of the look at it: of each ring, 0
     *  when it was never seen, and of no ring in particular. */
    _Alignas(64) _Atomic uint64_t ring_epochs[SESSION_RINGS_OF_RUN_MAX];
    _Atomic uint64_t epoch;
    _Atomic uint32_t looks;
    _Atomic uint32_t threads;
    /** Publishes of signal handlers inside the opening. */
    _Atomic uint64_t skipped_while_opening;

    /** No system call may be made any more. */
    _Atomic bool confined;
    /** The word that was acted upon last. */
    _Atomic uint32_t acted;
    /** Recording is wanted, by the environment or by that word. */
    bool wanted;
    /** By that word, of a process that ran before. */
    _Atomic bool late;
    /** Until when calls look for threads that are inside of a recording that ended, and when they
     *  looked last. */
    _Atomic uint64_t leaving_until_ns;
    _Atomic uint64_t looked_ns;
    /** Held, for a short time and with signals blocked, by who puts an entry into \c opened or
     * takes one out. */
    atomic_flag changing;
    /** Times that watching began (recorder_watch()). */
    _Atomic uint32_t watch;
    struct opened opened[OPENED_MAX];
    struct settings settings[SETTINGS_KEPT];
    _Atomic uint32_t settings_now;
    /** The panel; memory of this process alone while it has no file. */
    struct panel *panel;
    _Atomic bool panel_is_shared;
};

extern struct recorder recorder;

/** A word that stays 0. */
extern const uint32_t recorder_nobody_asks;

/** initial-exec: the publish path must not allocate, as the general model may. */
struct this_thread {
    /** Number of this thread in the recording of that serial. */
    uint32_t number;
    uint32_t serial;
    struct seat *seat;
    /** It switches the recorder, or begins in a forked child. */
    bool switching;
};

extern __thread struct this_thread this_thread __attribute__((tls_model("initial-exec")));

static inline bool recorder_is_here(void)
{
    return atomic_load_explicit(recorder.here, memory_order_acquire) == HERE;
}

static inline uint32_t recorder_word(void)
{
    return __atomic_load_n(atomic_load_explicit(&recorder.word, memory_order_acquire),
                           __ATOMIC_ACQUIRE);
}

/** Whether no call has anything to do but its own: nobody asked, and this is no new child. */
static inline bool recorder_is_quiet(void)
{
    return recorder_is_here() &&
           recorder_word() == atomic_load_explicit(&recorder.quiet, memory_order_relaxed);
}

/** Whether nothing is recorded and nobody asked for it: then a hook hands its call on at once. */
static inline bool recorder_is_off(void)
{
    return atomic_load_explicit(&recorder.state, memory_order_relaxed) == OFF &&
           recorder_is_quiet();
}

static inline struct settings *settings_now(void)
{
    return &recorder.settings[atomic_load_explicit(&recorder.settings_now, memory_order_acquire) %
                              SETTINGS_KEPT];
}

/* recorder_life.c */

/** Signals wait while the log is opened: a timer that rings more often than blocks can be allocated
 *  would interrupt that for ever. */
void recorder_block_signals(sigset_t *before);

/** Read the environment, if nobody did before. */
void recorder_load(void);

/** Do what a call that is not quiet has to do; with \a publishing, open the log if one is wanted.
 */
void recorder_look_around(bool publishing);

/* recorder_open.c: by the thread that made the state SWITCHING, unless said otherwise. */

/**
 * Open the log that is wanted.
 *
 * \param[out] log  its name, "" when there was none yet
 * \return NULL, or why it could not be opened; errno tells more when it is not 0
 */
const char *recorder_open_log(char log[PATH_MAX]);

/* recorder_leaving.c */

/** Who puts an entry into \c recorder.opened or takes one out, with signals blocked. */
void recorder_lock_opened(void);
void recorder_unlock_opened(void);

/** Take no more places in what is recorded into.  Threads inside of it go on.  By the thread that
 *  made the state SWITCHING. */
void recorder_stop(void);

/** How far the recordings that ended have come. */
struct departure {
    /** Another thread looks just now; nothing is known. */
    bool unknown;
    /** How many threads may be inside of. */
    unsigned inside;
    /** How many all threads have left, and are unmapped in steps. */
    unsigned unmapping;
};

static inline bool departure_is_left(struct departure departure)
{
    return !departure.unknown && departure.inside == 0;
}

static inline bool departure_is_over(struct departure departure)
{
    return departure_is_left(departure) && departure.unmapping == 0;
}

/** Go a step on in closing the recordings that ended and that all threads have left; of none when
 *  no system call may be made.  Any thread, with signals blocked. */
struct departure recorder_close_left(void);

/** A word was acted upon: from now on calls see to what it ended.  As recorder_stop(). */
void recorder_begin_leaving(uint32_t word);

/** Whether something is to be seen to: what ended is not closed yet, or the shim not asleep. */
bool recorder_is_leaving(void);

/** See to it, once a tick of the coarse clock.  Any thread. */
void recorder_look_who_left(void);

/** In a forked child: nothing of the parent's is the child's. */
void recorder_drop_parents(void);

/* recorder_panel.c */

/** Look for the panel of this process, or make it, unless it has it already. */
void recorder_find_panel(bool make);

/** In a forked child: the panel is the parent's. */
void recorder_leave_panel(void);

/** Say there whether the shim is called at all (panel.asleep). */
void recorder_say_asleep(uint32_t asleep);

/** Say there how it stands.  \param log  RECORDING and FAILED: its name  \param fault  FAILED */
void recorder_say_state(enum panel_state state, const char *log, const char *fault);

#endif
