/**
 * \file megakernel.h
 * \brief The text of the self-contained megakernel.cl, inside the program.
 */
#ifndef VRRL_REPLAY_MEGAKERNEL_H
#define VRRL_REPLAY_MEGAKERNEL_H

#include <stddef.h>

/** OpenCL C 1.2, constants included; not terminated. */
extern const char megakernel_source[];
extern const size_t megakernel_source_len;

#endif
