/**
 * \file fed_ring.h
 * \brief A ring on an OpenCL device that slots are copied into while a kernel drains it.
 *
 * One thread at a time, but for fed_ring_claimed().
 */
#ifndef VRRL_REPLAY_FED_RING_H
#define VRRL_REPLAY_FED_RING_H

#include "replay/active.h"
#include "replay/backend.h"
#include "replay/opencl_device.h"

struct fed_ring {
    /** In order, and not the kernel's. */
    cl_command_queue queue;
    /** On the device, and where in it the ring begins, in bytes. */
    cl_mem buffer;
    size_t offset;
    uint32_t slots;
    /** Slots as published. */
    cl_uint *words;
    /** As last read, and as published since. */
    cl_uint *statuses;
    /** fed_ring_claimed()'s. */
    cl_uint *looked_at;
    /** Published and not copied yet. */
    struct active waiting;
    /** Copied, and not seen drained. */
    struct active flying;
};

/** The ring on the device must be all 0.  \param ring  all 0; released with fed_ring_close() also
 *  when false was returned */
bool fed_ring_open(struct fed_ring *ring, cl_command_queue queue, cl_mem buffer, size_t offset,
                   uint32_t slots, struct replay_error *error);

void fed_ring_publish(struct fed_ring *ring, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS]);

/** Read the statuses, and forget the slots that were drained. */
bool fed_ring_look(struct fed_ring *ring, struct replay_error *error);

/** Whether a slot that waits is to be used again and was not seen drained: it must not be copied.
 */
bool fed_ring_must_wait(const struct fed_ring *ring);

/** Copy the slots that wait, and wait until they are there. */
bool fed_ring_copy(struct fed_ring *ring, struct replay_error *error);

/** Whether the slots are drained that must be; see struct backend_goal. */
bool fed_ring_has_come(const struct fed_ring *ring, const struct backend_goal *goal);

/** Whether a lane was seen at work on a slot. */
bool fed_ring_is_claimed(const struct fed_ring *ring);

/** For backend.h's claimed(). \param looking  a queue for that alone */
bool fed_ring_claimed(struct fed_ring *ring, cl_command_queue looking, uint32_t *slot);

void fed_ring_close(struct fed_ring *ring);

#endif
