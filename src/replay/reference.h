/**
 * \file reference.h
 * \brief The megakernel's rules in plain C, one slot after another.
 *
 * What a replay on a device is compared with.  It shares no code with
 * megakernel.cl but the constants of vyre_protocol.h, and the same bounds: an
 * operation that names a word outside the control buffer (for LOAD and
 * COMPARE_SWAP: either of its two) does nothing, MEMCPY stops at the end of the
 * buffer, and a tenant whose mask would lie outside is masked.
 */
#ifndef VRRL_REPLAY_REFERENCE_H
#define VRRL_REPLAY_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/** The buffers of a megakernel; all memory is the caller's. */
struct reference {
    uint32_t *control;
    /** At least VYRE_CONTROL_WORDS_MIN. */
    uint32_t control_words;
    uint32_t *ring;
    /** Slots of 16 words. */
    uint32_t ring_slots;
    /** VYRE_DEBUG_LOG_WORDS words. */
    uint32_t *debug_log;
};

/**
 * Do with a slot what a lane of the megakernel does.  Safe whatever the buffers hold.
 *
 * \param slot  below ring_slots
 * \return whether it was drained: it was PUBLISHED and its tenant is not masked
 */
bool reference_drain(struct reference *reference, uint32_t slot);

#endif
