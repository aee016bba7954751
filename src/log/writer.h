/**
 * \file writer.h
 * \brief Appending in two steps, for the recorder.
 *
 * A publish must have its place in the log before the GPU can see it, and its
 * record only once it succeeded:
 *
 *     log_take(writer, &place);
 *     publish…
 *     log_commit(writer, &place, &record)  or  log_abandon(writer, &place)
 *
 * Everything here is lock-free, makes no system call, and may be called from
 * any thread and any signal handler.
 */
#ifndef VRRL_LOG_WRITER_H
#define VRRL_LOG_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "log/clock.h"
#include "log/layout.h"
#include "log/vrrl.h"

#define LOG_CACHE_LINE 64

struct vrrl_writer {
    struct log_header *header;
    struct log_record *records;
    uint64_t capacity;
    uint64_t map_bytes;
    /** Of this structure. */
    uint64_t own_bytes;
    struct log_clock clock;
    /** The place to take next, and its lap; the header's cursor follows it (append.c).  On a
     *  cache line of its own, as every append writes it. */
    _Alignas(LOG_CACHE_LINE) _Atomic uint64_t position;
    /** One word for each place: who may write there, and in which lap (append.c). */
    _Alignas(LOG_CACHE_LINE) _Atomic uint64_t owners[];
};

/** A place that this thread owns until it commits or abandons it. */
struct log_place {
    uint64_t index;
    /** Times that the log had come round when it was taken. */
    uint64_t lap;
    /** Of the place in the running total, from 0. */
    uint64_t sequence;
};

/** Now, in nanoseconds since the UNIX epoch.  Read it before log_take(): time spent
 *  between taking a place and committing it is time in which others contend. */
static inline uint64_t log_now(struct vrrl_writer *writer)
{
    return log_clock_now(&writer->clock);
}

/** Take the next place and empty it.  \return 0, or VRRL_E_BUSY when every place is owned. */
int log_take(struct vrrl_writer *writer, struct log_place *place);

/**
 * Write the record and give the place back.
 *
 * \return false when the others wrote a whole lap meanwhile: the record would be
 *         overwritten by now, and is dropped
 */
bool log_commit(struct vrrl_writer *writer, const struct log_place *place,
                const struct vrrl_record *record);

/** Give the place back empty: a gap. */
void log_abandon(struct vrrl_writer *writer, const struct log_place *place);

/** Keep a number in an owned place until it is committed.  A batch of any length chains
 *  its places so, without memory of its own. */
void log_leave_note(struct vrrl_writer *writer, const struct log_place *place, uint64_t note);

/** Find an owned place by its index again, and the number left there. */
struct log_place log_find_place(struct vrrl_writer *writer, uint64_t index, uint64_t *note);

/** Whether the writer that took the place of this sequence has neither committed nor abandoned it.
 */
bool log_is_taken(const struct vrrl_writer *writer, uint64_t sequence);

/** Continue the count of another total (the session's) than what the log alone tells.
 *  \a total modulo the capacity must be the cursor.  Before the first log_take() only. */
void log_set_total(struct vrrl_writer *writer, uint64_t total);

/** Sequence of the next place: records that were ever appended, as far as the log alone tells
 *  of those before it was opened. */
uint64_t log_total(const struct vrrl_writer *writer);

/**
 * As vrrl_open().
 *
 * \param unused  its session says that nobody ever recorded into it: it was prepared for a process
 *        that runs (recording_prepare()), which is not to be held up by a look at all of it.  Its
 *        pages are in memory already, and are mapped as they are written.
 */
int log_open(const char *path, bool unused, struct vrrl_writer **writer);

/** Close it in steps (log_unmap_some()).  \return true when it is closed */
bool log_close_some(struct vrrl_writer *writer, uint64_t *bytes);

#endif
