/**
 * \file opencl.h
 * \brief OpenCL's functions that are hooked, and what their hooks share.
 *
 * A hook passes its call on exactly as it came, tells the core (gpu.h) what it
 * does, and leaves errno as its own call left it.  None waits for the GPU or adds a command:
 * besides the call itself only clGet…Info functions are called.  Nothing is told of a call that
 * fails.
 *
 * Each function is named once, in OPENCL_HOOKS.
 */
#ifndef VRRL_CAPTURE_OPENCL_H
#define VRRL_CAPTURE_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/gpu.h"
#include "capture/original.h"

#define OPENCL_HOOKS(HOOKED)                                                                       \
    HOOKED(clCreateBuffer)                                                                         \
    HOOKED(clCreateBufferWithProperties)                                                           \
    HOOKED(clCreateSubBuffer)                                                                      \
    HOOKED(clRetainMemObject)                                                                      \
    HOOKED(clReleaseMemObject)                                                                     \
    HOOKED(clSVMAlloc)                                                                             \
    HOOKED(clSVMFree)                                                                              \
    HOOKED(clEnqueueSVMFree)                                                                       \
    HOOKED(clEnqueueWriteBuffer)                                                                   \
    HOOKED(clEnqueueWriteBufferRect)                                                               \
    HOOKED(clEnqueueReadBuffer)                                                                    \
    HOOKED(clEnqueueReadBufferRect)                                                                \
    HOOKED(clEnqueueFillBuffer)                                                                    \
    HOOKED(clEnqueueCopyBuffer)                                                                    \
    HOOKED(clEnqueueCopyBufferRect)                                                                \
    HOOKED(clEnqueueCopyImageToBuffer)                                                             \
    HOOKED(clEnqueueMigrateMemObjects)                                                             \
    HOOKED(clEnqueueSVMMemcpy)                                                                     \
    HOOKED(clEnqueueSVMMemFill)                                                                    \
    HOOKED(clEnqueueMapBuffer)                                                                     \
    HOOKED(clEnqueueUnmapMemObject)                                                                \
    HOOKED(clEnqueueSVMMap)                                                                        \
    HOOKED(clEnqueueSVMUnmap)                                                                      \
    HOOKED(clCreateKernel)                                                                         \
    HOOKED(clCreateKernelsInProgram)                                                               \
    HOOKED(clCloneKernel)                                                                          \
    HOOKED(clRetainKernel)                                                                         \
    HOOKED(clReleaseKernel)                                                                        \
    HOOKED(clSetKernelArg)                                                                         \
    HOOKED(clSetKernelArgSVMPointer)                                                               \
    HOOKED(clSetKernelExecInfo)                                                                    \
    HOOKED(clReleaseCommandQueue)                                                                  \
    HOOKED(clEnqueueNDRangeKernel)                                                                 \
    HOOKED(clEnqueueTask)                                                                          \
    HOOKED(clEnqueueMarker)                                                                        \
    HOOKED(clEnqueueMarkerWithWaitList)                                                            \
    HOOKED(clEnqueueBarrierWithWaitList)                                                           \
    HOOKED(clFinish)                                                                               \
    HOOKED(clWaitForEvents)                                                                        \
    HOOKED(clGetEventInfo)                                                                         \
    HOOKED(clGetExtensionFunctionAddress)                                                          \
    HOOKED(clGetExtensionFunctionAddressForPlatform)                                               \
    HOOKED(clSetEventCallback)

/** Only asked, never replaced. */
#define OPENCL_QUERIES(ASKED)                                                                      \
    ASKED(clGetCommandQueueInfo)                                                                   \
    ASKED(clGetKernelInfo)                                                                         \
    ASKED(clGetKernelArgInfo)                                                                      \
    ASKED(clGetMemObjectInfo)                                                                      \
    ASKED(clGetProgramInfo)                                                                        \
    ASKED(clGetProgramBuildInfo)                                                                   \
    ASKED(clGetDeviceInfo)                                                                         \
    ASKED(clGetPlatformInfo)

#define OPENCL_INDEX(name) OPENCL_##name,
enum opencl_function {
    OPENCL_HOOKS(OPENCL_INDEX) OPENCL_HOOKS_LEN,
    OPENCL_BEFORE_QUERIES = OPENCL_HOOKS_LEN - 1,
    OPENCL_QUERIES(OPENCL_INDEX) OPENCL_FUNCTIONS_LEN,
};
#undef OPENCL_INDEX

/** The hooked functions, and behind them those that are asked. */
extern struct hook opencl_functions[OPENCL_FUNCTIONS_LEN];

