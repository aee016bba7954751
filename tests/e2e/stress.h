/* What a stress host's records carry, so that a mixture of two is noticed. */
#ifndef STRESS_H
#define STRESS_H

#include <stdint.h>

static inline uint32_t stress_hash(uint32_t n, uint32_t thread)
{
    return (n ^ thread * 0x9E3779B9u) * 0x85EBCA6Bu;
}

#endif
