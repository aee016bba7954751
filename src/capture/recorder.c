#include "capture/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/confinement.h"
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

/** What lies in the page that fork wipes. */
enum here {
    /** This is a child, and what else is known is its parent's. */
    ELSEWHERE = 0,
    HERE,
    /** One of the child's threads forgets what was the parent's. */
    ARRIVING,
};

static _Atomic int here_before_load = HERE;

static struct {
    _Atomic int state;
    /** A page that fork wipes, so that a child is noticed without a system call.  Looked at before
     *  the state: only in a process that has arrived is that its own. */
    _Atomic int *here;
    /** The last epoch that the host saw, below the number of the look at it: of each ring, 0
     *  when it was never seen, and of no ring in particular. */
    _Atomic uint64_t ring_epochs[SESSION_RINGS_OF_RUN_MAX];
    _Atomic uint64_t epoch;
    /** No system call may be made any more. */
    _Atomic bool confined;
    _Atomic uint32_t looks;
    _Atomic uint32_t threads;
    /** Publishes of signal handlers inside the opening. */
    _Atomic uint64_t skipped_while_opening;
    struct recording recording;
    struct settings settings;
} recorder = {.here = &here_before_load};

static bool is_here(void)
{
    return __builtin_expect(atomic_load_explicit(recorder.here, memory_order_acquire) == HERE, 1);
}

/** initial-exec: the publish path must not allocate, as the general model may. */
static __thread __attribute__((tls_model("initial-exec"))) struct {
    /** Number of this thread in \c run; runs of a fork's child count anew. */
    uint32_t number;
    uint32_t run;
    pid_t pid;
    bool opening;
} this_thread;

void recorder_say(const char *format, ...)
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
        recorder_say(
            "vrrl: not recording: a forked child could not be told from its parent: %s. Fix: use "
            "Linux 4.14 or newer.\n",
            strerror(errno));
    } else {
        recorder.here = here;
        atomic_store(recorder.here, HERE);
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

/** Nothing of the parent's recording is the child's.  The other threads of the child wait. */
static void begin_anew_after_fork(void)
{
    int expected = ELSEWHERE;
    if (!atomic_compare_exchange_strong(recorder.here, &expected, ARRIVING))
        return;
    this_thread.opening = true;
    recording_close(&recorder.recording);
    for (unsigned ring = 0; ring < SESSION_RINGS_OF_RUN_MAX; ring++)
        atomic_store_explicit(&recorder.ring_epochs[ring], 0, memory_order_relaxed);
    atomic_store(&recorder.threads, 0);
    atomic_store(&recorder.skipped_while_opening, 0);
    if (atomic_load(&recorder.state) != OFF)
        atomic_store(&recorder.state, atomic_load(&recorder.confined) ? OFF : IDLE);
    this_thread.opening = false;
    /* Only now: whoever finds itself here believes the state. */
    atomic_store(recorder.here, HERE);
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
            error =
                recording_open(log, settings->capacity, !settings->no_session, &recorder.recording);
    }
    /* Of other errors the system's last one says nothing. */
    if (error != VRRL_E_IO)
        errno = 0;
    return error == 0 ? NULL : session_strerror(error);
}

/** Signals wait while the log is opened: a timer that rings more often than blocks can be allocated
 *  would interrupt that for ever. */
static void block_signals(sigset_t *before)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

static void open_first(void)
{
    char log[PATH_MAX] = "";
    sigset_t signals;
    block_signals(&signals);
    this_thread.opening = true;
    errno = 0;
    const char *fault = open_recording(log);
    if (fault != NULL)
        recorder_say("vrrl: not recording%s%s: %s%s%s\n", log[0] == '\0' ? "" : " into ", log,
                     errno == 0 ? "" : strerror(errno), errno == 0 ? "" : ": ", fault);
    else if (recorder.settings.verbose)
        recorder_say("vrrl: recording into %s, %llu records\n", log,
                     (unsigned long long)vrrl_capacity(recorder.recording.log));
    this_thread.opening = false;
    if (fault == NULL)
        confinement_watch_mappings();
    if (fault == NULL)
        __atomic_fetch_add(&recorder.recording.header->skipped,
                           atomic_exchange(&recorder.skipped_while_opening, 0), __ATOMIC_RELAXED);
    atomic_store(&recorder.state, fault == NULL ? RECORDING : OFF);
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

/** Put private memory in the place of a mapping that an address lies in. */
static bool replace_mapping(void *map, uint64_t bytes, uintptr_t address)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uint64_t whole = (bytes + page - 1) / page * page;
    return map != NULL && address >= (uintptr_t)map && address < (uintptr_t)map + whole &&
           mmap(map, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) == map;
}

