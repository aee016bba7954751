/*
 * control.h - the control buffer: its first contents and the names of its words.
 *
 * Pure functions over words which the caller owns, aligned to 4; safe anywhere but
 * where told.
 */
#ifndef VYRE_CONTROL_H
#define VYRE_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/*
 * Fills all words_len words (at least VYRE_CONTROL_WORDS_MIN) of a fresh control
 * buffer: TENANT_BASE names the mask table, the first `tenants` masks allow (29
 * at most), as many quotas are the default (32 at most), the rest is 0.
 */
void vyre_control_encode(void *control, size_t words_len, uint32_t tenants);

/*
 * Writes the default priority partitions of a ring of slot_count slots, six
 * words: where each of the five levels starts, and the end.  The levels share the
 * slots equally; NORMAL takes the remainder.
 */
void vyre_control_encode_priority_offsets(void *control, uint32_t slot_count);

/*
 * Writes the name of a control word into out, as snprintf does: at most size
 * bytes with the terminator, and returns the whole length.  Examples: "EPOCH",
 * "metrics[ATOMIC_ADD]", "metrics[9]", "tenant_mask[3]", "tenant_quota[3]",
 * "tenant_fairness[3]", "priority_offset[5]", "priority_fairness[NORMAL]",
 * "reserved[141]" (by word), "observable[17]".  Not for signal handlers.
 */
size_t vyre_control_word_name(uint32_t word, char *out, size_t size);

#endif
