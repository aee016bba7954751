/**
 * \file opencl_kernel_table.h
 * \brief The kernels that there are, by their handles: for opencl_kernels.c alone.
 *
 * In memory that fork wipes.  Everything but opencl_kernels_lock() is called with the lock held.
 */
#ifndef VRRL_CAPTURE_OPENCL_KERNEL_TABLE_H
#define VRRL_CAPTURE_OPENCL_KERNEL_TABLE_H

#include "capture/opencl_kernels.h"
#include "capture/opencl_memory.h"

struct argument {
    enum gpu_argument_kind kind;
    uint32_t bytes;
    /** VALUE: where in the kernel's values, and how much room there is. */
    uint32_t value_at;
    uint32_t value_room;
    struct opencl_place place;
};

struct kernel {
    cl_kernel kernel;
    /** The host's own: what OpenCL counts has the driver's in it. */
    uint32_t references;
    unsigned arguments_len;
    unsigned buffers_len;
    uint32_t changes;
    /** As gpu_submit's, of a launch with these arguments. */
    uint64_t in_vain;
    uint32_t values_used;
    unsigned indirect_len;
    uintptr_t indirect[OPENCL_INDIRECT_MAX];
    char name[OPENCL_NAME_BYTES];
    struct argument arguments[OPENCL_ARGUMENTS_MAX];
    uint8_t values[OPENCL_VALUES_MAX];
};

struct kernels;

/** \return NULL, and nothing is locked, when memory could not be had; unlocked by opencl_unlock()
 */
struct kernels *opencl_kernels_lock(void);

/** \return NULL when it is not known */
struct kernel *opencl_kernels_find(struct kernels *kernels, cl_kernel kernel);

/** \return a kernel with nothing set; NULL when there are too many */
struct kernel *opencl_kernels_add(struct kernels *kernels, cl_kernel kernel);

void opencl_kernels_forget(struct kernels *kernels, cl_kernel kernel);

#endif
