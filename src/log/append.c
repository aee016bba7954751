/*
 * Taking and giving back places.
 *
 * The place to take is named by the cursor in the mapped header.  Who may write
 * it is decided by its owner word, lap << 2 | state:
 *
 *   FREE    nobody writes; the lap is that of the next writer
 *   OWNED   a writer took it in this lap and has not finished
 *   LAPPED  that writer still has not finished, and others have passed on; the lap
 *           is the last in which they did
 *
 * A writer (1) turns FREE into OWNED, (2) empties the old record, (3) moves the
 * cursor on, (4) writes body and magic, (5) turns OWNED back into FREE.  If (5)
 * finds LAPPED, the record is a lap too old for where it stands, and is emptied
 * again.  Because the word holds the lap, (1) fails if anybody was there
 * since it was read, however often the cursor came round.
 *
 * Who finds the cursor's place owned looks at its lap: if it is the current one,
 * the owner was interrupted between (1) and (3), and the cursor is moved on for it;
 * if it is an older one, the place is marked LAPPED and passed by.  So no writer
 * ever waits for another, and a signal handler may append inside an append.
 */
#include "log/writer.h"

#include <string.h>

#include "log/layout.h"

enum {
    STATE_FREE = 0,
    STATE_OWNED = 1,
    STATE_LAPPED = 2,
    STATE_MASK = 3,
    LAP_SHIFT = 2,
};

/** How long an owner is given to move the cursor by itself.  Retrying at once would only
 *  take the cache line away from it: two threads are three times as fast with this pause. */
#define PAUSES 64

/** Owned places that one take goes past, beyond the capacity, before it gives up.  All are
 *  owned then, maybe by the very thread that a signal handler interrupted. */
#define PASSES_MAX 256

