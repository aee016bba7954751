/**
 * \file timeline.h
 * \brief What happened to one ring of one run, in the order in which it was recorded: publishes,
 *        what the host put into buffers, launches, observations.
 *
 * Read from a log and its session, every length and number checked; what a file claims
 * is believed only as far as it holds together.  A log without launches in a session
 * (none at all, or a host that launched nothing that was seen) gets a timeline that the batching
 * rule makes (schedule.h): \c recorded is false then, each batch is launched once and looked at
 * once, and the program is the built-in megakernel.
 *
 * All buffers are 0 at first; what is known of them comes as CONTENTS at the beginning.  A
 * timeline that cannot begin at the beginning begins at a checkpoint, whose state comes the same
 * way.
 *
 * Read-only once it was read, so any number of threads may use it.
 */
#ifndef VRRL_REPLAY_TIMELINE_H
#define VRRL_REPLAY_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"
#include "replay/excerpt.h"
#include "session/entries.h"
#include "vyre/vyre_protocol.h"

/** No index. */
#define TIMELINE_NONE UINT32_MAX

/** Buffers that the protocol knows, by VYRE_KERNEL_ARG_…. */
#define TIMELINE_ROLES 4u

enum timeline_kind {
    /** excerpt.slots[which] lies in the ring from now on: the next launch can see it.  A slot that
     *  stays PUBLISHED may be put there again. */
    TIMELINE_PUBLISH,
    /** The host gave slots a status that is not PUBLISHED: statuses[which]. */
    TIMELINE_STATUS,
    /** Bytes came into a buffer, or part of it, that is not the ring: contents[which]. */
    TIMELINE_CONTENTS,
    /** A launch: submits[which]. */
    TIMELINE_SUBMIT,
    /** A launch that was fed has seen what went up since: submits[which], under way since before.
     */
    TIMELINE_ROUND,
    /** Bytes came back to the host: observations[which].  TIMELINE_NONE: nothing was recorded, but
     *  all launches are complete here, and a replay may be looked at. */
    TIMELINE_OBSERVATION,
    /** Bytes were changed by something that is not known: lost[which]. */
    TIMELINE_LOST,
};

struct timeline_event {
    enum timeline_kind kind;
    uint32_t which;
    /** Running total of the log when it happened: records of a lower sequence were made before it.
     *  Of a publish by symbol that is later than its sequence: when it went up. */
    uint64_t position;
};

/** A part of a buffer. */
struct timeline_range {
    /** Index into buffers; TIMELINE_NONE: there is none (debug log and IO queue only). */
    uint32_t buffer;
    uint64_t offset;
    uint64_t bytes;
};

struct timeline_buffer {
    /** As the session numbers it in the run; 0 when it is made up. */
    uint64_t number;
    uint64_t bytes;
    /** Bytes of it whose first contents are not known, and taken as 0. */
    uint64_t unknown_bytes;
};

struct timeline_program {
    /** Number of its entry in `programs`. */
    uint64_t entry;
    enum session_program_form form;
    struct session_text platform;
    struct session_text device;
    struct session_text driver;
    struct session_text options;
    const void *code;
    size_t code_bytes;
};

struct timeline_argument {
    enum session_argument_kind kind;
    /** BUFFER */
    struct timeline_range range;
    /** LOCAL: how much; VALUE: of the value. */
    uint64_t bytes;
    /** VALUE */
    const void *value;
};

struct timeline_kernel {
    /** Number of its entry in `programs`. */
    uint64_t entry;
    /** Index into programs; TIMELINE_NONE: the session has none. */
    uint32_t program;
    /** Terminated. */
    const char *name;
    struct timeline_argument *arguments;
    uint32_t arguments_len;
};

struct timeline_submit {
    /** Index into kernels; TIMELINE_NONE in a timeline that was made. */
    uint32_t kernel;
    /** 0 in a timeline that was made: as many lanes as the slots in flight need. */
    uint32_t dimensions;
    uint64_t global_offset[3];
    uint64_t global_size[3];
    /** All 0: the driver chooses. */
    uint64_t local_size[3];
    /** Number of the launch on this ring, from 1. */
    uint64_t launch;
    uint64_t time_ns;
    /** It drained what went up while it ran, as a kernel does that never stops: rounds follow it.
     */
    bool fed;
};

struct timeline_contents {
    struct timeline_range to;
    const void *bytes;
};

struct timeline_statuses {
    uint32_t first_slot;
    uint32_t slots;
    uint32_t status;
};

