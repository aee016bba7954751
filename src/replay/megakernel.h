/**
 * \file megakernel.h
 * \brief The texts of the kernels, inside the program; not terminated.
 */
#ifndef VRRL_REPLAY_MEGAKERNEL_H
#define VRRL_REPLAY_MEGAKERNEL_H

#include <stddef.h>

/** The self-contained megakernel.cl: OpenCL C 1.2, constants included. */
extern const char megakernel_source[];
extern const size_t megakernel_source_len;

/** resident.cl with its constants, to come after it. */
extern const char resident_source[];
extern const size_t resident_source_len;

#endif
