/*
 * The same hooks as an OpenCL layer, for hosts that cannot be preloaded into:
 * OPENCL_LAYERS=/path/libvrrl-preload.so, as ocl-icd 2.3 and Khronos' loader load it.
 */
#include "capture/opencl.h"

#include <CL/cl_layer.h>
#include <string.h>

#include "capture/came_late.h"

#define ENTRY(name) [OPENCL_##name] = offsetof(cl_icd_dispatch, name),

static const size_t entries[OPENCL_FUNCTIONS_LEN] = {OPENCL_HOOKS(ENTRY) OPENCL_QUERIES(ENTRY)};

static cl_icd_dispatch layered;

CL_API_ENTRY __attribute__((visibility("default"))) cl_int CL_API_CALL
clGetLayerInfo(cl_layer_info what, size_t size, void *value, size_t *size_out)
{
    static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    static const char name[] = "vrrl";
    const void *told = what == CL_LAYER_NAME ? (const void *)name : &version;
    size_t told_bytes = what == CL_LAYER_NAME ? sizeof(name) : sizeof(version);
    if (what != CL_LAYER_NAME && what != CL_LAYER_API_VERSION)
        return CL_INVALID_VALUE;
    if (value != NULL && size < told_bytes)
        return CL_INVALID_VALUE;
    if (value != NULL)
        memcpy(value, told, told_bytes);
    if (size_out != NULL)
        *size_out = told_bytes;
    return CL_SUCCESS;
}

CL_API_ENTRY __attribute__((visibility("default"))) cl_int CL_API_CALL
clInitLayer(cl_uint entries_len, const cl_icd_dispatch *target, cl_uint *entries_len_out,
            const cl_icd_dispatch **layer)
{
    if (target == NULL || entries_len_out == NULL || layer == NULL || entries_len == 0)
        return CL_INVALID_VALUE;
    size_t bytes = entries_len * sizeof(void *);
    if (bytes > sizeof(layered))
        bytes = sizeof(layered);
    /* What the layer has no entry for goes on to the target. */
    *entries_len_out = (cl_uint)(bytes / sizeof(void *));
    *layer = &layered;
    static atomic_flag initialised = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&initialised))
        return CL_INVALID_OPERATION;
    if (!came_late() || !gpu_is_remembered())
        return CL_SUCCESS;
    for (unsigned i = 0; i < OPENCL_FUNCTIONS_LEN; i++) {
        void *function = NULL;
        if (entries[i] < bytes)
            memcpy(&function, (const char *)target + entries[i], sizeof(function));
        if (function == NULL)
            continue;
        atomic_store(&opencl_functions[i].original, function);
        if (i < OPENCL_HOOKS_LEN)
            memcpy((char *)&layered + entries[i], &opencl_functions[i].replacement,
                   sizeof(function));
    }
    return CL_SUCCESS;
}
