/**
 * \file writer.h
 * \brief Recording: a log and its session, opened together by one process.
 */
#ifndef VRRL_SESSION_WRITER_H
#define VRRL_SESSION_WRITER_H

#include <stdint.h>

#include "log/writer.h"
#include "session/journal.h"
#include "session/session.h"

/** A log and its session, open for recording. */
struct recording {
    /** Absolute, as it was opened.  Empty when the session is in private memory. */
    char session_of[PATH_MAX];
    struct vrrl_writer *log;
    struct session_header *header;
    struct session_slot *slots;
    uint64_t map_bytes;
    uint32_t run;
    /** Journals of enum journal_kind; their header is NULL until they are open. */
    struct journal journals[JOURNAL_KINDS];
    /** Address of the ring of each number; 0: free. */
    _Atomic uint64_t ring_addresses[SESSION_RINGS_OF_RUN_MAX];
    /** Number, plus 1, of the ring that each turned out to be; 0: it is none but itself. */
    _Atomic uint32_t ring_joined[SESSION_RINGS_OF_RUN_MAX];
};

/**
 * Open a log, or create it, together with its session, as a new run of both.
 * Processes that do so at once wait for each other; one that finds a living
 * owner is refused.
 *
 * Files of a session that does not fit its log (left over from another one) get
 * the time as a suffix, and new ones are begun.
 *
 * Makes system calls; not signal safe; does not allocate with malloc.
 *
 * \param capacity  of a log that is created; an existing one keeps its own
 * \param session  false: record the bare log only.  Nobody could tell then who owns it, so an
 *        existing log is refused as SESSION_E_OWNED rather than continued.
 * \return 0, SESSION_E_OWNED, SESSION_E_PATH, or a VRRL_E code; errno tells more of VRRL_E_IO
 */
int recording_open(const char *log_path, uint64_t capacity, bool session,
                   struct recording *recording);

/**
 * Make the files of a recording beforehand, for a process that runs and is not to be held up by it:
 * recording_open() finds them, empty, and goes on with them.
 *
 * \param journals  those of the session, too
 * \return 0, VRRL_E_EXISTS when there is a log of that name, or as recording_open(); nothing is
 * left then
 */
int recording_prepare(const char *log_path, uint64_t capacity, bool journals);

/** Take away what was prepared and never recorded into.  \return whether it was */
bool recording_remove_unused(const char *log_path);

/** Of each journal, when it is created. */
#define SESSION_SUBMITS_BYTES (2u << 20)
#define SESSION_OBSERVATIONS_BYTES (8u << 20)
#define SESSION_PROGRAMS_BYTES (16u << 20)

/**
 * Open the journals of the session: only a process that launches megakernels needs them.
 * Makes system calls.  One thread at a time.
 *
 * \return 0 or a VRRL_E code; the journals are then all closed, and the log goes on alone
 */
int recording_open_journals(struct recording *recording);

/** Say that the run began while its process ran (SESSION_RUN_LATE). */
void recording_begun_late(struct recording *recording);

/** Note that all buffers of a megakernel are known now. */
void recording_checkpoint(struct recording *recording);

/** End the run, and own the log no more: others may continue it.  No thread may be recording. */
void recording_end(struct recording *recording);

/** Unmap.  No thread may be recording. */
void recording_close(struct recording *recording);

/** Do some of that: about so many bytes.  \return true when all is done */
bool recording_close_some(struct recording *recording, uint64_t bytes);

/** A ring turned out to be another one of this run: from now on that is its number, and readers
 *  take it for that one's in what was recorded before.  Said once; one thread at a time. */
void recording_join_rings(struct recording *recording, uint32_t ring, uint32_t other);

/** As recording_ring(), of any ring but the run's first. */
uint32_t recording_other_ring(struct recording *recording, uint64_t address, uint64_t bytes);

static inline uint32_t recording_ring_number(struct recording *recording, uint32_t number)
{
    uint32_t joined = atomic_load_explicit(&recording->ring_joined[number], memory_order_relaxed);
    return joined == 0 ? number : joined - 1;
}

/** Number of a ring in this run; the first call for a ring enters it into the header.
 *  Lock-free, signal safe.  \return SESSION_RING_UNKNOWN when there are too many */
static inline uint32_t recording_ring(struct recording *recording, uint64_t address, uint64_t bytes)
{
    if (atomic_load_explicit(&recording->ring_addresses[0], memory_order_relaxed) == address)
        return recording_ring_number(recording, 0);
    return recording_other_ring(recording, address, bytes);
}

/** Empty the slot of a place that was just taken in the log, and say what it is for. */
static inline void recording_reserve_slot(struct recording *recording,
                                          const struct log_place *place, enum session_origin origin,
                                          uint32_t ring, uint32_t slot_idx)
{
    struct session_slot *slot = &recording->slots[place->index];
    __atomic_store_n(&slot->sequence, 0, __ATOMIC_RELEASE);
    /* The emptied sequence must be seen before any byte of the new slot. */
    atomic_thread_fence(memory_order_release);
    __atomic_store_n(&slot->origin, (uint32_t)origin, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->ring, ring, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->slot_idx, slot_idx, __ATOMIC_RELAXED);
}

/** A publish as it was made. */
struct published {
    uint64_t timestamp_ns;
    uint32_t slot_idx;
    /** The last epoch that the host had seen. */
    uint32_t epoch;
    uint32_t ring;
    uint32_t thread;
    /** The slot in the ring.  Its status is not looked at: the GPU may have changed it. */
    const uint32_t *words;
};

/** Write the slot of a place, and then commit its record.  \return as log_commit() */
bool recording_commit(struct recording *recording, const struct log_place *place,
                      const struct published *published);

#endif
