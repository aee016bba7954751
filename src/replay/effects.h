/**
 * \file effects.h
 * \brief Which control words a slot reads and writes, and how, without running it.
 *
 * Sizes the control buffer before a replay, and finds the records behind a word
 * that differs after one.  A slot is not atomic: each effect is a step of its own.
 * Pure functions, safe anywhere.
 */
#ifndef VRRL_REPLAY_EFFECTS_H
#define VRRL_REPLAY_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/** Runs of words that one slot names at most: a packed slot of four operations, two each. */
#define EFFECTS_MAX (2u * VYRE_PACKED_OPS_MAX)

/** Runs of words that a slot touches whatever it is there for, at most. */
#define EFFECTS_COMMON_MAX (4u + VYRE_PACKED_OPS_MAX)

enum effect_kind {
    EFFECT_READ,
    /** \c value is added. */
    EFFECT_ADD,
    /** \c value is stored. */
    EFFECT_STORE,
    /** \c value is stored if the word is what the slot expects. */
    EFFECT_SWAP,
    /** What was read at \c source is stored. */
    EFFECT_COPY,
    EFFECT_KINDS,
};

/** A run of control words, each touched in the same way. */
struct effect {
    uint64_t first;
    /** At least 1. */
    uint64_t words;
    enum effect_kind kind;
    /** ADD, STORE, SWAP. */
    uint32_t value;
    /** COPY: the word that goes to \c first; the next goes to the next. */
    uint64_t source;
};

static inline bool effect_writes(const struct effect *effect)
{
    return effect->kind != EFFECT_READ;
}

/** Whether two effects on one word end the same way in either order. */
bool effects_commute(const struct effect *left, const struct effect *right);

/**
 * The words that the arguments of a slot name, its observable results among
 * them, as if the control buffer had no end.
 *
 * \return how many entries of \a effects were set
 */
size_t effects_of_slot(const uint32_t slot[VYRE_SLOT_WORDS], struct effect effects[EFFECTS_MAX]);

/**
 * What a slot does beside that, as every slot: it reads SHUTDOWN, TENANT_BASE and its tenant's
 * mask, in a table at its usual place, and adds to DONE_COUNT and to a metric for each operation.
 *
 * \return how many entries of \a effects were set
 */
size_t effects_common(const uint32_t slot[VYRE_SLOT_WORDS],
                      struct effect effects[EFFECTS_COMMON_MAX]);

/** Whether running the slot may write a control word, DONE_COUNT and metrics included. */
bool effects_write(const uint32_t slot[VYRE_SLOT_WORDS], uint32_t word);

/** Words that the MEMCPYs of a slot copy. */
uint64_t effects_copied_words(const uint32_t slot[VYRE_SLOT_WORDS]);

/**
 * Whether a kernel without handlers does with the slot what the recorded one did:
 * its opcode and all inner opcodes are built in.
 *
 * \param[out] opcode  the one that is not
 */
bool effects_known(const uint32_t slot[VYRE_SLOT_WORDS], uint32_t *opcode);

/**
 * Whether the first words of a packed slot's args are all that its effect depends
 * on: nothing that its operations use comes after them, and by its own account
 * its payload ends there.
 */
bool effects_packed_within(const uint32_t args[VYRE_SLOT_ARGS], size_t words);

#endif
