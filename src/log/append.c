/*
 * Taking and giving back places.
 *
 * The writer's position, lap << 20 | place, names the place to take.  It only ever
 * grows, so a compare-and-swap on it cannot mistake one lap for another.  Who may write
 * a place is decided by its owner word, lap << 2 | state, which only grows, too:
 *
 *   FREE    nobody writes; the lap is that of the next writer
 *   OWNED   a writer took it in this lap and has not finished
 *   LAPPED  that writer still has not finished, and others have passed on; the lap
 *           is the last in which they did
 *
 * A writer (1) turns FREE of the position's lap into OWNED, (2) empties the old record,
 * (3) moves the position on, and the header's cursor after it, (4) writes body and
 * magic, (5) turns OWNED back into FREE.  If (5) finds LAPPED, the record is a lap too
 * old for where it stands, and is emptied again.
 *
 * Who finds the place owned in the current lap does (2) and (3) for its owner, who was
 * interrupted before (3); owned in an older lap, it marks the place LAPPED, empties it and
 * passes by.
 * So no writer ever waits for another, and a signal handler may append inside an append.
 */
#include "log/writer.h"

#include <string.h>

#include "log/layout.h"

enum {
    STATE_FREE = 0,
    STATE_OWNED = 1,
    STATE_LAPPED = 2,
    STATE_MASK = 3,
    OWNER_LAP_SHIFT = 2,
    POSITION_LAP_SHIFT = 20,
};

_Static_assert(VRRL_CAPACITY_MAX <= 1u << POSITION_LAP_SHIFT, "a position holds any place");

/** How long an owner is given to move the position by itself.  Retrying at once would only
 *  take the cache line away from it: two threads are three times as fast with this pause. */
#define PAUSES 128

/** Owned places that one take goes past, beyond the capacity, before it gives up. */
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
    return owner >> OWNER_LAP_SHIFT;
}

static inline uint64_t owner_word(uint64_t lap, uint64_t state)
{
    return lap << OWNER_LAP_SHIFT | state;
}

static inline uint64_t position_of(uint64_t lap, uint64_t place)
{
    return lap << POSITION_LAP_SHIFT | place;
}

static inline uint64_t position_lap(uint64_t position)
{
    return position >> POSITION_LAP_SHIFT;
}

static inline uint64_t position_place(uint64_t position)
{
    return position & ((UINT64_C(1) << POSITION_LAP_SHIFT) - 1);
}

static inline _Atomic uint32_t *magic_of(struct vrrl_writer *writer, uint64_t place)
{
    return (_Atomic uint32_t *)&writer->records[place].magic;
}

static inline uint64_t position_after(const struct vrrl_writer *writer, uint64_t position)
{
    uint64_t place = position_place(position) + 1;
    return place == writer->capacity ? position_of(position_lap(position) + 1, 0) : position + 1;
}

/**
 * After a full barrier since \a shown was stored to the header's cursor: see that the cursor is
 * right.  Of several threads that store it at once, whose store comes last cannot be told
 * beforehand: that thread finds its own value there and the position moved on, and stores again.
 */
static inline void check_cursor(struct vrrl_writer *writer, uint64_t shown)
{
    _Atomic uint64_t *cursor = &writer->header->cursor;
    for (;;) {
        uint64_t now = atomic_load_explicit(&writer->position, memory_order_seq_cst);
        if (now == shown ||
            atomic_load_explicit(cursor, memory_order_relaxed) != position_place(shown))
            return;
        atomic_exchange_explicit(cursor, position_place(now), memory_order_seq_cst);
        shown = now;
    }
}

static void fence_and_check_cursor(struct vrrl_writer *writer, uint64_t shown)
{
    atomic_thread_fence(memory_order_seq_cst);
    check_cursor(writer, shown);
}

/**
 * Move the position on, and the cursor after it.  Who succeeds must check_cursor() later.  A
 * thread that was preempted on the way does so here, as its cursor may be laps behind.
 */
