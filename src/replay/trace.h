/**
 * \file trace.h
 * \brief What a replay made, look by look, kept small: so that another run of the same timeline can
 *        be held beside it.
 *
 * Kept are the control words, the statuses of slots in flight and the debug log.  Two runs
 * with one digest were the same at every look; of the debug log the records count and not their
 * order, and once it overflowed its cursor alone.  One thread at a time.
 */
#ifndef VRRL_REPLAY_TRACE_H
#define VRRL_REPLAY_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/backend.h"
#include "replay/compare.h"
#include "replay/error.h"
#include "replay/timeline.h"

/** Changes that a trace holds at most: half a gigabyte. */
#define TRACE_CHANGES_MAX (UINT64_C(1) << 26)

/** A word that is another than at the look before. */
struct trace_change {
    /** A control word, a slot, or a word of the debug log, one behind the other. */
    uint32_t place;
    uint32_t value;
};

struct trace {
    const struct timeline *timeline;
    /** false: the digest is all that is wanted of it. */
    bool kept;
    uint64_t digest;
    struct trace_change *changes;
    size_t changes_len;
    size_t changes_room;
    /** For each look the end of its changes. */
    size_t *looks;
    size_t looks_len;
    size_t looks_room;
    /** As at the last look. */
    uint32_t *words;
};

/** \param[out] trace  released with trace_free(), only when true was returned */
bool trace_init(struct trace *trace, const struct timeline *timeline, bool kept,
                struct replay_error *error);

/**
 * Take down what is there now.
 *
 * \param comparison  knows which slots are in flight
 * \return false when memory could not be had, or the trace is too long
 */
bool trace_look(struct trace *trace, const struct comparison *comparison,
                const struct backend_view *view, struct replay_error *error);

void trace_free(struct trace *trace);

/** Goes through a trace that was kept. */
struct trace_reader {
    const struct trace *trace;
    size_t look;
    /** What of it there is, as a backend shows it: of the ring the statuses alone. */
    struct backend_view view;
    uint32_t *control;
    uint32_t *statuses;
    uint32_t *debug_log;
};

/** \param[out] reader  released with trace_reader_free(), only when true was returned */
bool trace_reader_init(struct trace_reader *reader, const struct trace *trace,
                       struct replay_error *error);

/** Come to the next look, if there is one. */
void trace_reader_next(struct trace_reader *reader);

void trace_reader_free(struct trace_reader *reader);

#endif
