/**
 * \file words.h
 * \brief The order of words, for qsort() and bsearch().
 */
#ifndef VRRL_REPLAY_WORDS_H
#define VRRL_REPLAY_WORDS_H

#include <stdint.h>

static inline int compare_words(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

#endif
