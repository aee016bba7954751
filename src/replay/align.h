/**
 * \file align.h
 * \brief What makes one sequence into another: what is missing there, what is extra, what is
 * another.
 *
 * Elements are told apart by keys alone.  Where the two part, they are taken to go on at the
 * nearest place where four elements in a row agree, however far it is; work and memory grow with
 * the lengths, not with the differences.  One thread at a time.
 */
#ifndef VRRL_REPLAY_ALIGN_H
#define VRRL_REPLAY_ALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A run of elements.  Of what is missing in b, b_len is 0; of what is extra there, a_len is 0; of
 *  what is another there, both are the same. */
struct align_edit {
    size_t a;
    size_t a_len;
    size_t b;
    size_t b_len;
};

/**
 * \param a, b  keys; fewer than 2^32 - 1 each
 * \param[out] edits  in order; released with free(), only when true was returned
 * \return false when memory could not be had
 */
bool align_sequences(const uint64_t *a, size_t a_len, const uint64_t *b, size_t b_len,
                     struct align_edit **edits, size_t *edits_len);

#endif
