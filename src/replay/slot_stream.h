/**
 * \file slot_stream.h
 * \brief Storing slots for a device past the caches: the host does not read them again, and by way
 * of its caches they would be read for the sake of being overwritten.
 */
#ifndef VRRL_REPLAY_SLOT_STREAM_H
#define VRRL_REPLAY_SLOT_STREAM_H

#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "vyre/vyre_protocol.h"

/**
 * \param to      8-aligned, better 16-aligned
 * \param status  in the place of the words' own
 */
static inline void slot_stream(uint32_t *to, const uint32_t words[VYRE_SLOT_WORDS], uint32_t status)
{
#ifdef __x86_64__
    if ((uintptr_t)to % sizeof(__m128i) == 0) {
        const __m128i *from = (const __m128i *)(const void *)words;
        __m128i *quarters = (__m128i *)(void *)to;
        __m128i first =
            _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(_mm_loadu_si128(from)),
                                         _mm_castsi128_ps(_mm_cvtsi32_si128((int)status))));
        __m128i second = _mm_loadu_si128(from + 1);
        __m128i third = _mm_loadu_si128(from + 2);
        __m128i fourth = _mm_loadu_si128(from + 3);
        _mm_stream_si128(quarters, first);
        _mm_stream_si128(quarters + 1, second);
        _mm_stream_si128(quarters + 2, third);
        _mm_stream_si128(quarters + 3, fourth);
        return;
    }
    for (unsigned i = 0; i < VYRE_SLOT_WORDS; i++)
        _mm_stream_si32((int *)(to + i), (int)(i == VYRE_SLOT_STATUS ? status : words[i]));
#else
    memcpy(to, words, VYRE_SLOT_BYTES);
    to[VYRE_SLOT_STATUS] = status;
#endif
}

/** Before the device is told of them. */
static inline void slot_stream_end(void)
{
#ifdef __x86_64__
    _mm_sfence();
#endif
}

#endif
