/*
 * Recordings that ended: closed when all threads have left them, in steps; and a shim that came
 * late falls asleep then.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "capture/came_late.h"
#include "capture/confinement.h"
#include "capture/recorder_state.h"
#include "capture/references.h"
#include "capture/seats.h"

/** How long calls look whether threads have left. */
#define LEAVING_NS UINT64_C(1000000000)

/** What one step unmaps: some 0.2 ms. */
#define STEP_BYTES (UINT64_C(1) << 20)

void recorder_lock_opened(void)
{
    while (atomic_flag_test_and_set(&recorder.changing))
        sched_yield();
}

void recorder_unlock_opened(void)
{
    atomic_flag_clear(&recorder.changing);
}

/** Recordings up to a serial have ended, and all threads have passed a barrier since: what they
 * note at their seats can be believed. */
static void passed_barrier(uint32_t serial)
{
    recorder_lock_opened();
    for (unsigned i = 0; i < OPENED_MAX; i++) {
        struct opened *opened = &recorder.opened[i];
        if (opened != atomic_load(&recorder.current) && opened->serial <= serial)
            opened->ordered = true;
    }
    recorder_unlock_opened();
}

static bool needs_barrier(void)
{
    bool some = false;
    for (unsigned i = 0; i < OPENED_MAX; i++)
        some = some || (recorder.opened[i].serial != 0 && !recorder.opened[i].ordered &&
                        &recorder.opened[i] != atomic_load(&recorder.current));
    return some;
}

void recorder_stop(void)
{
    atomic_store(&recorder.current, NULL);
    if (!needs_barrier() || atomic_load(&recorder.confined))
        return;
    uint32_t serial = atomic_load(&recorder.serial);
    if (seats_barrier())
        passed_barrier(serial);
}

static bool is_left(const struct opened *opened)
{
    return opened->ordered && atomic_load(&opened->holders) == 0 && seats_have_left(opened->serial);
}

static void close_some(struct opened *opened, struct departure *departure)
{
    if (opened->serial == 0 || opened == atomic_load(&recorder.current))
        return;
    if (!opened->ended && !is_left(opened)) {
        departure->inside++;
        return;
    }
    if (!opened->ended && !opened->parents)
        recording_end(&opened->recording);
    opened->ended = true;
    if (recording_close_some(&opened->recording, STEP_BYTES))
        opened->serial = 0;
    else
        departure->unmapping++;
}

struct departure recorder_close_left(void)
{
    struct departure departure = {.unknown = false};
    if (atomic_load(&recorder.confined))
        return departure;
    if (atomic_flag_test_and_set(&recorder.changing))
        return (struct departure){.unknown = true};
    for (unsigned i = 0; i < OPENED_MAX; i++)
        close_some(&recorder.opened[i], &departure);
    if (departure_is_over(departure) && atomic_load(&recorder.current) == NULL)
        confinement_leave_mappings();
    recorder_unlock_opened();
    return departure;
}

void recorder_drop_parents(void)
{
    atomic_store(&recorder.current, NULL);
    recorder_unlock_opened();
    seats_keep_own();
    for (unsigned i = 0; i < OPENED_MAX; i++) {
        struct opened *opened = &recorder.opened[i];
        opened->parents = opened->serial != 0;
        atomic_store(&opened->holders, 0);
        /* There are no other threads. */
        opened->ordered = true;
    }
    while (recorder_close_left().unmapping > 0)
        ;
}

static uint64_t coarse_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** Say for whoever asked for the end that all threads have left, or that nobody will look any more,
 *  unless a later one was told. */
static void say_left(uint32_t word, struct departure departure)
{
    uint32_t *left = &recorder.panel->left;
    uint32_t before = __atomic_load_n(left, __ATOMIC_SEQ_CST);
    bool is_left = !panel_wants_on(word) && departure_is_left(departure);
    while (is_left && (int32_t)(word - before) > 0 &&
           !__atomic_compare_exchange_n(left, &before, word, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        ;
}

void recorder_begin_leaving(uint32_t word)
{
    struct departure departure = recorder_close_left();
    /* The next call sees to it; who may make no system call stays as it is. */
    bool leaving = !atomic_load(&recorder.confined) &&
                   (!departure_is_over(departure) || (!panel_wants_on(word) && came_late()));
    atomic_store(&recorder.leaving_until_ns, coarse_now_ns() + LEAVING_NS);
    atomic_store(&recorder.acted, word);
    atomic_store(&recorder.quiet, leaving ? ~word : word);
    say_left(word, departure);
}

static bool nobody_asks(void)
{
    uint32_t word = recorder_word();
    return word == atomic_load(&recorder.acted) && !panel_wants_on(word);
}

/** One thread at a time.  Who asks from now on sees it, or is seen. */
static bool may_sleep(void)
{
    recorder_say_asleep(1);
    if (nobody_asks())
        return true;
    recorder_say_asleep(0);
    return false;
}

/** Of a shim that came late: be called no more.  \return false when it should be tried again */
static bool fall_asleep(void)
{
    return !came_late() || recorder_makes_no_calls() || !nobody_asks() ||
           references_restore(may_sleep);
}

/** A step.  \param late  the command's barrier did not come: run one */
static struct departure close_step(uint32_t serial, uint32_t acted, bool late)
{
    sigset_t signals;
    recorder_block_signals(&signals);
    bool passed = __atomic_load_n(&recorder.panel->barrier, __ATOMIC_SEQ_CST) == acted;
    if (!passed && late && needs_barrier()) {
        seats_prepare();
        passed = seats_barrier();
    }
    if (passed)
        passed_barrier(serial);
    struct departure departure = recorder_close_left();
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
    return departure;
}

/** Nothing is to be done any more, unless another word was acted upon meanwhile. */
static void be_quiet(uint32_t acted)
{
    uint32_t loud = ~acted;
    atomic_compare_exchange_strong(&recorder.quiet, &loud, acted);
}

bool recorder_is_leaving(void)
{
    return atomic_load(&recorder.quiet) != atomic_load(&recorder.acted);
}

void recorder_look_who_left(void)
{
    /* Before the word, so that the barrier is none of before a newer recording ended. */
    uint32_t serial = atomic_load(&recorder.serial);
    uint32_t acted = atomic_load(&recorder.acted);
    if (atomic_load(&recorder.confined)) {
        say_left(acted, recorder_close_left());
        be_quiet(acted);
        return;
    }
    uint64_t now = coarse_now_ns();
    if (atomic_exchange(&recorder.looked_ns, now) == now)
        return;
    bool late = now >= atomic_load(&recorder.leaving_until_ns);
    struct departure departure = close_step(serial, acted, late);
    say_left(acted, departure);
    bool given_up = departure.inside > 0 && departure.unmapping == 0 && late;
    if (!departure_is_over(departure) && !given_up)
        return;
    if (!fall_asleep() && !late)
        return;
    be_quiet(acted);
}
