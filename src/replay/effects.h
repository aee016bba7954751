/**
 * \file effects.h
 * \brief Which control words a slot names, without running it.
 *
 * Sizes the control buffer before a replay, and finds the records behind a word
 * that differs after one.  Pure functions, safe anywhere.
 */
#ifndef VRRL_REPLAY_EFFECTS_H
#define VRRL_REPLAY_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/** Runs of words that one slot names at most: a packed slot of four operations, two each. */
#define EFFECTS_MAX (2u * VYRE_PACKED_OPS_MAX)

/** A run of control words. */
struct effect {
    uint64_t first;
    /** At least 1. */
    uint64_t words;
    bool written;
};

/**
 * The words that the arguments of a slot name, its observable results among
 * them, as if the control buffer had no end.  What every slot touches (masks,
 * DONE_COUNT, metrics) is left out.
 *
 * \return how many entries of \a effects were set
 */
size_t effects_of_slot(const uint32_t slot[VYRE_SLOT_WORDS], struct effect effects[EFFECTS_MAX]);

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