static inline bool move_on(struct vrrl_writer *writer, uint64_t position)
{
    uint64_t next = position_after(writer, position);
    if (!atomic_compare_exchange_strong_explicit(&writer->position, &position, next,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (atomic_load_explicit(&writer->position, memory_order_relaxed) == next) {
        atomic_store_explicit(&writer->header->cursor, position_place(next), memory_order_release);
        if (atomic_load_explicit(&writer->position, memory_order_acquire) != next)
            fence_and_check_cursor(writer, next);
    }
    return true;
}

/** The same for another writer, or past one. */
static void move_on_for_other(struct vrrl_writer *writer, uint64_t position)
{
    if (move_on(writer, position))
        fence_and_check_cursor(writer, position_after(writer, position));
}

/**
 * Empty a place for its owner, who may do so itself any moment and go on to write there.  The
 * magic is changed together with half of the timestamp, so that a new record is never mistaken
 * for the old one.
 */
static void empty_for_owner(struct vrrl_writer *writer, uint64_t position)
{
    _Atomic uint64_t *head = (_Atomic uint64_t *)magic_of(writer, position_place(position));
    uint64_t old = atomic_load_explicit(head, memory_order_acquire);
    if (atomic_load_explicit(&writer->position, memory_order_acquire) != position ||
        (uint32_t)old == LOG_RECORD_EMPTY)
        return;
    atomic_compare_exchange_strong_explicit(head, &old, old >> 32 << 32, memory_order_acq_rel,
                                            memory_order_relaxed);
}

static bool all_are_owned(struct vrrl_writer *writer, uint64_t from)
{
    uint64_t place = from;
    do {
        uint64_t owner = atomic_load_explicit(&writer->owners[place], memory_order_relaxed);
        if ((owner & STATE_MASK) == STATE_FREE)
            return false;
        place = log_next_place(place, writer->capacity);
    } while (place != from);
    return true;
}

int log_take(struct vrrl_writer *writer, struct log_place *place)
{
    uint64_t position;
    uint64_t index;
    uint64_t lap;
    uint64_t passed = 0;
    for (;;) {
        position = atomic_load_explicit(&writer->position, memory_order_acquire);
        index = position_place(position);
        lap = position_lap(position);
        uint64_t owner = atomic_load_explicit(&writer->owners[index], memory_order_acquire);
        if (owner == owner_word(lap, STATE_FREE)) {
            if (atomic_compare_exchange_strong_explicit(&writer->owners[index], &owner,
                                                        owner_word(lap, STATE_OWNED),
                                                        memory_order_acq_rel, memory_order_relaxed))
                break;
            pause_briefly();
        } else if (owner == owner_word(lap, STATE_OWNED)) {
            pause_briefly();
            if (atomic_load_explicit(&writer->position, memory_order_acquire) == position) {
                empty_for_owner(writer, position);
                move_on_for_other(writer, position);
            }
        } else if (lap_of(owner) >= lap) {
            move_on_for_other(writer, position);
        } else {
            if (passed == 0 && all_are_owned(writer, index))
                return VRRL_E_BUSY;
            if (++passed > writer->capacity + PASSES_MAX)
                return VRRL_E_BUSY;
            if (atomic_compare_exchange_strong_explicit(
                    &writer->owners[index], &owner, owner_word(lap, STATE_LAPPED),
                    memory_order_acq_rel, memory_order_relaxed)) {
                empty_for_owner(writer, position);
                move_on_for_other(writer, position);
            }
        }
    }
    /* Emptied before the cursor leaves it, so that a crash leaves a gap and not an old record
     * among new ones. */
    atomic_store_explicit(magic_of(writer, index), LOG_RECORD_EMPTY, memory_order_release);
    move_on(writer, position);
    place->index = index;
    place->lap = lap;
    place->sequence = lap * writer->capacity + index;
    return 0;
}

/** \return false when the place was passed by: what was written there is emptied again. */
static inline bool give_back(struct vrrl_writer *writer, const struct log_place *place)
{
    uint64_t lap = place->lap;
    uint64_t owner = owner_word(lap, STATE_OWNED);
    bool in_time = atomic_compare_exchange_strong_explicit(
        &writer->owners[place->index], &owner, owner_word(lap + 1, STATE_FREE),
        memory_order_seq_cst, memory_order_acquire);
    if (!in_time) {
        atomic_store_explicit(magic_of(writer, place->index), LOG_RECORD_EMPTY,
                              memory_order_release);
        while (!atomic_compare_exchange_weak_explicit(&writer->owners[place->index], &owner,
                                                      owner_word(lap_of(owner) + 1, STATE_FREE),
                                                      memory_order_seq_cst, memory_order_acquire))
            ;
    }
    check_cursor(writer, position_after(writer, position_of(lap, place->index)));
    return in_time;
}

/** In halves, as the first may be looked at by who empties the place for us. */
static inline void set_timestamp(struct log_record *record, uint64_t timestamp_ns)
{
    _Atomic uint32_t *halves = (_Atomic uint32_t *)&record->magic + 1;
    atomic_store_explicit(&halves[0], (uint32_t)timestamp_ns, memory_order_relaxed);
    atomic_store_explicit(&halves[1], (uint32_t)(timestamp_ns >> 32), memory_order_relaxed);
}

static inline bool commit(struct vrrl_writer *writer, const struct log_place *place,
                          const struct vrrl_record *record, uint64_t timestamp_ns)
{
    struct log_record *to = &writer->records[place->index];
    /* The emptied magic must be seen before any byte of the new body. */
    atomic_thread_fence(memory_order_release);
    set_timestamp(to, timestamp_ns);
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

bool log_commit(struct vrrl_writer *writer, const struct log_place *place,
                const struct vrrl_record *record)
{
    return commit(writer, place, record, record->timestamp_ns);
}

void log_abandon(struct vrrl_writer *writer, const struct log_place *place)
{
    give_back(writer, place);
}

void log_leave_note(struct vrrl_writer *writer, const struct log_place *place, uint64_t note)
{
    atomic_thread_fence(memory_order_release);
    set_timestamp(&writer->records[place->index], note);
}

struct log_place log_find_place(struct vrrl_writer *writer, uint64_t index, uint64_t *note)
{
    uint64_t owner = atomic_load_explicit(&writer->owners[index], memory_order_relaxed);
    struct log_place place = {
        .index = index, .lap = lap_of(owner), .sequence = lap_of(owner) * writer->capacity + index};
    *note = writer->records[index].timestamp_ns;
    return place;
}

bool log_is_taken(const struct vrrl_writer *writer, uint64_t sequence)
{
    uint64_t owner =
        atomic_load_explicit(&writer->owners[sequence % writer->capacity], memory_order_acquire);
    return owner == owner_word(sequence / writer->capacity, STATE_OWNED);
}

int vrrl_append(struct vrrl_writer *writer, const struct vrrl_record *record)
{
    uint64_t timestamp_ns = record->timestamp_ns != 0 ? record->timestamp_ns : log_now(writer);
    struct log_place place;
    int error = log_take(writer, &place);
    if (error == 0)
        commit(writer, &place, record, timestamp_ns);
    return error;
}

uint64_t log_total(const struct vrrl_writer *writer)
{
    uint64_t position = atomic_load_explicit(&writer->position, memory_order_relaxed);
    return position_lap(position) * writer->capacity + position_place(position);
}

void log_set_total(struct vrrl_writer *writer, uint64_t total)
{
    uint64_t lap = total / writer->capacity;
    uint64_t cursor = total % writer->capacity;
    for (uint64_t place = 0; place < writer->capacity; place++)
        atomic_store_explicit(&writer->owners[place],
                              owner_word(place < cursor ? lap + 1 : lap, STATE_FREE),
                              memory_order_relaxed);
    atomic_store_explicit(&writer->position, position_of(lap, cursor), memory_order_release);
}
