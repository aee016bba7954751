/**
 * \file opencl_state.h
 * \brief What the OpenCL hooks must remember between calls.  Thread safe.
 */
#ifndef VRRL_CAPTURE_OPENCL_STATE_H
#define VRRL_CAPTURE_OPENCL_STATE_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/gpu.h"

/** Remember a buffer argument of a kernel.  Of more kernels than can be remembered, the ones
 *  that were used longest ago are forgotten. */
void opencl_set_argument(cl_kernel kernel, cl_uint index, cl_mem buffer);

/** The first arguments of a kernel.  \return false when one of them is not known */
bool opencl_arguments(cl_kernel kernel, cl_mem buffers[GPU_MEGAKERNEL_BUFFERS]);

/** A read-back that the host does not know to be complete yet. */
struct opencl_read {
    cl_command_queue queue;
    cl_event event;
    uintptr_t buffer;
    size_t offset;
    const void *bytes;
    size_t count;
    uint32_t look;
};

/** Remember a read-back.  Of too many the oldest is forgotten: the epoch is seen later. */
void opencl_expect_read(const struct opencl_read *read);

/** Take out a read-back of this queue, or of this event (the other is NULL), oldest first.
 *  \return false when there is none left */
bool opencl_take_read(cl_command_queue queue, cl_event event, struct opencl_read *read);

#endif
