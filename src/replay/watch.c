#include "replay/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** How often both look. */
#define TICK_MS 100u

/** Progress is shown from here on. */
#define SHOW_AFTER_MS 1000u

/** The parent waits so much longer than the child's own thread, which has better words. */
#define PARENT_EXTRA_S 5u

/** Building programs may take so many times the timeout. */
#define BUILD_FACTOR 10u

/** Exit status of a worker that has written why into the memory that is shared. */
#define STATUS_EXPLAINED 254

enum phase {
    /** Devices are opened, and programs built. */
    PREPARING,
    RUNNING,
    REPORTING,
    LEAVING,
};

/** In memory that both processes share.  What is atomic is written by one of them alone. */
struct watch {
    /** Of the worker. */
    uint32_t phase;
    uint64_t moves;
    uint64_t done;
    uint64_t total;
    char explanation[sizeof(((struct replay_error *)0)->text)];
    /** Of the parent: the user wants an end. */
    uint32_t stop;
    unsigned timeout_s;

    /** Of the worker's thread; the lock is held while it explains or shows. */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end;
    watch_explain *explain;
    void *context;
    bool shown;
};

static struct watch *interrupted_watch;
static volatile sig_atomic_t interrupts;

static uint64_t look(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/** By the thread alone that does the work, and for each record: a locked addition would wait for
 * all that is being streamed to a device. */
static void move(struct watch *watch)
{
    __atomic_store_n(&watch->moves, watch->moves + 1, __ATOMIC_RELEASE);
}

static uint32_t phase_of(const struct watch *watch)
{
    return __atomic_load_n(&watch->phase, __ATOMIC_ACQUIRE);
}

static void enter(struct watch *watch, enum phase phase)
{
    __atomic_store_n(&watch->phase, phase, __ATOMIC_RELEASE);
    move(watch);
}

/** How long it has not moved.  Time is counted in ticks, so that being stopped is none. */
struct stillness {
    uint64_t moves;
    uint64_t ms;
};

/** \return whether it is too long, and \a extra_ms more */
static bool too_still(struct stillness *still, const struct watch *watch, unsigned tick_ms,
                      unsigned extra_ms)
{
    uint64_t moves = look(&watch->moves);
    uint32_t phase = phase_of(watch);
    still->ms = moves == still->moves && phase != REPORTING ? still->ms + tick_ms : 0;
    still->moves = moves;
    uint64_t timeout_ms = UINT64_C(1000) * watch->timeout_s;
    return still->ms > timeout_ms * (phase == PREPARING ? BUILD_FACTOR : 1) + extra_ms;
}

/* The thread of the worker. */

static void show(struct watch *watch)
{
    uint64_t total = look(&watch->total);
    uint64_t done = look(&watch->done);
    if (phase_of(watch) != RUNNING || total == 0)
        return;
    fprintf(stderr, "\r\033[Kvrrl: %" PRIu64 " of %" PRIu64 " records replayed, %u%%", done, total,
            (unsigned)(done * 100 / total));
    fflush(stderr);
    watch->shown = true;
}

static void clear(struct watch *watch)
{
    if (watch->shown)
        fputs("\r\033[K", stderr);
    watch->shown = false;
}

_Noreturn static void give_up(struct watch *watch)
{
    bool building = phase_of(watch) == PREPARING;
    char what[1024];
    snprintf(what, sizeof(what), "%s",
             building ? "building the programs" : "the driver, at the end,");
    if (watch->explain != NULL)
        watch->explain(watch->context, what, sizeof(what));
    clear(watch);
    snprintf(watch->explanation, sizeof(watch->explanation),
             "the replay stalls: %s has not ended for %u seconds. Fix: look at what it does, or "
             "give it more time with --timeout.",
             what, watch->timeout_s * (building ? BUILD_FACTOR : 1));
    /* Nothing that the driver does at the end of a process: it might wait, too. */
    _exit(STATUS_EXPLAINED);
}

static void *watch_thread(void *opaque)
{
    struct watch *watch = opaque;
    bool terminal = isatty(STDERR_FILENO);
    struct stillness still = {0};
    pthread_mutex_lock(&watch->lock);
    for (uint64_t ms = 0; !watch->end; ms += TICK_MS) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&watch->ended, &watch->lock, &until);
        if (watch->end)
            break;
        if (too_still(&still, watch, TICK_MS, 0))
            give_up(watch);
        if (terminal && ms >= SHOW_AFTER_MS)
            show(watch);
    }
    clear(watch);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static bool start_thread(struct watch *watch)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->ended, &clock);
    pthread_condattr_destroy(&clock);
    return pthread_create(&watch->thread, NULL, watch_thread, watch) == 0;
}

void watch_begin(struct watch *watch, uint64_t total, watch_explain *explain, void *context)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->explain = explain;
    watch->context = context;
    __atomic_store_n(&watch->done, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&watch->total, total, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&watch->lock);
    enter(watch, RUNNING);
}

static bool stop_asked(const struct watch *watch)
{
    return __atomic_load_n(&watch->stop, __ATOMIC_RELAXED) != 0;
}

bool watch_step(struct watch *watch, uint64_t done)
{
    if (watch == NULL)
        return true;
    __atomic_store_n(&watch->done, done, __ATOMIC_RELEASE);
    move(watch);
    return !stop_asked(watch);
}

bool watch_sleep(struct watch *watch, uint64_t ns)
{
    const uint64_t slice = UINT64_C(1000000) * TICK_MS;
    while (ns > 0 && (watch == NULL || !stop_asked(watch))) {
        uint64_t now = ns < slice ? ns : slice;
        const struct timespec time = {.tv_nsec = (long)now};
        nanosleep(&time, NULL);
        ns -= now;
        if (watch != NULL)
            move(watch);
    }
    return watch == NULL || !stop_asked(watch);
}

