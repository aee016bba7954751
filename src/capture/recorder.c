#include "capture/recorder.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/settings.h"

enum state {
    /** The environment has not been read. */
    UNLOADED = 0,
    LOADING,
    /** Nothing was published yet. */
    IDLE,
    OPENING,
    RECORDING,
    /** Switched off, or failed. */
    OFF,
};

static struct {
    _Atomic int state;
    /** A page that fork wipes: 1 in the process that wrote it, 0 in its children.  So a child is
     *  noticed without a system call. */
    _Atomic int *here;
    /** The last epoch that the host saw, below the number of the look at it. */
    _Atomic uint64_t epoch;
    _Atomic uint32_t looks;
    _Atomic uint32_t threads;
    /** Publishes of signal handlers inside the opening. */
    _Atomic uint64_t skipped_while_opening;
    struct recording recording;
    struct settings settings;
} recorder;

/** initial-exec: the publish path must not allocate, as the general model may. */
static __thread __attribute__((tls_model("initial-exec"))) struct {
    /** Number of this thread in \c run; runs of a fork's child count anew. */
    uint32_t number;
    uint32_t run;
    pid_t pid;
    bool opening;
} this_thread;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[PATH_MAX + 512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length > 0) {
        size_t bytes = (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
        ssize_t written = write(STDERR_FILENO, line, bytes);
        (void)written;
    }
}

static void load(void)
{
    int expected = UNLOADED;
    if (!atomic_compare_exchange_strong(&recorder.state, &expected, LOADING))
        return;
    settings_read(&recorder.settings);
    long page = sysconf(_SC_PAGESIZE);
    void *here =
        mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (here == MAP_FAILED || madvise(here, (size_t)page, MADV_WIPEONFORK) != 0) {
        recorder.settings.disabled = true;
        say("vrrl: not recording: a forked child could not be told from its parent: %s. Fix: use "
            "Linux 4.14 or newer.\n",
            strerror(errno));
    } else {
        recorder.here = here;
        atomic_store(recorder.here, 1);
    }
    atomic_store(&recorder.state, recorder.settings.disabled ? OFF : IDLE);
}

/** The environment is read before the host can change it. */
__attribute__((constructor)) static void load_early(void)
{
    int saved = errno;
    load();
    errno = saved;
}

/** Nothing of the parent's recording is the child's. */
static void begin_anew_after_fork(void)
{
    recording_close(&recorder.recording);
    atomic_store(&recorder.threads, 0);
    atomic_store(&recorder.skipped_while_opening, 0);
    this_thread.opening = false;
    atomic_store(recorder.here, 1);
    if (atomic_load(&recorder.state) != OFF)
        atomic_store(&recorder.state, IDLE);
}

static const char *open_recording(char log[PATH_MAX])
{
    struct settings *settings = &recorder.settings;
    if (settings->fault != NULL)
        return settings->fault;
    int error = SESSION_E_OWNED;
    /* The name belongs to the process that publishes first; others have one of their own. */
    for (int second = 0; second < 2 && error == SESSION_E_OWNED; second++) {
        if (!settings_log_name(settings, second == 1, log))
            error = SESSION_E_PATH;
        else
            error = recording_open(log, settings->capacity, &recorder.recording);
    }
    return error == 0 ? NULL : session_strerror(error);
}

static void open_first(void)
{
    char log[PATH_MAX] = "";
    this_thread.opening = true;
    errno = 0;
    const char *fault = open_recording(log);
    if (fault != NULL)
        say("vrrl: not recording%s%s: %s%s%s\n", log[0] == '\0' ? "" : " into ", log,
            errno == 0 ? "" : strerror(errno), errno == 0 ? "" : ": ", fault);
    else if (recorder.settings.verbose)
        say("vrrl: recording into %s, %llu records\n", log,
            (unsigned long long)vrrl_capacity(recorder.recording.log));
    this_thread.opening = false;
    if (fault == NULL)
        __atomic_fetch_add(&recorder.recording.header->skipped,
                           atomic_exchange(&recorder.skipped_while_opening, 0), __ATOMIC_RELAXED);
    atomic_store(&recorder.state, fault == NULL ? RECORDING : OFF);
}

