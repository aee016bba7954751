/*
 * word.h - the words of a buffer, whatever type the caller declared its bytes as.
 *
 * All buffers of the protocol are words of 32 bits, little-endian, aligned to 4.
 * The plain forms are for words that nobody else touches at that moment.
 */
#ifndef VYRE_WORD_H
#define VYRE_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May alias: buffers come as bytes, as words, and as memory that a GPU maps. */
typedef uint32_t __attribute__((may_alias)) vyre_word;

static inline uint32_t vyre_word_get(const void *buffer, size_t index)
{
    return ((const vyre_word *)buffer)[index];
}

static inline void vyre_word_set(void *buffer, size_t index, uint32_t value)
{
    ((vyre_word *)buffer)[index] = value;
}

/* Another thread or device may be writing the word. */
static inline uint32_t vyre_word_acquire(const void *buffer, size_t index)
{
    return __atomic_load_n((const vyre_word *)buffer + index, __ATOMIC_ACQUIRE);
}

/* Whoever sees the value sees all that was stored before it. */
static inline void vyre_word_release(void *buffer, size_t index, uint32_t value)
{
    __atomic_store_n((vyre_word *)buffer + index, value, __ATOMIC_RELEASE);
}

/* Replaces expected by value; false where the word holds something else. */
static inline bool vyre_word_swap(void *buffer, size_t index, uint32_t expected, uint32_t value)
{
    return __atomic_compare_exchange_n((vyre_word *)buffer + index, &expected, value, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

#endif