struct timeline_observation {
    /** Number of its entry in `observations`. */
    uint64_t entry;
    uint64_t time_ns;
    enum session_observed what;
    /** In bytes, of the buffer of that role; a whole number of slots of a ring. */
    uint64_t offset;
    uint64_t count;
    uint64_t launches;
    /** It is exactly what these launches made: none was in flight, or had anything left to do. */
    bool exact;
    /** None was in flight. */
    bool ended;
    /** RING: slots of the range by status. */
    uint64_t statuses[8];
    /** The bytes of the range; of a RING a map of the slots that are PUBLISHED, NULL when none is.
     */
    const uint8_t *bytes;
};

/** What a timeline could not tell, for the user. */
struct timeline_gaps {
    /** Records before the beginning of the timeline: it begins at a checkpoint.  They are the first
     *  ones of the excerpt. */
    size_t before;
    /** Launch that the checkpoint was seen after; 0: the timeline begins at the beginning. */
    uint64_t checkpoint;
    /** Records that no launch could see: published after the last one, or overwritten before. */
    size_t never_launched;
    /** Slots that went up PUBLISHED without a record. */
    size_t unrecorded;
    /** Bytes of buffers that are not known at the beginning. */
    uint64_t unknown_bytes;
    /** Changes of buffers whose bytes are not known. */
    size_t lost;
    /** Entries of the session that had no room. */
    uint64_t dropped;
    /** Observations that were overwritten, so that the first launches are not compared. */
    bool observations_cut;
    /** The debug log at the checkpoint is not known. */
    bool debug_log_unknown;
    /** Buffers that are no role, so that a checkpoint does not tell what they held. */
    bool other_buffers;
    /** Which slots were EMPTY at the checkpoint, and which DONE, is not known. */
    bool free_slots_unknown;
};

struct timeline {
    /** The records; those that are not replayed too. */
    struct excerpt excerpt;
    /** Whether launches and observations are the recorded ones. */
    bool recorded;
    /** Records that cannot be replayed faithfully; with any, nothing is run. */
    size_t obstacles;

    struct timeline_event *events;
    size_t events_len;
    struct timeline_buffer *buffers;
    uint32_t buffers_len;
    struct timeline_program *programs;
    uint32_t programs_len;
    struct timeline_kernel *kernels;
    uint32_t kernels_len;
    struct timeline_submit *submits;
    uint32_t submits_len;
    /** Any of them was fed. */
    bool fed;
    struct timeline_contents *contents;
    uint32_t contents_len;
    struct timeline_statuses *statuses;
    uint32_t statuses_len;
    struct timeline_observation *observations;
    uint32_t observations_len;
    struct timeline_range *lost;
    uint32_t lost_len;

    /** Different epochs among the records. */
    size_t epochs;
    /** The buffers of the protocol: by VYRE_KERNEL_ARG_…. */
    struct timeline_range roles[TIMELINE_ROLES];
    uint32_t control_words;
    uint32_t ring_slots;
    struct timeline_gaps gaps;

    /** Copies of what the journals hold, chained. */
    void *memory;
};

/**
 * Read a log and its session.
 *
 * Refused, beside what excerpt_read() refuses: a session whose parts do not fit
 * together, one that was cut (its last launches are there but not the first) and has no
 * checkpoint, and rings that share a control buffer or debug log, since neither can be replayed
 * by itself.  Records with an obstacle are no error.
 *
 * \param[out] timeline  released with timeline_free(), only when true was returned
 */
bool timeline_read(const char *path, const struct excerpt_choice *choice, struct timeline *timeline,
                   struct replay_error *error);

/** Make a timeline by the batching rule: \c excerpt is set, and all else is 0.
 *  \return false when memory could not be had; it is released with timeline_free() either way */
bool timeline_make(struct timeline *timeline, struct replay_error *error);

void timeline_free(struct timeline *timeline);

/** Whether an observation of RING shows a slot PUBLISHED.  \return false too when it is not in its
 *  range: see timeline_observed_slot() */
bool timeline_observed_published(const struct timeline_observation *observation, uint32_t slot);

/** DONE_COUNT as an observation shows it.  \return false when it does not */
bool timeline_observed_done(const struct timeline_observation *observation, uint32_t *done);

/** Whether the range of an observation of RING has the slot. */
bool timeline_observed_slot(const struct timeline_observation *observation, uint32_t slot);

#endif