bool recorder_give_up_mapping(uintptr_t address)
{
    const struct recording *recording = &recorder.recording;
    if (recording->log == NULL)
        return false;
    bool ours = replace_mapping(recording->log->header, recording->log->map_bytes, address) ||
                replace_mapping(recording->header, recording->map_bytes, address);
    for (int kind = 0; kind < JOURNAL_KINDS && !ours; kind++) {
        struct journal_header *header = recording->journals[kind].header;
        /* Its own header may be what is gone. */
        ours = header != NULL &&
               replace_mapping(header, JOURNAL_HEADER_BYTES + recording->journals[kind].bytes,
                               address);
    }
    int expected = RECORDING;
    if (ours && atomic_compare_exchange_strong(&recorder.state, &expected, OFF))
        recorder_say("vrrl: recording ends: the log or its session was truncated while it was "
                     "being written. Fix: leave both alone while the program runs.\n");
    return ours;
}

void recorder_is_confined(void)
{
    int saved = errno;
    if (atomic_load(&recorder.state) == UNLOADED)
        load();
    while (is_here() && atomic_load(&recorder.state) == OPENING && !this_thread.opening)
        sched_yield();
    bool before = atomic_exchange(&recorder.confined, true);
    int expected = IDLE;
    if (!before && atomic_compare_exchange_strong(&recorder.state, &expected, OFF))
        recorder_say("vrrl: not recording: the program forbids itself system calls (seccomp) "
                     "before its first publish, and a log cannot be opened any more. Fix: publish "
                     "once before the filter is installed.\n");
    errno = saved;
}

bool recorder_makes_no_calls(void)
{
    return atomic_load_explicit(&recorder.confined, memory_order_acquire);
}

static struct recording *wait_for_recording(void)
{
    for (;;) {
        int here = atomic_load(recorder.here);
        int state = atomic_load(&recorder.state);
        if (here == ELSEWHERE) {
            begin_anew_after_fork();
        } else if (this_thread.opening) {
            atomic_fetch_add(&recorder.skipped_while_opening, 1);
            return NULL;
        } else if (here == ARRIVING || state == LOADING || state == OPENING) {
            /* Another thread does it. */
            sched_yield();
        } else if (state == UNLOADED) {
            load();
        } else if (state == IDLE) {
            if (atomic_compare_exchange_strong(&recorder.state, &state, OPENING))
                open_first();
        } else {
            return state == RECORDING ? &recorder.recording : NULL;
        }
    }
}

bool recorder_is_off(void)
{
    return atomic_load_explicit(&recorder.state, memory_order_relaxed) == OFF;
}

struct recording *recorder_begin(void)
{
    bool here = is_here();
    int state = atomic_load_explicit(&recorder.state, memory_order_acquire);
    if (here && __builtin_expect(state == RECORDING, 1))
        return &recorder.recording;
    if (state == OFF)
        return NULL;
    int saved = errno;
    struct recording *recording = wait_for_recording();
    errno = saved;
    return recording;
}

const struct settings *recorder_settings(void)
{
    int state = atomic_load_explicit(&recorder.state, memory_order_acquire);
    if (state == UNLOADED)
        load();
    return state == OFF || state == LOADING ? NULL : &recorder.settings;
}

struct recording *recorder_opened(void)
{
    bool opened =
        is_here() && atomic_load_explicit(&recorder.state, memory_order_acquire) == RECORDING;
    return opened ? &recorder.recording : NULL;
}

