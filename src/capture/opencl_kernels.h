/**
 * \file opencl_kernels.h
 * \brief Kernels and the arguments that were set for them.
 */
#ifndef VRRL_CAPTURE_OPENCL_KERNELS_H
#define VRRL_CAPTURE_OPENCL_KERNELS_H

#include "capture/opencl.h"

#define OPENCL_ARGUMENTS_MAX SETTINGS_ARGUMENTS_MAX
/** Of all values of a kernel's arguments; CL_DEVICE_MAX_PARAMETER_SIZE is 1,024 to 32,764. */
#define OPENCL_VALUES_MAX 4096u
#define OPENCL_NAME_BYTES 256u
/** Allocations of shared virtual memory that a kernel reaches by pointers in memory. */
#define OPENCL_INDIRECT_MAX 32u

/** A kernel as it is launched: a copy. */
struct opencl_kernel {
    char name[OPENCL_NAME_BYTES];
    uint32_t changes;
    unsigned arguments_len;
    struct gpu_argument arguments[OPENCL_ARGUMENTS_MAX];
    unsigned indirect_len;
    uintptr_t indirect[OPENCL_INDIRECT_MAX];
    _Alignas(8) uint8_t values[OPENCL_VALUES_MAX];
};

/** How often arguments were set, of the kernels that have so many buffers first.
 *  \return false when it is no such kernel */
bool opencl_kernel_changes(cl_kernel kernel, unsigned buffers, uint32_t *changes);

/** Copy what is known of a kernel.
 *  \param known  gpu_known(), for a launch, or 0
 *  \return false when it has no buffers, or is not known, or a launch is told in vain */
bool opencl_copy_kernel(cl_kernel kernel, uint64_t known, struct opencl_kernel *copy);

/** A launch was told in vain (gpu_submit), of a kernel that had been set so often. */
void opencl_kernel_in_vain(cl_kernel kernel, uint32_t changes, uint64_t in_vain);

#endif
