/**
 * \file resident_copies.h
 * \brief What lanes that are fed through copies share with the host, and how it is set up.
 *
 * Between resident_copies.c, which feeds them, and resident_copies_setup.c.
 */
#ifndef VRRL_REPLAY_RESIDENT_COPIES_H
#define VRRL_REPLAY_RESIDENT_COPIES_H

#include "replay/resident_lanes.h"
#include "replay/staged_ring.h"

/** Parts of the one buffer in which all results are, so that one copy brings them: the protocol's
 *  buffers but the ring, by VYRE_KERNEL_ARG_…, and where that would be the mailbox. */
#define RESIDENT_PART_CONTROL VYRE_KERNEL_ARG_CONTROL
#define RESIDENT_PART_MAILBOX VYRE_KERNEL_ARG_RING
#define RESIDENT_PARTS TIMELINE_ROLES

struct resident_copies {
    struct opencl_device device;
    struct resident_lanes lanes;
    /** Of all commands but the lanes'. */
    cl_command_queue feed;
    /** Of claimed() alone. */
    cl_command_queue looking;
    bool by_kernel;
    /** vyre_ring, where the doorbell is rung by a kernel. */
    cl_kernel ring_kernel;
    struct timeline_range roles[TIMELINE_ROLES];
    cl_mem ring_buffer;
    struct staged_ring ring;
    cl_mem results_buffer;
    cl_mem parts[RESIDENT_PARTS];
    /** In bytes, of a part in the buffer. */
    size_t offsets[RESIDENT_PARTS];
    size_t results_bytes;
    /** The mailbox as it was before the results were read, then the results. */
    struct pinned staging;
    uint32_t *first_mailbox;
    char *results;
    cl_event read;
    uint32_t patience;
    uint32_t groups;
    uint32_t rung;
    uint32_t unfinished;
    bool in_round;
    bool failed;
    struct replay_error failure;
};

static inline uint32_t *resident_copies_part(const struct resident_copies *state, uint32_t part)
{
    return (uint32_t *)(state->results + state->offsets[part]);
}

/** Open the device, with its queues.  \return NULL when it could not be opened */
struct resident_copies *resident_copies_make(const char *choice, char device_name[256],
                                             bool by_kernel, struct replay_error *error);

/** As of a backend (backend.h). */
bool resident_copies_load(void *opaque, const struct backend_image *image,
                          struct replay_error *error);
void resident_copies_close(void *opaque);

#endif
