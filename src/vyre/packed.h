/*
 * packed.h - packed slots: several small ops in the 12 arg words of one slot.
 *
 * Bytes, little-endian: op count, count of arg words, then for each op its
 * opcode (u8) and where its args begin (u8, in words), padded to a word; then
 * the arg words.  Pure functions, safe anywhere.
 *
 * What can be written and what the kernel then reads differ, see
 * vyre_packed_decode; doc/protocol.md tells it at length.
 */
#ifndef VYRE_PACKED_H
#define VYRE_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

/* A payload that is being written; begin, then add exactly op_count ops. */
struct vyre_packed_encoder {
    uint32_t words[VYRE_SLOT_ARGS]; /* the slot's args */
    size_t words_len;               /* how many of them are in use */
    size_t args_begin;              /* word where the args begin */
    size_t ops_len;                 /* ops added so far */
};

/* Starts a payload of op_count ops.  False if their metadata alone pass 12 words (> 23 ops). */
bool vyre_packed_begin(struct vyre_packed_encoder *encoder, size_t op_count);

/*
 * Adds the next op with its args (args may be NULL if args_len is 0).  False,
 * nothing added, if the payload would pass 12 words.
 */
bool vyre_packed_add(struct vyre_packed_encoder *encoder, uint8_t opcode, const uint32_t *args,
                     size_t args_len);

/* An op as the kernel sees it. */
struct vyre_packed_inner {
    uint32_t opcode;
    uint32_t args[VYRE_PACKED_OP_ARGS];
    bool skipped; /* its three args would pass word 12: the kernel does nothing, args are 0 */
};

/*
 * Reads a payload exactly as the kernel does: at most 4 ops; the args begin where
 * the metadata of that clamped count end, so 6 or more ops are read shifted;
 * three args per op, however many were written.  Returns the number of ops.
 * Accepts any words.
 */
size_t vyre_packed_decode(const uint32_t words[VYRE_SLOT_ARGS],
                          struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX]);

/*
 * How many words the writer of this payload used, metadata and args; it says so
 * in its first word.  More than 12 only in a malformed payload.  Words after
 * them are 0 in a slot that was published.
 */
size_t vyre_packed_words(uint32_t first_word);

#endif
