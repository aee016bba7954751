/*
 * slot.h - one slot of the ring: its words, its status, what a host may do to it.
 *
 * Every function takes the address of a slot's first byte: VYRE_SLOT_BYTES
 * bytes, aligned to 4, owned by the caller, possibly shared with a GPU or with
 * other threads.  Nothing here allocates, locks, fails or keeps a pointer, and
 * all of it may be called from a signal handler.
 *
 * Several threads may work on different slots at once.  On one slot, one
 * producer publishes at a time; status changes race safely with everything.
 */
#ifndef VYRE_SLOT_H
#define VYRE_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/* What a host may do to a slot; doc/protocol.md says from which status. */
enum vyre_slot_transition {
    VYRE_SLOT_PUBLISH, /* EMPTY, DONE → PUBLISHED */
    VYRE_SLOT_CLAIM,   /* PUBLISHED, YIELD, REQUEUE → CLAIMED */
    VYRE_SLOT_FINISH,  /* CLAIMED → DONE */
    VYRE_SLOT_FAIL,    /* PUBLISHED, CLAIMED, WAIT_IO, YIELD, REQUEUE → FAULT */
    VYRE_SLOT_CANCEL,  /* PUBLISHED, WAIT_IO, YIELD, REQUEUE → EMPTY */
};

/* Whether the transition may start from this status; false for unknown statuses. */
bool vyre_slot_transition_legal(enum vyre_slot_transition transition, uint32_t status);

/* The status that the transition ends in. */
uint32_t vyre_slot_transition_target(enum vyre_slot_transition transition);

/* The slot's status; what its writer stored before it is visible afterwards (acquire). */
uint32_t vyre_slot_status(const void *slot);

/*
 * Fills the slot as a publish does: opcode, tenant, priority NORMAL, the args
 * and zeros after them, and PUBLISHED last, with release order.  args_len is at
 * most VYRE_SLOT_ARGS.  Whether the slot may be published is the caller's to
 * check (vyre_slot_transition_legal), and so is the opcode.
 */
void vyre_slot_publish(void *slot, uint32_t tenant, uint32_t opcode, const uint32_t *args,
                       size_t args_len);

/*
 * Makes the transition if the status allows it, in one atomic step, so that of
 * a host that cancels and a GPU that claims one wins.  False, and nothing
 * changed, where it does not.  Not for VYRE_SLOT_PUBLISH, which needs a body.
 */
bool vyre_slot_move(void *slot, enum vyre_slot_transition transition);

#endif
