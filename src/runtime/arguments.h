/*
 * arguments.h - the checks of the caller's buffers that the public functions share.
 *
 * Each returns VYRE_OK or the code of vyre_runtime.h, and writes nothing.
 */
#ifndef RUNTIME_ARGUMENTS_H
#define RUNTIME_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

/* A ring: not NULL, aligned, a whole number of slots. */
int check_ring(const uint8_t *ring_bytes, size_t ring_len);

/* A ring, and an index of one of its slots. */
int check_slot(const uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx);

/* Any other buffer: not NULL, aligned, a whole number of words, at least words_min. */
int check_words(const uint8_t *bytes, size_t len, size_t words_min);

#endif