void watch_finish(struct watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->explain = NULL;
    enter(watch, PREPARING);
    clear(watch);
    pthread_mutex_unlock(&watch->lock);
}

void watch_report(struct watch *watch)
{
    if (watch != NULL)
        enter(watch, REPORTING);
}

_Noreturn static void be_worker(struct watch *watch, pid_t parent,
                                int (*work)(void *context, struct watch *watch), void *context)
{
    /* The parent hears Ctrl-C for both; and with the parent ends the worker. */
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !start_thread(watch))
        _exit(STATUS_EXPLAINED);
    int status = work(context, watch);
    enter(watch, LEAVING);
    pthread_mutex_lock(&watch->lock);
    watch->end = true;
    pthread_cond_signal(&watch->ended);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    exit(status);
}

/* The parent. */

static void on_interrupt(int number)
{
    (void)number;
    interrupts++;
    __atomic_store_n(&interrupted_watch->stop, 1, __ATOMIC_RELAXED);
}

/** End the worker, and reap it if the system can end it at all. */
static void kill_worker(pid_t worker)
{
    kill(worker, SIGKILL);
    for (unsigned ms = 0; ms < 1000 * PARENT_EXTRA_S; ms += TICK_MS) {
        if (waitpid(worker, NULL, WNOHANG) != 0)
            return;
        const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
        nanosleep(&tick, NULL);
    }
}

static enum watch_end ended(const struct watch *watch, int wait_status, int *status,
                            struct replay_error *error)
{
    if (WIFSIGNALED(wait_status)) {
        replay_fail(error,
                    "the device's driver crashed (%s) after %" PRIu64 " of %" PRIu64
                    " records. Fix: look at what the kernel does with the next ones, or choose "
                    "another device with --device.",
                    strsignal(WTERMSIG(wait_status)), look(&watch->done), look(&watch->total));
        return WATCH_FAILED;
    }
    *status = WEXITSTATUS(wait_status);
    if (*status != STATUS_EXPLAINED)
        return WATCH_ENDED;
    replay_fail(error, "%s",
                watch->explanation[0] != '\0'
                    ? watch->explanation
                    : "the replay could not start a thread. Fix: raise the limit of processes.");
    return WATCH_FAILED;
}

static enum watch_end watch_over(struct watch *watch, pid_t worker, int alive, int *status,
                                 struct replay_error *error)
{
    /* The end of the worker closes its end of the pipe, a little before it can be reaped. */
    struct pollfd end = {.fd = alive, .events = POLLIN};
    struct stillness still = {0};
    unsigned tick_ms = TICK_MS;
    for (unsigned interrupted_ms = 0;;) {
        int wait_status;
        if (poll(&end, 1, (int)tick_ms) == 1) {
            end.fd = -1;
            tick_ms = 1;
        }
        if (waitpid(worker, &wait_status, WNOHANG) == worker)
            return ended(watch, wait_status, status, error);
        if (interrupts > 1) {
            kill_worker(worker);
            signal(SIGINT, SIG_DFL);
            raise(SIGINT);
        }
        interrupted_ms += interrupts > 0 && phase_of(watch) != REPORTING ? tick_ms : 0;
        if (interrupted_ms > 1000 * WATCH_GRACE_S) {
            kill_worker(worker);
            return WATCH_INTERRUPTED;
        }
        if (too_still(&still, watch, tick_ms, 1000 * PARENT_EXTRA_S)) {
            kill_worker(worker);
            replay_fail(error,
                        "the device and its driver stall, %" PRIu64 " of %" PRIu64
                        " records were done. Fix: look at what the kernel does with the next ones, "
                        "or choose another device with --device.",
                        look(&watch->done), look(&watch->total));
            return WATCH_FAILED;
        }
    }
}

enum watch_end watch_run(int (*work)(void *context, struct watch *watch), void *context,
                         unsigned timeout_s, int *status, struct replay_error *error)
{
    struct watch *watch =
        mmap(NULL, sizeof(*watch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int alive[2];
    if (watch == MAP_FAILED) {
        replay_fail_memory(error);
        return WATCH_FAILED;
    }
    if (pipe2(alive, O_CLOEXEC) != 0) {
        replay_fail(error, "a pipe could not be made: %s. Fix: raise the limit of open files.",
                    strerror(errno));
        munmap(watch, sizeof(*watch));
        return WATCH_FAILED;
    }
    watch->timeout_s = timeout_s;
    interrupted_watch = watch;
    interrupts = 0;
    struct sigaction handle = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction interrupt_before;
    struct sigaction child_before;
    sigaction(SIGINT, &handle, &interrupt_before);
    /* Inherited as ignored, it would let the kernel reap the worker without us. */
    sigaction(SIGCHLD, &standard, &child_before);

    pid_t parent = getpid();
    pid_t worker = fork();
    if (worker == 0) {
        close(alive[0]);
        be_worker(watch, parent, work, context);
    }
    close(alive[1]);
    enum watch_end end = WATCH_FAILED;
    if (worker < 0)
        replay_fail(error, "a process could not be started: %s. Fix: raise the limit of processes.",
                    strerror(errno));
    else
        end = watch_over(watch, worker, alive[0], status, error);
    close(alive[0]);
    sigaction(SIGINT, &interrupt_before, NULL);
    sigaction(SIGCHLD, &child_before, NULL);
    munmap(watch, sizeof(*watch));
    return end;
}
