/**
 * \file opencl_launches.h
 * \brief Launches of kernels in the core's words.
 */
#ifndef VRRL_CAPTURE_OPENCL_LAUNCHES_H
#define VRRL_CAPTURE_OPENCL_LAUNCHES_H

#include "capture/opencl_kernels.h"

/** Which lanes a launch has; clEnqueueNDRangeKernel's parameters. */
struct opencl_lanes {
    cl_uint dimensions;
    const size_t *global_offset;
    const size_t *global_size;
    const size_t *local_size;
};

static inline void opencl_copy_sizes(size_t to[3], const size_t *from, cl_uint dimensions)
{
    for (cl_uint i = 0; from != NULL && i < dimensions && i < 3; i++)
        to[i] = from[i];
}

/** A launch with its own copy of the kernel's arguments, to which it points: it must not be
 *  moved. */
struct opencl_launch {
    struct gpu_launch launch;
    struct opencl_kernel kernel;
};

/** Describe a launch with the arguments that the kernel has now.  \return false when it is of a
 *  kernel without buffers, or told in vain: then gpu_known() is given, or 0 */
bool opencl_describe_launch(struct opencl_launch *described, cl_command_queue queue,
                            cl_kernel kernel, const struct opencl_lanes *lanes, uint64_t known);

/** Remember a launch, whatever is recorded now: it may be under way when something is. */
void opencl_remember_launch(cl_command_queue queue, cl_kernel kernel,
                            const struct opencl_lanes *lanes);

/** gpu_launch_begin(), and what the kernel may write beside its arguments. */
void opencl_launch_begin(struct gpu_submit *submit, const struct opencl_launch *described);

#endif
