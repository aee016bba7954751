/**
 * \file role_copies.h
 * \brief Control words, debug log and IO queue of an image on an OpenCL device, copied back.
 */
#ifndef VRRL_REPLAY_ROLE_COPIES_H
#define VRRL_REPLAY_ROLE_COPIES_H

#include "replay/opencl_device.h"
#include "replay/opencl_image.h"

struct role_copies {
    const struct opencl_image *image;
    cl_command_queue queue;
    struct pinned memory;
    /** By VYRE_KERNEL_ARG_…; 0 and NULL for the ring, and for what is not there. */
    uint32_t lengths[TIMELINE_ROLES];
    uint32_t *words[TIMELINE_ROLES];
};

/** \param copies  all 0; released with role_copies_close() also when false was returned
 *  \param image   must live as long; so must \a queue */
bool role_copies_open(struct role_copies *copies, const struct opencl_device *device,
                      cl_command_queue queue, const struct opencl_image *image,
                      uint32_t control_words, struct replay_error *error);

/** Begin to read one back; nothing when it is not there. */
bool role_copies_read(struct role_copies *copies, uint32_t role, struct replay_error *error);

/** Begin to read all of them back. */
bool role_copies_read_all(struct role_copies *copies, struct replay_error *error);

/** Show them, once the queue is empty. */
void role_copies_show(const struct role_copies *copies, struct backend_view *view);

void role_copies_close(struct role_copies *copies);

/**
 * Write to all roles but the ring, both on the device and among the results, as if they had been
 * read.  Waits until it is there.
 *
 * \param roles    their ranges
 * \param results  of each role but the ring
 * \param buffers  of each role but the ring, on the device
 */
bool role_copies_write(cl_command_queue queue, const struct timeline_range roles[TIMELINE_ROLES],
                       char *const results[TIMELINE_ROLES], const cl_mem buffers[TIMELINE_ROLES],
                       const struct timeline_range *to, const void *bytes,
                       struct replay_error *error);

#endif