#define OPENCL_HOOK CL_API_ENTRY __attribute__((visibility("default")))

/** The function behind a hook, of the hook's own type.  NULL when there is none. */
#define OPENCL_ORIGINAL(name) ((__typeof__(&(name)))original_of(&opencl_functions[OPENCL_##name]))

/** Define \c original, or return without it: then there is nothing that the call could do. */
#define OPENCL_PASS_ON(name, otherwise)                                                            \
    __typeof__(&(name)) original = OPENCL_ORIGINAL(name);                                          \
    if (original == NULL)                                                                          \
        return otherwise;

/** Where a memory object lies in the buffer that it is a part of. */
struct opencl_place {
    uintptr_t buffer;
    size_t offset;
    size_t bytes;
};

/** \return false when it is no buffer, or was not seen created.  Who came late asks OpenCL what one
 *  is that was not. */
bool opencl_find_memory(cl_mem memory, struct opencl_place *place);

/** The same for what may be no memory object at all: OpenCL is not asked. */
bool opencl_find_known_memory(cl_mem memory, struct opencl_place *place);

/** The allocation of shared virtual memory that an address is in.  \return false if in none */
bool opencl_find_svm(const void *address, struct opencl_place *place);

/** Bytes of a rectangle on both sides of a transfer; clEnqueueReadBufferRect's parameters. */
struct opencl_rectangle {
    size_t buffer_at;
    uintptr_t host_at;
    size_t region[3];
    size_t buffer_row;
    size_t buffer_slice;
    size_t host_row;
    size_t host_slice;
};

/** A rectangle that is a line. */
static inline struct opencl_rectangle opencl_line(size_t buffer_at, const void *host, size_t count)
{
    return (struct opencl_rectangle){.buffer_at = buffer_at,
                                     .host_at = (uintptr_t)host,
                                     .region = {count, 1, 1},
                                     .buffer_row = count,
                                     .host_row = count};
}

/** Of the parameters of clEnqueueReadBufferRect, in which pitches may be 0. */
struct opencl_rectangle opencl_rectangle_of(const size_t *buffer_origin, const size_t *host_origin,
                                            const size_t *region, size_t buffer_row,
                                            size_t buffer_slice, size_t host_row, size_t host_slice,
                                            const void *host);

/** Whether it is one that OpenCL takes, for a buffer of so many bytes. */
bool opencl_fits(const struct opencl_rectangle *rectangle, size_t bytes);

#define OPENCL_PIECES_INSIDE 16u

/** The contiguous pieces of a rectangle. */
struct opencl_pieces {
    struct gpu_piece *list;
    size_t len;
    struct gpu_piece inside[OPENCL_PIECES_INSIDE];
};

/** Cut a rectangle.  \return false when memory could not be had */
bool opencl_cut(const struct opencl_rectangle *rectangle, struct opencl_pieces *pieces);
void opencl_free_pieces(struct opencl_pieces *pieces);

/** Tell the core, once each time that watching begins late, of launches that may be under way. */
void opencl_tell_running(void);

/** The launches that a command comes behind that is about to be enqueued.  A look and no more while
 *  no megakernel was launched. */
void opencl_order(cl_command_queue queue, cl_uint waits_len, const cl_event *waits,
                  struct gpu_order *order);

/** A launch is one of those that its own event comes behind. */
void opencl_order_launch(cl_command_queue queue, const struct gpu_submit *submit,
                         struct gpu_order *order);

/** A copy between buffers is about to be enqueued; \a rectangle has the one that is read in the
 *  place of the host's memory.  \return false when there is nothing to be ended */
bool opencl_copy_begin(struct gpu_upload *upload, const struct gpu_order *order,
                       const struct opencl_place *from, const struct opencl_place *to,
                       const struct opencl_rectangle *rectangle);

/** A read-back, from before it is enqueued until the host knows that it is complete. */
struct opencl_read {
    bool wanted;
    struct gpu_readback readback;
    struct opencl_rectangle rectangle;
};

/** A read of a buffer (or shared virtual memory) is about to be enqueued. */
void opencl_read_begin(struct opencl_read *read, const struct gpu_order *order,
                       const struct opencl_place *place, const struct opencl_rectangle *rectangle);

/** It was. */
void opencl_read_enqueued(const struct opencl_read *read, cl_command_queue queue, bool blocking,
                          const cl_event *event);

/** A command was enqueued that is of no interest itself, but whose completion shows that of those
 *  before it.
 *  \param order  as it was before
 *  \param event  as the host gave it, may be NULL */
void opencl_enqueued(cl_command_queue queue, const struct gpu_order *order, bool blocking,
                     const cl_event *event);

#endif
