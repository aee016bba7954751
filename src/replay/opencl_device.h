/**
 * \file opencl_device.h
 * \brief What all OpenCL backends need: a device that is open, programs, buffers, and their errors.
 */
#ifndef VRRL_REPLAY_OPENCL_DEVICE_H
#define VRRL_REPLAY_OPENCL_DEVICE_H

#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"

/** Lanes of a work-group, where the device takes that many.  Fixed, since some drivers
 *  compile the kernel anew for each size. */
#define OPENCL_GROUP_LANES 64u

struct opencl_device {
    cl_device_id id;
    cl_context context;
};

/** \return whether the call succeeded; if not, the error is set */
bool opencl_check(cl_int code, const char *call, struct replay_error *error);

/**
 * Find a device and open a context on it.
 *
 * \param choice  number or part of a name, NULL for the first device
 * \param[out] name    as it is printed
 * \param[out] device  released with opencl_close(), only when true was returned
 */
bool opencl_open(const char *choice, char name[256], struct opencl_device *device,
                 struct replay_error *error);

void opencl_close(struct opencl_device *device);

/**
 * Build a program, or take what an earlier run built (program_cache.h).
 *
 * \param[out] program  released with clReleaseProgram(), only when true was returned; otherwise the
 *                      error has the build log
 */
bool opencl_build(const struct opencl_device *device, const char *source, size_t source_len,
                  const char *options, cl_program *program, struct replay_error *error);

/** A program did not build. \return false, with the build log in the error */
bool opencl_fail_build(cl_device_id device, cl_program program, cl_int code,
                       struct replay_error *error);

/** Lanes of a work-group of a kernel: OPENCL_GROUP_LANES, or fewer where it takes fewer. */
bool opencl_group_lanes(cl_device_id device, cl_kernel kernel, size_t *lanes,
                        struct replay_error *error);

/**
 * Create a buffer that kernels read and write.
 *
 * \param what  its name, for the error when the device does not take one of so many bytes
 */
bool opencl_buffer(const struct opencl_device *device, const char *what, size_t bytes,
                   cl_mem *buffer, struct replay_error *error);

/** Wait for a command two seconds at most, for backend.h's claimed().  \return whether it is
 *  complete; its event is released then */
bool opencl_wait_briefly(cl_command_queue queue, cl_event event);

/** Memory of the host that the device copies to and from without a detour. */
struct pinned {
    cl_mem buffer;
    cl_command_queue queue;
    /** NULL without any. */
    void *memory;
};

/** \param[out] pinned  all 0 at first; released with pinned_free() also when false was returned */
bool pinned_make(const struct opencl_device *device, cl_command_queue queue, size_t bytes,
                 struct pinned *pinned, struct replay_error *error);

/** The same where kernels that run reach it, too: by cl_nv_create_buffer where the device has that,
 *  as NVIDIA's copies what it pins.  Of others it is tried. */
bool pinned_make_reached(const struct opencl_device *device, cl_command_queue queue, size_t bytes,
                         struct pinned *pinned, struct replay_error *error);

void pinned_free(struct pinned *pinned);

#endif
