/**
 * \file suspects.h
 * \brief Which slots may be behind a word that differs, and whether anything ordered them.
 *
 * Asked of what is recorded alone: nothing is run again.  A word that differs at an observation and
 * did not at the one before can only have got so by the slots that were in flight between the two.
 * Of these some touch it.  Two that do, with effects which do not commute, may end either way
 * unless one was published after the host had seen the other DONE: then the fault is the order that
 * the host left open.  Otherwise all that is recorded allows one end only, and the kernel or the
 * device is at fault.
 *
 * Time is one count that grows, of publishes and observations.  One thread at a time.
 */
#ifndef VRRL_REPLAY_SUSPECTS_H
#define VRRL_REPLAY_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/effects.h"
#include "replay/error.h"

#define FLIGHT_NEVER UINT64_MAX
/** No flight, or no finding. */
#define SUSPECT_NONE SIZE_MAX

/** A slot from its publish until the host had seen it DONE. */
struct flight {
    /** As reports name it. */
    uint32_t record;
    uint32_t slot_idx;
    /** As published. */
    const uint32_t *words;
    uint64_t published;
    /** FLIGHT_NEVER while the host did not see it. */
    uint64_t seen_done;
    /** The first launch after it; 0: not known. */
    uint64_t launch;
};

enum finding_where {
    FINDING_CONTROL,
    /** The status of a slot. */
    FINDING_STATUS,
    FINDING_DEBUG_LOG,
};

enum finding_cause {
    /** Two slots write the word, and nothing ordered them. */
    FINDING_RACE,
    /** One writes what the other reads (the source of a LOAD, a tenant's mask), and nothing ordered
     *  them. */
    FINDING_RACE_OF_INPUT,
    /** The slot was drained on one side alone, and nothing recorded allows that. */
    FINDING_DRAINED_ONCE,
    /** One slot writes it, with nothing beside it. */
    FINDING_ALONE,
    /** Several write it, in any order to one end. */
    FINDING_COMMUTING,
    /** Several write it, and all of them are ordered. */
    FINDING_ORDERED,
    /** No slot in flight writes it. */
    FINDING_NOBODY,
    /** It follows from another finding. */
    FINDING_FOLLOWS,
};

/** Writers of a word that are kept; all are counted. */
#define FINDING_WRITERS_MAX 8u

struct finding_writer {
    /** Place among the flights. */
    size_t flight;
    struct effect effect;
};

struct finding {
    /* Asked. */
    /** For the caller. */
    size_t divergence;
    enum finding_where where;
    /** Of the control buffer or the debug log; for a status the slot. */
    uint32_t word;
    uint32_t expected;
    uint32_t actual;
    /** The last observation at which the word was right, and the one at which it differs. */
    uint64_t since;
    uint64_t until;

    /* Answered. */
    enum finding_cause cause;
    /** Slots in flight that write it, and that only read it. */
    uint64_t writing;
    uint64_t reading;
    /** Their effects end in one way in any order. */
    bool commuting;
    /** The first of those that write it; of a status, the slot itself. */
    struct finding_writer writers[FINDING_WRITERS_MAX];
    size_t writers_len;
    /** RACE, RACE_OF_INPUT: two that nothing ordered (places among the flights), earlier first, and
     *  the control word that both touch. */
    size_t pair[2];
    uint32_t pair_word;
    /** They were in one launch, or it is not known. */
    bool pair_together;
    /** FOLLOWS: place among the findings. */
    size_t follows;
};

/** Whether nothing ordered two slots, the first of which was published earlier. */
static inline bool flights_unordered(const struct flight *first, const struct flight *second)
{
    return first->seen_done > second->published;
}

/**
 * Answer what is asked, in one walk or two over the flights.
 *
 * \param flights   in the order of publishing
 * \param findings  with what is asked set, in any order
 * \return false when memory could not be had
 */
bool suspects_find(const struct flight *flights, size_t flights_len, struct finding *findings,
                   size_t findings_len, struct replay_error *error);

/**
 * Put findings in order, the likeliest cause first: by observation, there by cause, and last the
 * words in which every slot counts.
 *
 * \param[out] order  their places, \a len of them
 */
void suspects_rank(const struct finding *findings, size_t len, size_t *order);

#endif
