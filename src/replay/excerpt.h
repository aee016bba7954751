/**
 * \file excerpt.h
 * \brief The part of a log that is replayed, slots rebuilt to all 16 words.
 */
#ifndef VRRL_REPLAY_EXCERPT_H
#define VRRL_REPLAY_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"
#include "vyre/vyre_protocol.h"

/** Why a record cannot be replayed faithfully. */
enum obstacle {
    OBSTACLE_NONE,
    /** A packed slot of more than four words of args, and only four are known. */
    OBSTACLE_PACKED_ARGS,
    /** The session covers the run but not this record. */
    OBSTACLE_NO_SLOT,
    /** The session has another slot for the record than the log. */
    OBSTACLE_MISMATCH,
    /** The run used too many rings for its recorder to tell which this one is. */
    OBSTACLE_RING,
    /** The recorded slot is not PUBLISHED. */
    OBSTACLE_STATUS,
    /** A control word past the largest control buffer of a replay. */
    OBSTACLE_CONTROL_WORD,
    /** A slot past the largest ring of a replay. */
    OBSTACLE_SLOT,
    /** A slot past the ring that was launched. */
    OBSTACLE_OUTSIDE,
};

/** One record. */
struct recorded_slot {
    /** Position among the live records of the log, oldest first, from 0. */
    uint32_t index;
    /** Place in the running total of the log, from 0; without session the index. */
    uint64_t sequence;
    /** As the log has it; 0 when it is not known. */
    uint64_t timestamp_ns;
    uint32_t slot_idx;
    uint32_t epoch;
    /** Of the run; SESSION_RING_UNKNOWN where its recorder could not tell, 0 without session. */
    uint32_t ring;
    /** Threads count from 0 in an excerpt; without session all are thread 0. */
    uint32_t thread;
    enum obstacle obstacle;
    /** What the obstacle is about: the opcode, the control word or the slot. */
    uint64_t obstacle_value;
    /** As published. */
    uint32_t words[VYRE_SLOT_WORDS];
};

/** Which part of the log is asked for. */
struct excerpt_choice {
    bool run_given;
    uint32_t run;
    bool ring_given;
    uint32_t ring;
    /** All rings of the run together. */
    bool all_rings;
};

/** One ring of one run, or all of them, or of a log without session all of it. */
struct excerpt {
    /** Oldest first, at least one. */
    struct recorded_slot *slots;
    size_t len;
    uint32_t threads;
    /** Whether a session told runs, rings, threads and all 16 words. */
    bool session;
    /** Why a session that is there could not be used; NULL otherwise.  Static storage. */
    const char *session_fault;
    /** With a session only. */
    uint32_t run;
    uint32_t ring;
    bool all_rings;
    /** Records that belong to another run or ring. */
    size_t others;
    /** Older records of the run were overwritten, so that the excerpt does not begin at the
     *  beginning. */
    bool wrapped;
    /** The run began while its process ran, and nobody read the buffers then. */
    bool late;
    /** Running total of the log; without session the records. */
    uint64_t total;
};

/**
 * List the rings of the chosen run, or the one ring that was chosen.
 *
 * \param[out] rings  ascending, released with free(); one ring 0 for a log without session
 * \param[out] choice  as it came, but with the run, so that it and each ring can be read
 * \return false for what excerpt_read() refuses, too
 */
bool excerpt_list_rings(const char *path, struct excerpt_choice *choice, uint32_t **rings,
                        size_t *len, struct replay_error *error);

/**
 * Read a log and its session, if there is one.
 *
 * Refused are a log that cannot be opened or is truncated in its records, a log
 * without records, a run or ring that is not there, and a run of several rings with
 * none chosen.
 *
 * \param[out] excerpt  released with excerpt_free(), only when true was returned
 */
bool excerpt_read(const char *path, const struct excerpt_choice *choice, struct excerpt *excerpt,
                  struct replay_error *error);

void excerpt_free(struct excerpt *excerpt);

#endif
