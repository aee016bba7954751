/**
 * \file opencl_image.h
 * \brief Programs, kernels and buffers of an image on an OpenCL device, and launching them.
 */
#ifndef VRRL_REPLAY_OPENCL_IMAGE_H
#define VRRL_REPLAY_OPENCL_IMAGE_H

#include <CL/cl.h>

#include "replay/backend.h"

struct opencl_image {
    cl_device_id device;
    cl_context context;
    cl_program *programs;
    uint32_t programs_len;
    cl_kernel *kernels;
    uint32_t kernels_len;
    cl_mem *buffers;
    uint32_t buffers_len;
    /** Parts of buffers that are arguments. */
    cl_mem *parts;
    uint32_t parts_len;
    /** By VYRE_KERNEL_ARG_…: the whole buffer that it is in, NULL without one, and where. */
    cl_mem roles[TIMELINE_ROLES];
    size_t role_offsets[TIMELINE_ROLES];
    /** Lanes of a work-group of the first kernel, where the launch leaves it open. */
    size_t group_lanes;
};

/**
 * Build, create, and set the arguments.
 *
 * Refused with the build log or the reason: a program that does not build or load here, a
 * kernel that it has not or that takes other arguments, buffers larger than the device takes.
 *
 * \param queue  in order; the buffers are filled with 0 through it
 * \param[out] loaded  released with opencl_image_free(), also when false was returned
 */
bool opencl_image_load(struct opencl_image *loaded, cl_context context, cl_device_id device,
                       cl_command_queue queue, const struct backend_image *image,
                       struct replay_error *error);

/** Launch a kernel as it was recorded (dimensions > 0). */
bool opencl_image_launch(const struct opencl_image *loaded, cl_command_queue queue,
                         const struct timeline_submit *submit, struct replay_error *error);

void opencl_image_free(struct opencl_image *loaded);

#endif
