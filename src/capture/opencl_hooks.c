/*
 * Hooks of OpenCL: which buffer is a megakernel's control buffer, and when its
 * epoch comes back to the host.  The calls themselves are passed on as they are.
 *
 * A call that fails tells nothing.  The host's errno is what its own call left.
 */
#include <errno.h>

#include "capture/opencl_state.h"
#include "capture/original.h"
#include "capture/recorder.h"

enum {
    SET_KERNEL_ARG,
    ENQUEUE_KERNEL,
    ENQUEUE_READ,
    ENQUEUE_MAP,
    FINISH,
    WAIT_FOR_EVENTS,
    RELEASE_MEM,
};

#define HOOK CL_API_ENTRY __attribute__((visibility("default")))

static struct hook hooks[] = {
    [SET_KERNEL_ARG] = {"clSetKernelArg", clSetKernelArg, NULL},
    [ENQUEUE_KERNEL] = {"clEnqueueNDRangeKernel", clEnqueueNDRangeKernel, NULL},
    [ENQUEUE_READ] = {"clEnqueueReadBuffer", clEnqueueReadBuffer, NULL},
    [ENQUEUE_MAP] = {"clEnqueueMapBuffer", clEnqueueMapBuffer, NULL},
    [FINISH] = {"clFinish", clFinish, NULL},
    [WAIT_FOR_EVENTS] = {"clWaitForEvents", clWaitForEvents, NULL},
    [RELEASE_MEM] = {"clReleaseMemObject", clReleaseMemObject, NULL},
};

/** Only asked, not replaced. */
static struct hook get_mem_object_info = {"clGetMemObjectInfo", NULL, NULL};

#define ORIGINAL(index, hook)                                                                      \
    __typeof__(&(hook)) original = (__typeof__(&(hook)))original_of(&hooks[index]);                \
    if (original == NULL)                                                                          \
        return CL_INVALID_PLATFORM;

static size_t size_of(cl_mem buffer)
{
    __typeof__(&clGetMemObjectInfo) get_info =
        (__typeof__(&clGetMemObjectInfo))original_of(&get_mem_object_info);
    size_t bytes = 0;
    if (get_info == NULL ||
        get_info(buffer, CL_MEM_SIZE, sizeof(bytes), &bytes, NULL) != CL_SUCCESS)
        return 0;
    return bytes;
}

static void came_back(const struct opencl_read *read)
{
    gpu_bytes_came_back(read->buffer, read->offset, read->bytes, read->count, read->look);
}

HOOK cl_int CL_API_CALL clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                                       const void *value)
{
    ORIGINAL(SET_KERNEL_ARG, clSetKernelArg)
    cl_int result = original(kernel, index, size, value);
    if (result == CL_SUCCESS && size == sizeof(cl_mem) && value != NULL) {
        int saved = errno;
        opencl_set_argument(kernel, index, *(const cl_mem *)value);
        errno = saved;
    }
    return result;
}

HOOK cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                               cl_uint dimensions, const size_t *global_offset,
                                               const size_t *global_size, const size_t *local_size,
                                               cl_uint waits_len, const cl_event *waits,
                                               cl_event *event)
{
    ORIGINAL(ENQUEUE_KERNEL, clEnqueueNDRangeKernel)
    cl_int result = original(queue, kernel, dimensions, global_offset, global_size, local_size,
                             waits_len, waits, event);
    int saved = errno;
    cl_mem buffers[GPU_MEGAKERNEL_BUFFERS];
    if (result == CL_SUCCESS && opencl_arguments(kernel, buffers)) {
        struct gpu_buffer launched[GPU_MEGAKERNEL_BUFFERS];
        for (unsigned i = 0; i < GPU_MEGAKERNEL_BUFFERS; i++)
            launched[i] = (struct gpu_buffer){(uintptr_t)buffers[i], size_of(buffers[i])};
        gpu_kernel_launched(launched);
    }
    errno = saved;
    return result;
}

HOOK cl_int CL_API_CALL clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                            size_t offset, size_t size, void *bytes,
                                            cl_uint waits_len, const cl_event *waits,
                                            cl_event *event)
{
    ORIGINAL(ENQUEUE_READ, clEnqueueReadBuffer)
    struct opencl_read read = {
        .queue = queue,
        .buffer = (uintptr_t)buffer,
        .offset = offset,
        .bytes = bytes,
        .count = size,
        .look = recorder_look_at_epoch(),
    };
    cl_int result = original(queue, buffer, blocking, offset, size, bytes, waits_len, waits, event);
    int saved = errno;
    if (result == CL_SUCCESS && blocking) {
        came_back(&read);
    } else if (result == CL_SUCCESS) {
        read.event = event == NULL ? NULL : *event;
        opencl_expect_read(&read);
    }
    errno = saved;
    return result;
}

HOOK void *CL_API_CALL clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                          cl_map_flags flags, size_t offset, size_t size,
                                          cl_uint waits_len, const cl_event *waits, cl_event *event,
                                          cl_int *error)
{
    __typeof__(&clEnqueueMapBuffer) original =
        (__typeof__(&clEnqueueMapBuffer))original_of(&hooks[ENQUEUE_MAP]);
    if (original == NULL)
        return NULL;
    struct opencl_read read = {
        .queue = queue,
        .buffer = (uintptr_t)buffer,
        .offset = offset,
        .count = size,
        .look = recorder_look_at_epoch(),
    };
    read.bytes =
        original(queue, buffer, blocking, flags, offset, size, waits_len, waits, event, error);
    int saved = errno;
    if (read.bytes != NULL && (flags & CL_MAP_READ) != 0 && blocking) {
        came_back(&read);
    } else if (read.bytes != NULL && (flags & CL_MAP_READ) != 0) {
        read.event = event == NULL ? NULL : *event;
        opencl_expect_read(&read);
    }
    errno = saved;
    return (void *)read.bytes;
}

HOOK cl_int CL_API_CALL clFinish(cl_command_queue queue)
{
    ORIGINAL(FINISH, clFinish)
    cl_int result = original(queue);
    int saved = errno;
    struct opencl_read read;
    while (result == CL_SUCCESS && queue != NULL && opencl_take_read(queue, NULL, &read))
        came_back(&read);
    errno = saved;
    return result;
}

HOOK cl_int CL_API_CALL clWaitForEvents(cl_uint events_len, const cl_event *events)
{
    ORIGINAL(WAIT_FOR_EVENTS, clWaitForEvents)
    cl_int result = original(events_len, events);
    int saved = errno;
    struct opencl_read read;
    for (cl_uint i = 0; result == CL_SUCCESS && i < events_len; i++)
        while (events[i] != NULL && opencl_take_read(NULL, events[i], &read))
            came_back(&read);
    errno = saved;
    return result;
}

HOOK cl_int CL_API_CALL clReleaseMemObject(cl_mem buffer)
{
    ORIGINAL(RELEASE_MEM, clReleaseMemObject)
    int saved = errno;
    __typeof__(&clGetMemObjectInfo) get_info =
        (__typeof__(&clGetMemObjectInfo))original_of(&get_mem_object_info);
    cl_uint references = 0;
    if (get_info != NULL &&
        get_info(buffer, CL_MEM_REFERENCE_COUNT, sizeof(references), &references, NULL) ==
            CL_SUCCESS &&
        references == 1)
        gpu_buffer_gone((uintptr_t)buffer);
    errno = saved;
    return original(buffer);
}
