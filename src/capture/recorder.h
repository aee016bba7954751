/**
 * \file recorder.h
 * \brief The recorder inside the host's process: one log, opened at the first publish.
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

#include "session/writer.h"

/**
 * The recording that a publish belongs to.  The first call of a process opens
 * it, while others wait.
 *
 * \return NULL when nothing is recorded: switched off, failed (said on stderr,
 *         once), or called by a signal handler inside the opening
 */
struct recording *recorder_begin(void);

/** A publish that is under way. */
struct publish {
    struct recording *recording;
    struct log_place place;
    uint64_t timestamp_ns;
    uint32_t epoch;
};

/** Take a place for a publish that is about to be made.  \return false when there is none;
 *  it is counted as skipped, and the publish goes on unrecorded */
bool recorder_take(struct recording *recording, struct publish *publish);

/**
 * The publish was made.
 *
 * \param ring, ring_bytes  the ring, in the host's memory
 * \param slot_idx  the slot, which now holds what was published
 */
void recorder_commit(const struct publish *publish, const uint8_t *ring, size_t ring_bytes,
                     uint32_t slot_idx);

/** The runtime refused the publish. */
void recorder_abandon(const struct publish *publish);

/** Count publishes that the runtime refused. */
void recorder_count_failed(struct recording *recording);

/**
 * Announce that the host is about to look at an epoch.
 *
 * \return to be given to recorder_saw_epoch().  Of two looks that overlap, the
 *         one that began first never hides what the other one saw.
 */
uint32_t recorder_look_at_epoch(void);

/** The host has seen an epoch: the next publishes carry it. */
void recorder_saw_epoch(uint32_t look, uint32_t epoch);

#endif