static struct recording *wait_for_recording(void)
{
    for (;;) {
        int state = atomic_load(&recorder.state);
        if (state == OFF)
            return NULL;
        if (state == UNLOADED) {
            load();
        } else if (state != LOADING && atomic_load(recorder.here) == 0) {
            begin_anew_after_fork();
        } else if (state == RECORDING) {
            return &recorder.recording;
        } else if (this_thread.opening) {
            atomic_fetch_add(&recorder.skipped_while_opening, 1);
            return NULL;
        } else if (state == IDLE) {
            if (atomic_compare_exchange_strong(&recorder.state, &state, OPENING))
                open_first();
        } else {
            /* Another thread loads or opens. */
            sched_yield();
        }
    }
}

struct recording *recorder_begin(void)
{
    if (__builtin_expect(atomic_load_explicit(&recorder.state, memory_order_acquire) == RECORDING &&
                             atomic_load_explicit(recorder.here, memory_order_relaxed) == 1,
                         1))
        return &recorder.recording;
    int saved = errno;
    struct recording *recording = wait_for_recording();
    errno = saved;
    return recording;
}

bool recorder_take(struct recording *recording, struct publish *publish)
{
    publish->recording = recording;
    publish->epoch = (uint32_t)atomic_load_explicit(&recorder.epoch, memory_order_acquire);
    publish->timestamp_ns = log_now(recording->log);
    if (log_take(recording->log, &publish->place) != 0) {
        __atomic_fetch_add(&recording->header->skipped, 1, __ATOMIC_RELAXED);
        return false;
    }
    recording_empty_slot(recording, &publish->place);
    return true;
}

static uint32_t number_of_this_thread(const struct recording *recording)
{
    if (__builtin_expect(this_thread.run != recording->run ||
                             this_thread.pid != (pid_t)recording->header->owner.pid,
                         0)) {
        this_thread.number = atomic_fetch_add(&recorder.threads, 1) + 1;
        this_thread.run = recording->run;
        this_thread.pid = (pid_t)recording->header->owner.pid;
    }
    return this_thread.number;
}

void recorder_commit(const struct publish *publish, const uint8_t *ring, size_t ring_bytes,
                     uint32_t slot_idx)
{
    struct recording *recording = publish->recording;
    const struct published published = {
        .timestamp_ns = publish->timestamp_ns,
        .slot_idx = slot_idx,
        .epoch = publish->epoch,
        .ring = recording_ring(recording, (uint64_t)(uintptr_t)ring, ring_bytes),
        .thread = number_of_this_thread(recording),
        .words = (const uint32_t *)(const void *)(ring + (size_t)slot_idx * VYRE_SLOT_BYTES),
    };
    recording_commit(recording, &publish->place, &published);
}

void recorder_abandon(const struct publish *publish)
{
    log_abandon(publish->recording->log, &publish->place);
}

void recorder_count_failed(struct recording *recording)
{
    __atomic_fetch_add(&recording->header->failed, 1, __ATOMIC_RELAXED);
}

uint32_t recorder_look_at_epoch(void)
{
    return atomic_fetch_add_explicit(&recorder.looks, 1, memory_order_acq_rel) + 1;
}

void recorder_saw_epoch(uint32_t look, uint32_t epoch)
{
    uint64_t seen = (uint64_t)look << 32 | epoch;
    uint64_t last = atomic_load_explicit(&recorder.epoch, memory_order_relaxed);
    while ((int32_t)(look - (uint32_t)(last >> 32)) > 0 &&
           !atomic_compare_exchange_weak_explicit(&recorder.epoch, &last, seen,
                                                  memory_order_acq_rel, memory_order_relaxed))
        ;
}
