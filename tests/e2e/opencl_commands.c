/*
 * Command buffers, whose functions the host has to ask for by name.
 */
#include "opencl_host.h"

#include <CL/cl_ext.h>

#define ROUNDS 3

static void *extension(struct opencl *opencl, const char *name)
{
    void *function = clGetExtensionFunctionAddressForPlatform(opencl->platform, name);
    require_true(function != NULL, name);
    return function;
}

#define EXTENSION(name) name##_fn name = (name##_fn)extension(opencl, #name);

/** A copy into the ring and the launch are recorded once, and enqueued again and again. */
static void command_buffer(struct opencl *opencl)
{
    EXTENSION(clCreateCommandBufferKHR)
    EXTENSION(clCommandCopyBufferKHR)
    EXTENSION(clCommandNDRangeKernelKHR)
    EXTENSION(clFinalizeCommandBufferKHR)
    EXTENSION(clEnqueueCommandBufferKHR)
    EXTENSION(clReleaseCommandBufferKHR)
    struct megakernel megakernel;
    cl_int result;
    const size_t lanes = SLOTS;
    megakernel_make(&megakernel, opencl);
    cl_mem staging = make_buffer(opencl, megakernel.slots, RING_BYTES);
    cl_command_buffer_khr commands = clCreateCommandBufferKHR(1, &megakernel.queue, NULL, &result);
    require(result, "command buffer");
    cl_sync_point_khr copied;
    require(clCommandCopyBufferKHR(commands, NULL, staging, megakernel.ring, 0, 0, RING_BYTES, 0,
                                   NULL, &copied, NULL),
            "copy");
    require(clCommandNDRangeKernelKHR(commands, NULL, NULL, megakernel.kernel, 1, NULL, &lanes,
                                      NULL, 1, &copied, NULL, NULL),
            "kernel");
    require(clFinalizeCommandBufferKHR(commands), "finalize");
    /* What is set now is not what was recorded. */
    require(clSetKernelArg(megakernel.kernel, VYRE_KERNEL_ARG_RING, sizeof(cl_mem), &staging),
            "argument");
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        require(clEnqueueWriteBuffer(megakernel.queue, staging, CL_FALSE, 0, RING_BYTES,
                                     megakernel.slots, 0, NULL, NULL),
                "write");
        say_batch(&megakernel);
        require(clEnqueueCommandBufferKHR(0, NULL, commands, 0, NULL, NULL), "commands");
        see_epoch(&megakernel);
    }
    require(clReleaseCommandBufferKHR(commands), "release");
}

const struct way command_ways[] = {
    {"command-buffer", command_buffer},
    {NULL, NULL},
};