static inline uint32_t last_epoch(uint32_t ring)
{
    uint64_t seen = 0;
    if (ring < SESSION_RINGS_OF_RUN_MAX)
        seen = atomic_load_explicit(&recorder.ring_epochs[ring], memory_order_acquire);
    if (seen == 0)
        seen = atomic_load_explicit(&recorder.epoch, memory_order_acquire);
    return (uint32_t)seen;
}

bool recorder_take(struct recording *recording, enum session_origin origin, uint32_t ring,
                   uint32_t slot_idx, struct publish *publish)
{
    publish->recording = recording;
    publish->ring = ring;
    publish->slot_idx = slot_idx;
    publish->epoch = last_epoch(ring);
    publish->timestamp_ns = log_now(recording->log);
    if (log_take(recording->log, &publish->place) != 0) {
        __atomic_fetch_add(&recording->header->skipped, 1, __ATOMIC_RELAXED);
        return false;
    }
    recording_reserve_slot(recording, &publish->place, origin, ring, slot_idx);
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

void recorder_commit(const struct publish *publish, const uint32_t *words)
{
    struct recording *recording = publish->recording;
    const struct published published = {
        .timestamp_ns = publish->timestamp_ns,
        .slot_idx = publish->slot_idx,
        .epoch = publish->epoch,
        .thread = number_of_this_thread(recording),
        .words = words,
    };
    recording_commit(recording, &publish->place, &published);
}

void recorder_abandon(const struct publish *publish)
{
    log_abandon(publish->recording->log, &publish->place);
}

void recorder_batch_begin(struct batch *batch, struct recording *recording,
                          enum session_origin origin, uint32_t ring, uint64_t count)
{
    uint64_t capacity = vrrl_capacity(recording->log);
    *batch = (struct batch){
        .recording = recording,
        .origin = origin,
        .ring = ring,
        .without = count > capacity ? count - capacity : 0,
    };
}

void recorder_batch_take(struct batch *batch, uint32_t slot_idx)
{
    if (batch->without > 0) {
        batch->without--;
        return;
    }
    struct log_place before = batch->last.place;
    if (!recorder_take(batch->recording, batch->origin, batch->ring, slot_idx, &batch->last)) {
        batch->last.place = before;
        return;
    }
    if (batch->taken == 0)
        batch->next_index = batch->last.place.index;
    else
        log_leave_note(batch->recording->log, &before, batch->last.place.index);
    batch->taken++;
}

bool recorder_batch_next(struct batch *batch, struct publish *publish)
{
    if (batch->taken == 0)
        return false;
    batch->taken--;
    *publish = batch->last;
    publish->place = log_find_place(batch->recording->log, batch->next_index, &batch->next_index);
    publish->slot_idx = batch->recording->slots[publish->place.index].slot_idx;
    return true;
}

void recorder_count_failed(struct recording *recording)
{
    __atomic_fetch_add(&recording->header->failed, 1, __ATOMIC_RELAXED);
}

uint32_t recorder_look_at_epoch(void)
{
    return atomic_fetch_add_explicit(&recorder.looks, 1, memory_order_acq_rel) + 1;
}

static void saw(_Atomic uint64_t *epoch_seen, uint32_t look, uint32_t epoch)
{
    uint64_t seen = (uint64_t)look << 32 | epoch;
    uint64_t last = atomic_load_explicit(epoch_seen, memory_order_relaxed);
    while ((int32_t)(look - (uint32_t)(last >> 32)) > 0 &&
           !atomic_compare_exchange_weak_explicit(epoch_seen, &last, seen, memory_order_acq_rel,
                                                  memory_order_relaxed))
        ;
}

void recorder_saw_epoch(uint32_t look, uint32_t epoch)
{
    saw(&recorder.epoch, look, epoch);
}

void recorder_saw_epoch_of(struct recording *recording, uint32_t ring, uint32_t look,
                           uint32_t epoch)
{
    if (recording == &recorder.recording && ring < SESSION_RINGS_OF_RUN_MAX)
        saw(&recorder.ring_epochs[ring], look, epoch);
}
