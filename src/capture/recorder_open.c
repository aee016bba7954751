/*
 * Logs are opened at a publish.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "capture/recorder_state.h"

/** How long the opening waits for threads to leave the last recording, if it is of the same log. */
#define LEAVE_NS UINT64_C(200000000)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
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
    recorder_lock_opened();
    for (unsigned i = 0; i < OPENED_MAX; i++)
        found = found || (recorder.opened[i].serial != 0 && !recorder.opened[i].parents &&
                          strcmp(recorder.opened[i].recording.session_of, log) == 0);
    recorder_unlock_opened();
    return found;
}

/** \return false when a thread has not left it in time */
static bool wait_until_closed(const char *log)
{
    for (uint64_t until = now_ns() + LEAVE_NS; is_open(log); sched_yield())
        if (recorder_close_left().unmapping == 0 && now_ns() > until)
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
    recorder_lock_opened();
    opened->ordered = false;
    opened->parents = false;
    opened->ended = false;
    opened->serial = atomic_load(&recorder.serial) + 1;
    atomic_store(&recorder.serial, opened->serial);
    atomic_store(&recorder.current, opened);
    recorder_unlock_opened();
    return NULL;
}
