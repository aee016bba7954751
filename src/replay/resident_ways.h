/**
 * \file resident_ways.h
 * \brief The ways in which slots get to lanes that are running, each a backend of its own.
 *
 * backend_resident takes the first that a device can do.  open() of each says why it cannot.
 */
#ifndef VRRL_REPLAY_RESIDENT_WAYS_H
#define VRRL_REPLAY_RESIDENT_WAYS_H

#include "replay/backend.h"

/** Through fine-grained shared virtual memory with atomics. */
extern const struct backend resident_svm;

/** Through memory of the host that lanes load from and store to while they run. */
extern const struct backend resident_reached;

/** Through copies on a second queue, where a kernel rings the doorbell and waits. */
extern const struct backend resident_copies_kernel;

/** Through copies alone: the doorbell is the last of them, and the host reads until all is done. */
extern const struct backend resident_copies_alone;

#endif