static inline void pause_briefly(void)
{
    for (int i = 0; i < PAUSES; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

static inline uint64_t lap_of(uint64_t owner)
{
    return owner >> LAP_SHIFT;
}

static inline uint64_t owner_word(uint64_t lap, uint64_t state)
{
    return lap << LAP_SHIFT | state;
}

static inline _Atomic uint32_t *magic_of(struct vrrl_writer *writer, uint64_t place)
{
    return (_Atomic uint32_t *)&writer->records[place].magic;
}

static void move_cursor(struct vrrl_writer *writer, uint64_t from)
{
    uint64_t expected = from;
    atomic_compare_exchange_strong_explicit(&writer->header->cursor, &expected,
                                            log_next_place(from, writer->capacity),
                                            memory_order_acq_rel, memory_order_relaxed);
}

/** The lap that the cursor is in when it is at \a place: one place back, it was just taken. */
static uint64_t current_lap(struct vrrl_writer *writer, uint64_t place)
{
    uint64_t before = log_previous_place(place, writer->capacity);
    uint64_t owner = atomic_load_explicit(&writer->owners[before], memory_order_acquire);
    uint64_t lap = lap_of(owner);
    if ((owner & STATE_MASK) == STATE_FREE)
        lap--;
    return place == 0 ? lap + 1 : lap;
}

/** Get past a place that somebody owns.  \return whether it was left behind in an older lap. */
static bool pass(struct vrrl_writer *writer, uint64_t place, uint64_t owner)
{
    /* Its only place is in every lap at once: its owner cannot be told from a lapped one. */
    if (writer->capacity == 1)
        return true;
    uint64_t lap = current_lap(writer, place);
    if (atomic_load_explicit(&writer->header->cursor, memory_order_acquire) != place)
        return false;
    bool behind = lap_of(owner) != lap || (owner & STATE_MASK) == STATE_LAPPED;
    if (behind && !atomic_compare_exchange_strong_explicit(
                      &writer->owners[place], &owner, owner_word(lap, STATE_LAPPED),
                      memory_order_acq_rel, memory_order_relaxed))
        return false;
    move_cursor(writer, place);
    return behind;
}

int log_take(struct vrrl_writer *writer, struct log_place *place)
{
    uint64_t passed = 0;
    uint64_t index = atomic_load_explicit(&writer->header->cursor, memory_order_acquire);
    for (;;) {
        uint64_t owner = atomic_load_explicit(&writer->owners[index], memory_order_acquire);
        if ((owner & STATE_MASK) == STATE_FREE) {
            if (atomic_compare_exchange_strong_explicit(&writer->owners[index], &owner,
                                                        owner | STATE_OWNED, memory_order_acq_rel,
                                                        memory_order_relaxed)) {
                place->index = index;
                place->sequence = lap_of(owner) * writer->capacity + index;
                break;
            }
            pause_briefly();
        } else if (atomic_load_explicit(&writer->header->cursor, memory_order_acquire) == index) {
            pause_briefly();
            if (pass(writer, index, owner) && ++passed > writer->capacity + PASSES_MAX)
                return VRRL_E_BUSY;
        }
        index = atomic_load_explicit(&writer->header->cursor, memory_order_acquire);
    }
    /* Emptied before the cursor leaves it, so that a crash leaves a gap and not an old record
     * among new ones. */
    atomic_store_explicit(magic_of(writer, index), LOG_RECORD_EMPTY, memory_order_release);
    move_cursor(writer, index);
    return 0;
}

/** \return false when the place was passed by: what was written there is emptied again. */
static bool give_back(struct vrrl_writer *writer, const struct log_place *place)
{
    uint64_t lap = place->sequence / writer->capacity;
    uint64_t owner = owner_word(lap, STATE_OWNED);
    if (atomic_compare_exchange_strong_explicit(&writer->owners[place->index], &owner,
                                                owner_word(lap + 1, STATE_FREE),
                                                memory_order_acq_rel, memory_order_acquire))
        return true;
    atomic_store_explicit(magic_of(writer, place->index), LOG_RECORD_EMPTY, memory_order_release);
    while (!atomic_compare_exchange_weak_explicit(&writer->owners[place->index], &owner,
                                                  owner_word(lap_of(owner) + 1, STATE_FREE),
                                                  memory_order_acq_rel, memory_order_acquire))
        ;
    return false;
}

bool log_commit(struct vrrl_writer *writer, const struct log_place *place,
                const struct vrrl_record *record)
{
    struct log_record *to = &writer->records[place->index];
    /* The emptied magic must be seen before any byte of the new body. */
    atomic_thread_fence(memory_order_release);
    to->timestamp_ns = record->timestamp_ns;
    to->slot_idx = record->slot_idx;
    to->tenant_id = record->tenant_id;
    to->opcode = record->opcode;
    memcpy(to->args, record->args, sizeof(to->args));
    to->epoch = record->epoch;
    to->slot_status = 0;
    to->failure_class = 0;
    to->backend_code = 0;
    to->output_digest = 0;
    atomic_store_explicit(magic_of(writer, place->index), LOG_RECORD_LIVE, memory_order_release);
    return give_back(writer, place);
}

void log_abandon(struct vrrl_writer *writer, const struct log_place *place)
{
    give_back(writer, place);
}

void log_leave_note(struct vrrl_writer *writer, const struct log_place *place, uint64_t note)
{
    atomic_thread_fence(memory_order_release);
    writer->records[place->index].timestamp_ns = note;
}

struct log_place log_find_place(struct vrrl_writer *writer, uint64_t index, uint64_t *note)
{
    uint64_t owner = atomic_load_explicit(&writer->owners[index], memory_order_relaxed);
    struct log_place place = {.index = index,
                              .sequence = lap_of(owner) * writer->capacity + index};
    *note = writer->records[index].timestamp_ns;
    return place;
}

int vrrl_append(struct vrrl_writer *writer, const struct vrrl_record *record)
{
    struct vrrl_record stamped = *record;
    if (stamped.timestamp_ns == 0)
        stamped.timestamp_ns = log_now(writer);
    struct log_place place;
    int error = log_take(writer, &place);
    if (error == 0)
        log_commit(writer, &place, &stamped);
    return error;
}

uint64_t log_total(const struct vrrl_writer *writer)
{
    uint64_t cursor = atomic_load_explicit(&writer->header->cursor, memory_order_relaxed);
    uint64_t owner = atomic_load_explicit(&writer->owners[cursor], memory_order_relaxed);
    return lap_of(owner) * writer->capacity + cursor;
}

void log_set_total(struct vrrl_writer *writer, uint64_t total)
{
    uint64_t lap = total / writer->capacity;
    uint64_t cursor = total % writer->capacity;
    for (uint64_t place = 0; place < writer->capacity; place++)
        atomic_store_explicit(&writer->owners[place],
                              owner_word(place < cursor ? lap + 1 : lap, STATE_FREE),
                              memory_order_relaxed);
}
