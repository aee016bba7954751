/*
 * Logs: opened at a publish, and closed when all threads have left them.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "capture/confinement.h"
#include "capture/recorder_state.h"
#include "capture/seats.h"

/** How long the opening waits for threads to leave the last recording, if it is of the same log. */
#define LEAVE_NS UINT64_C(200000000)

/** What one step unmaps: some 0.2 ms. */
#define STEP_BYTES (UINT64_C(1) << 20)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void lock_opened(void)
{
    while (atomic_flag_test_and_set(&recorder.changing))
        sched_yield();
}

static void unlock_opened(void)
{
    atomic_flag_clear(&recorder.changing);
}

/** Only this thread takes one. */
static struct opened *free_entry(void)
{
    for (unsigned i = 0; i < OPENED_MAX; i++)
        if (recorder.opened[i].serial == 0)
            return &recorder.opened[i];
    return NULL;
}

/** Whether this process has the log open still, from before. */
static bool is_open(const char *log)
{
    bool found = false;
    lock_opened();
    for (unsigned i = 0; i < OPENED_MAX; i++)
        found = found || (recorder.opened[i].serial != 0 && !recorder.opened[i].parents &&
                          strcmp(recorder.opened[i].recording.session_of, log) == 0);
    unlock_opened();
    return found;
}

/** \return false when a thread has not left it in time */
static bool wait_until_closed(const char *log)
{
    for (uint64_t until = now_ns() + LEAVE_NS; is_open(log); sched_yield())
        if (recorder_close_left() == NOT_LEFT && now_ns() > until)
            return !is_open(log);
    return true;
}

static const char *try_to_open(struct recording *recording, char log[PATH_MAX])
{
    const struct settings *settings = settings_now();
    int error = SESSION_E_OWNED;
    /* The name belongs to the process that publishes first; others have one of their own. */
    for (int second = 0; second < 2 && error == SESSION_E_OWNED; second++) {
        if (!settings_log_name(settings, second == 1, log))
            error = SESSION_E_PATH;
        else if (!wait_until_closed(log))
            return "a thread is in the middle of a publish that was recorded into it before. Fix: "
                   "record into another log.";
        else
            error = recording_open(log, settings->capacity, !settings->no_session, recording);
    }
    /* Of other errors the system's last one says nothing. */
    if (error != VRRL_E_IO)
        errno = 0;
    return error == 0 ? NULL : session_strerror(error);
}

const char *recorder_open_log(char log[PATH_MAX])
{
    log[0] = '\0';
    errno = 0;
    if (settings_now()->fault != NULL)
        return settings_now()->fault;
    recorder_close_left();
    struct opened *opened = free_entry();
    if (opened == NULL)
        return "threads ended in the middle of a publish, and hold what was recorded into before. "
               "Fix: restart the program to record it again.";
    const char *fault = try_to_open(&opened->recording, log);
    if (fault != NULL)
        return fault;
    if (recorder.late)
        recording_begun_late(&opened->recording);
    for (unsigned ring = 0; ring < SESSION_RINGS_OF_RUN_MAX; ring++)
        atomic_store_explicit(&recorder.ring_epochs[ring], 0, memory_order_relaxed);
    atomic_store(&recorder.threads, 0);
    lock_opened();
    opened->ordered = false;
    opened->parents = false;
    opened->ended = false;
    opened->serial = atomic_load(&recorder.serial) + 1;
    atomic_store(&recorder.serial, opened->serial);
    atomic_store(&recorder.current, opened);
    unlock_opened();
    return NULL;
}

void recorder_stop(void)
{
    bool some = false;
    atomic_store(&recorder.current, NULL);
    for (unsigned i = 0; i < OPENED_MAX; i++)
        some = some || (recorder.opened[i].serial != 0 && !recorder.opened[i].ordered);
    if (!some || atomic_load(&recorder.confined))
        return;
    uint32_t serial = atomic_load(&recorder.serial);
    if (seats_barrier())
        recorder_passed_barrier(serial);
}

void recorder_passed_barrier(uint32_t serial)
{
    lock_opened();
    for (unsigned i = 0; i < OPENED_MAX; i++) {
        struct opened *opened = &recorder.opened[i];
        if (opened != atomic_load(&recorder.current) && opened->serial <= serial)
            opened->ordered = true;
    }
    unlock_opened();
}

static bool is_left(const struct opened *opened)
{
    return opened->ordered && atomic_load(&opened->holders) == 0 && seats_have_left(opened->serial);
}

static enum departure close_some(struct opened *opened)
{
    if (opened->serial == 0 || opened == atomic_load(&recorder.current))
        return CLOSED;
    if (!opened->ended && !is_left(opened))
        return NOT_LEFT;
    if (!opened->ended && !opened->parents)
        recording_end(&opened->recording);
    opened->ended = true;
    if (!recording_close_some(&opened->recording, STEP_BYTES))
        return UNMAPPING;
    opened->serial = 0;
    return CLOSED;
}

enum departure recorder_close_left(void)
{
    if (atomic_load(&recorder.confined))
        return CLOSED;
    if (atomic_flag_test_and_set(&recorder.changing))
        return UNKNOWN;
    enum departure all = CLOSED;
    for (unsigned i = 0; i < OPENED_MAX; i++) {
        enum departure one = close_some(&recorder.opened[i]);
        if (all == CLOSED || one == UNMAPPING)
            all = one;
    }
    if (all == CLOSED && atomic_load(&recorder.current) == NULL)
        confinement_leave_mappings();
    unlock_opened();
    return all;
}

void recorder_drop_parents(void)
{
    atomic_store(&recorder.current, NULL);
    unlock_opened();
    seats_keep_own();
    for (unsigned i = 0; i < OPENED_MAX; i++) {
        struct opened *opened = &recorder.opened[i];
        opened->parents = opened->serial != 0;
        atomic_store(&opened->holders, 0);
        /* There are no other threads. */
        opened->ordered = true;
    }
    while (recorder_close_left() == UNMAPPING)
        ;
}
