/*
 * Command buffers, whose functions the host has to ask for by name.
 */
#include "opencl_host.h"

#include <CL/cl_ext.h>

#define ROUNDS 3
/** A word of the last slot that the operation makes nothing of. */
#define FILLED (VYRE_SLOT_ARG0 + 2)
#define FILLED_AT ((BATCH - 1) * VYRE_SLOT_BYTES + FILLED * sizeof(uint32_t))

static void *extension(struct opencl *opencl, const char *name)
{
    void *function = clGetExtensionFunctionAddressForPlatform(opencl->platform, name);
    require_true(function != NULL, name);
    return function;
}

#define EXTENSION(name) name##_fn name = (name##_fn)extension(opencl, #name);

/** Copies into the ring and launches are recorded once, and enqueued again and again. */
static void command_buffer(struct opencl *opencl)
{
    EXTENSION(clCreateCommandBufferKHR)
    EXTENSION(clCommandCopyBufferKHR)
    EXTENSION(clCommandCopyBufferRectKHR)
    EXTENSION(clCommandFillBufferKHR)
    EXTENSION(clCommandNDRangeKernelKHR)
    EXTENSION(clFinalizeCommandBufferKHR)
    EXTENSION(clEnqueueCommandBufferKHR)
    EXTENSION(clReleaseCommandBufferKHR)
    struct megakernel megakernel;
    cl_int result;
    cl_sync_point_khr points[3];
    const size_t lanes = SLOTS;
    const size_t half = BATCH / 2 * VYRE_SLOT_BYTES;
    const size_t origin[3] = {0, BATCH / 2, 0};
    const size_t region[3] = {FILLED * sizeof(uint32_t), BATCH / 2, 1};
    const uint32_t filled = 77;
    megakernel_make(&megakernel, opencl);
    cl_mem staging = make_buffer(opencl, megakernel.slots, RING_BYTES);
    cl_command_buffer_khr commands = clCreateCommandBufferKHR(1, &megakernel.queue, NULL, &result);
    require(result, "command buffer");
    require(clCommandCopyBufferKHR(commands, NULL, staging, megakernel.ring, 0, 0, half, 0, NULL,
                                   &points[0], NULL),
            "copy");
    /* The last slots are copied without their last args, of which one is filled before. */
    require(clCommandFillBufferKHR(commands, NULL, megakernel.ring, &filled, sizeof(filled),
                                   FILLED_AT, sizeof(filled), 1, points, &points[1], NULL),
            "fill");
    require(clCommandCopyBufferRectKHR(commands, NULL, staging, megakernel.ring, origin, origin,
                                       region, VYRE_SLOT_BYTES, 0, VYRE_SLOT_BYTES, 0, 1,
                                       &points[1], &points[2], NULL),
            "copy rectangle");
    require(clCommandNDRangeKernelKHR(commands, NULL, NULL, megakernel.kernel, 1, NULL, &lanes,
                                      NULL, 1, &points[2], NULL, NULL),
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
        megakernel.slots[BATCH - 1][FILLED] = filled;
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
