/**
 * \file recorder.h
 * \brief The recorder inside the host's process: one log at a time, opened at the first publish or
 * launch, and what is asked of it in its panel (panel/panel.h).
 *
 * The hooks, of whatever API, tell it of publishes and of epochs that the host
 * has seen.  Nothing here exits, aborts, prints to stdout, or keeps a descriptor
 * open, and errno is left as it was.  After the log was opened no call makes a
 * system call, takes a lock or allocates; all may be made by any thread and any
 * signal handler.
 */
#ifndef VRRL_CAPTURE_RECORDER_H
#define VRRL_CAPTURE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/settings.h"
#include "session/writer.h"

/** Marks what every launch of any program comes by. Such functions lie on few pages: where the
 *  program's own work has driven the shim out of the caches, each page costs it some 100 ns. */
#define RECORDER_OFTEN __attribute__((hot))

/** What was asked for.  \return NULL while nothing is or will be recorded: switched off, or
 *  failed */
const struct settings *recorder_settings(void);

/** Whether something may be recorded one day: what could be asked of nobody then is to be
 *  remembered, such as which buffers and kernels there are. */
bool recorder_may_record(void);

/** Number of the times that watching began, from 1: what was known before is out of date. */
uint32_t recorder_watch(void);

/** Whether recording was asked for while the process ran: what came before was not seen. */
bool recorder_is_late(void);

/** Of a shim that came late (came_late.h): have the host's calls come to the hooks.  Takes the
 *  dynamic linker's lock; not signal safe. */
void recorder_wake(void);

struct seat;

/** A stay inside of a recording, of one thread. */
struct visit {
    struct recording *recording;
    struct seat *seat;
    uint32_t outer;
};

/**
 * Enter the recording that a publish belongs to.  The first call of a process opens it, while
 * others wait; what is asked in the panel is done here.  A recording that ends meanwhile stays
 * until it is left.
 *
 * \return NULL when nothing is recorded: dormant, failed, or called by a signal handler inside the
 *         opening; nothing is to be left then
 */
struct recording *recorder_begin(struct visit *visit);

/** Leave it. */
void recorder_end(const struct visit *visit);

/*
 * For the core of GPU APIs, with its lock held: the recording that is open when the lock is taken
 * is held until the lock is given back.
 */
void recorder_hold_opened(void);
void recorder_let_go(void);

/** What is held.  \return NULL when no recording is open: what is no publish opens none */
struct recording *recorder_opened(void);

/** The same for a publish: opens the log. */
struct recording *recorder_open_and_hold(void);

/** Number of the recording in this process, from 1. */
uint32_t recorder_serial(const struct recording *recording);

/** Number of a ring in the recording, by the address that tells it from others: the host's
 *  memory, or the handle of a GPU buffer.  \return SESSION_RING_UNKNOWN when there are too many */
static inline uint32_t recorder_ring(struct recording *recording, uint64_t address, uint64_t bytes)
{
    return recording_ring(recording, address, bytes);
}

/** A publish that is under way. */
struct publish {
    struct recording *recording;
    struct log_place place;
    uint64_t timestamp_ns;
    uint32_t epoch;
    uint32_t ring;
    uint32_t slot_idx;
};

/** Take a place for a publish that is about to be made.  \return false when there is none;
 *  it is counted as skipped, and the publish goes on unrecorded */
bool recorder_take(struct recording *recording, enum session_origin origin, uint32_t ring,
                   uint32_t slot_idx, struct publish *publish);

/** The publish was made.  \param words  the slot as published, but for its status */
void recorder_commit(const struct publish *publish, const uint32_t *words);

/** The publish was not made. */
void recorder_abandon(const struct publish *publish);

/**
 * Publishes into one ring that one call makes together.  However many they are, their places
 * chain through the log itself.
 *
 *     recorder_batch_begin(&batch, recording, origin, ring, count);
 *     recorder_batch_take(&batch, slot_idx)  for each of the count publishes
 *     the call that makes them
 *     while (recorder_batch_next(&batch, &publish))
 *         recorder_commit(&publish, …)  or  recorder_abandon(&publish)
 */
struct batch {
    struct recording *recording;
    enum session_origin origin;
    uint32_t ring;
    /** Publishes at the beginning that get no place, since the log is smaller than the batch:
     *  their records would be overwritten by the others'. */
    uint64_t without;
    uint64_t taken;
    uint64_t next_index;
    struct publish last;
    /** The recording is held until the batch is finished. */
    bool held;
};

void recorder_batch_begin(struct batch *batch, struct recording *recording,
                          enum session_origin origin, uint32_t ring, uint64_t count);
void recorder_batch_take(struct batch *batch, uint32_t slot_idx);
/** \return false when there are no more */
bool recorder_batch_next(struct batch *batch, struct publish *publish);

/**
 * A store to an address broke (SIGBUS): the file behind a mapping was truncated.  If the mapping is
 * the recording's, put private memory in its place, and record no more.
 *
 * \return false when it is none of ours
 */
bool recorder_give_up_mapping(uintptr_t address);

/**
 * The host is about to forbid itself system calls.  Before the first publish recording ends: a
 * log cannot be opened any more.  After it publishes by symbol go on, which need none.
 */
void recorder_is_confined(void);

/** Whether recorder_is_confined() was called. */
bool recorder_makes_no_calls(void);

/** Say something on stderr, as one line that begins with "vrrl: " and says what to do. */
__attribute__((format(printf, 1, 2))) void recorder_say(const char *format, ...);

/** Count publishes that the runtime refused. */
void recorder_count_failed(struct recording *recording);

/**
 * Announce that the host is about to look at an epoch.
 *
 * \return to be given to recorder_saw_epoch().  Of two looks that overlap, the
 *         one that began first never hides what the other one saw.
 */
uint32_t recorder_look_at_epoch(void);

/** The host has seen an epoch by reading it in its own memory, whichever ring it is of: the next
 *  publishes into rings whose own epoch was never seen carry it. */
void recorder_saw_epoch(uint32_t look, uint32_t epoch);

/** The host has seen the epoch of a ring: the next publishes into it carry it. */
void recorder_saw_epoch_of(struct recording *recording, uint32_t ring, uint32_t look,
                           uint32_t epoch);

#endif
