/**
 * \file ring_look.h
 * \brief A look at a ring on the device beside a kernel that runs, for backend.h's claimed().
 */
#ifndef VRRL_REPLAY_RING_LOOK_H
#define VRRL_REPLAY_RING_LOOK_H

#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Find a slot that is claimed.  Waits two seconds at most.
 *
 * \param looking     a queue of nothing else
 * \param offset      of the ring in the buffer, in bytes
 * \param first, end  the slots to look at
 * \return false when there is none, or the device does not let anyone look
 */
bool ring_look_claimed(cl_command_queue looking, cl_mem buffer, size_t offset, uint32_t first,
                       uint32_t end, uint32_t *slot);

#endif
