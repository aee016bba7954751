/*
 * opcode.h - which opcodes exist, which a host may publish, and their names.
 *
 * Pure functions, safe anywhere.  Their numbers are in vyre_protocol.h, their
 * effects in doc/protocol.md.
 */
#ifndef VYRE_OPCODE_H
#define VYRE_OPCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/*
 * Whether a publish accepts the opcode: NOP … BATCH_FENCE, PACKED_SLOT, PRINTF,
 * SHUTDOWN and the user opcodes.  LOAD_MISS is not: it enters a ring by a raw copy.
 */
bool vyre_opcode_publishable(uint32_t opcode);

/* Whether the opcode is a user's: its effect is a handler which the job supplies. */
bool vyre_opcode_user(uint32_t opcode);

/*
 * Whether a kernel without handlers knows the opcode: NOP … BATCH_FENCE (NOP and
 * DFA_STEP have no body, which is an effect too: none), PRINTF, PACKED_SLOT and
 * SHUTDOWN.  LOAD_MISS is not: it needs a kernel and a host that serve the IO queue.
 */
bool vyre_opcode_builtin(uint32_t opcode);

/* "ATOMIC_ADD" for VYRE_OP_ATOMIC_ADD; NULL for user and unknown opcodes.  Static storage. */
const char *vyre_opcode_name(uint32_t opcode);

/*
 * Reads an opcode from a name (in any case) or a number as C writes it (decimal,
 * 0x… or 0…, at most 32 bits, the whole text).  False, *opcode untouched, for
 * anything else.
 */
bool vyre_opcode_parse(const char *text, uint32_t *opcode);

#endif
