/*
 * An OpenCL layer of somebody else: it says at the end how many writes came through it.
 */
#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl_layer.h>
#include <stdio.h>
#include <string.h>

static cl_icd_dispatch layered;
static __typeof__(&clEnqueueWriteBuffer) target_write;
static unsigned writes;

static cl_int CL_API_CALL count_write(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                      size_t offset, size_t count, const void *bytes,
                                      cl_uint waits_len, const cl_event *waits, cl_event *event)
{
    writes++;
    return target_write(queue, buffer, blocking, offset, count, bytes, waits_len, waits, event);
}

__attribute__((destructor)) static void say(void)
{
    fprintf(stderr, "%u writes came through\n", writes);
}

__attribute__((visibility("default"))) cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what,
                                                                         size_t size, void *value,
                                                                         size_t *size_out)
{
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    (void)size_out;
    if (what != CL_LAYER_API_VERSION || size < sizeof(version))
        return CL_INVALID_VALUE;
    memcpy(value, &version, sizeof(version));
    return CL_SUCCESS;
}

__attribute__((visibility("default"))) cl_int CL_API_CALL clInitLayer(cl_uint entries_len,
                                                                      const cl_icd_dispatch *target,
                                                                      cl_uint *entries_len_out,
                                                                      const cl_icd_dispatch **layer)
{
    target_write = target->clEnqueueWriteBuffer;
    layered.clEnqueueWriteBuffer = count_write;
    size_t known = sizeof(layered) / sizeof(void *);
    *entries_len_out = entries_len < known ? entries_len : (cl_uint)known;
    *layer = &layered;
    return CL_SUCCESS;
}
