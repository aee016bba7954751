#include "capture/recorder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/recorder_state.h"
#include "capture/seats.h"

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

/** Put private memory in the place of a mapping that an address lies in. */
static bool replace_mapping(void *map, uint64_t bytes, uintptr_t address)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uint64_t whole = (bytes + page - 1) / page * page;
    return map != NULL && address >= (uintptr_t)map && address < (uintptr_t)map + whole &&
           mmap(map, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) == map;
}

static bool give_up(struct recording *recording, uintptr_t address)
{
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
    return ours;
}

bool recorder_give_up_mapping(uintptr_t address)
{
    static const char fault[] = "the log or its session was truncated while it was being written. "
                                "Fix: leave both alone while the program runs.";
    struct opened *given_up = NULL;
    for (unsigned i = 0; i < OPENED_MAX && given_up == NULL; i++)
        if (recorder.opened[i].serial != 0 && give_up(&recorder.opened[i].recording, address))
            given_up = &recorder.opened[i];
    struct opened *current = given_up;
    int expected = RECORDING;
    if (given_up != NULL && atomic_compare_exchange_strong(&recorder.current, &current, NULL) &&
        atomic_compare_exchange_strong(&recorder.state, &expected, OFF)) {
        recorder_say("vrrl: recording ends: %s\n", fault);
        recorder_say_state(PANEL_FAILED, given_up->recording.session_of, fault);
    }
    return given_up != NULL;
}

RECORDER_OFTEN bool recorder_makes_no_calls(void)
{
    return atomic_load_explicit(&recorder.confined, memory_order_acquire);
}

RECORDER_OFTEN const struct settings *recorder_settings(void)
{
    if (!recorder_is_quiet() ||
        atomic_load_explicit(&recorder.state, memory_order_relaxed) == UNLOADED) {
        int saved = errno;
        recorder_look_around(false);
        errno = saved;
    }
    int state = atomic_load_explicit(&recorder.state, memory_order_acquire);
    return state == OFF || state == LOADING ? NULL : settings_now();
}

bool recorder_may_record(void)
{
    return (recorder_settings() != NULL || recorder.panel_is_shared) && !recorder_makes_no_calls();
}

RECORDER_OFTEN uint32_t recorder_watch(void)
{
    return atomic_load_explicit(&recorder.watch, memory_order_acquire);
}

bool recorder_is_late(void)
{
    return recorder.late;
}

/** Enter the recording without a seat, or for more than one publish.  Any thread may release it. */
static struct recording *hold(void)
{
    for (;;) {
        struct opened *opened = atomic_load(&recorder.current);
        if (opened == NULL || !recorder_is_here())
            return NULL;
        atomic_fetch_add(&opened->holders, 1);
        if (atomic_load(&recorder.current) == opened)
            return &opened->recording;
        atomic_fetch_sub(&opened->holders, 1);
    }
}

static void release(struct recording *recording)
{
    if (recording != NULL)
        atomic_fetch_sub(&opened_of(recording)->holders, 1);
}

/** Say at this thread's seat that it may be inside of a recording.  \return what was said before: a
 *  signal handler may publish inside a publish */
static inline uint32_t take_seat(struct seat *seat)
{
    uint32_t outer = atomic_load_explicit(&seat->inside, memory_order_relaxed);
    if (outer == 0)
        atomic_store_explicit(&seat->inside,
                              atomic_load_explicit(&recorder.serial, memory_order_relaxed),
                              memory_order_relaxed);
    /* The other half of the barrier is the kernel's (seats.h). */
    atomic_signal_fence(memory_order_seq_cst);
    return outer;
}

static inline void leave_seat(const struct visit *visit)
{
    atomic_store_explicit(&visit->seat->inside, visit->outer, memory_order_release);
}

/** \return NULL when there is no recording to enter */
static inline struct recording *enter(struct visit *visit)
{
    visit->seat = this_thread.seat;
    if (__builtin_expect(visit->seat == NULL, 0)) {
        visit->seat = this_thread.seat = seat_of_this_thread();
        if (visit->seat == NULL)
            return visit->recording = hold();
    }
    visit->outer = take_seat(visit->seat);
    struct opened *opened = atomic_load_explicit(&recorder.current, memory_order_acquire);
    if (__builtin_expect(opened == NULL, 0))
        leave_seat(visit);
    return visit->recording = opened == NULL ? NULL : &opened->recording;
}

struct recording *recorder_begin(struct visit *visit)
{
    if (__builtin_expect(recorder_is_quiet() && enter(visit) != NULL, 1))
        return visit->recording;
    int saved = errno;
    recorder_look_around(true);
    errno = saved;
    return recorder_is_here() ? enter(visit) : NULL;
}

void recorder_end(const struct visit *visit)
{
    if (__builtin_expect(visit->seat != NULL, 1))
        leave_seat(visit);
    else
        release(visit->recording);
}

/** What is held by who has the core's lock. */
static struct recording *held;

void recorder_hold_opened(void)
{
    held = hold();
}

struct recording *recorder_open_and_hold(void)
{
    if (held == NULL) {
        int saved = errno;
        recorder_look_around(true);
        errno = saved;
        held = hold();
    }
    return held;
}

struct recording *recorder_opened(void)
{
    return held;
}

void recorder_let_go(void)
{
    release(held);
    held = NULL;
}

uint32_t recorder_serial(const struct recording *recording)
{
    return ((const struct opened *)(const void *)recording)->serial;
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

static uint32_t number_of_this_thread(struct recording *recording)
{
    uint32_t serial = opened_of(recording)->serial;
    if (__builtin_expect(this_thread.serial != serial, 0)) {
        this_thread.number = atomic_fetch_add(&recorder.threads, 1) + 1;
        this_thread.serial = serial;
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
    if (batch->taken == 0) {
        batch->next_index = batch->last.place.index;
        /* Until it is finished, whoever does that. */
        atomic_fetch_add(&opened_of(batch->recording)->holders, 1);
        batch->held = true;
    } else {
        log_leave_note(batch->recording->log, &before, batch->last.place.index);
    }
    batch->taken++;
}

bool recorder_batch_next(struct batch *batch, struct publish *publish)
{
    if (batch->taken == 0) {
        if (batch->held)
            release(batch->recording);
        batch->held = false;
        return false;
    }
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
    if (opened_of(recording) == atomic_load_explicit(&recorder.current, memory_order_relaxed) &&
        ring < SESSION_RINGS_OF_RUN_MAX)
        saw(&recorder.ring_epochs[ring], look, epoch);
}
