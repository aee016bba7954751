#include "replay/opencl_device.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/devices.h"
#include "replay/program_cache.h"

/* cl_nv_create_buffer, of which Khronos's headers know nothing. */
#define MEM_LOCATION_HOST_NV ((cl_bitfield)1)
typedef cl_mem (*create_buffer_nv)(cl_context context, cl_mem_flags flags, cl_bitfield flags_nv,
                                   size_t size, void *host_ptr, cl_int *code);

/** How long to wait for a look beside a kernel that may never end. */
#define LOOK_MS 2000

bool opencl_check(cl_int code, const char *call, struct replay_error *error)
{
    if (code == CL_SUCCESS)
        return true;
    return replay_fail(error,
                       "%s failed with OpenCL error %d. "
                       "Fix: check the driver, or choose another device with --device.",
                       call, code);
}

bool opencl_open(const char *choice, char name[256], struct opencl_device *device,
                 struct replay_error *error)
{
    struct replay_device *devices;
    size_t len;
    if (!devices_list(&devices, &len, error))
        return false;
    const struct replay_device *found = devices_find(devices, len, choice, error);
    if (found != NULL) {
        device->id = found->id;
        memcpy(name, found->name, sizeof(found->name));
    }
    free(devices);
    if (found == NULL)
        return false;
    cl_int code;
    device->context = clCreateContext(NULL, 1, &device->id, NULL, NULL, &code);
    return opencl_check(code, "clCreateContext", error);
}

void opencl_close(struct opencl_device *device)
{
    if (device->context != NULL)
        clReleaseContext(device->context);
}

bool opencl_fail_build(cl_device_id device, cl_program program, cl_int code,
                       struct replay_error *error)
{
    size_t len = 0;
    char *log = NULL;
    if (program != NULL &&
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &len) == CL_SUCCESS)
        log = calloc(len + 1, 1);
    if (log != NULL)
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, len, log, NULL);
    replay_fail(error,
                "the program does not build here (OpenCL error %d): %.3500s\n"
                "Fix: choose another device with --device, or correct what the log above names.",
                code, log != NULL ? log : "");
    free(log);
    return false;
}

bool opencl_build(const struct opencl_device *device, const char *source, size_t source_len,
                  const char *options, cl_program *program, struct replay_error *error)
{
    cl_int code = program_cache_build(device->context, device->id, source, source_len, options,
                                      program, NULL);
    if (code == CL_SUCCESS)
        return true;
    opencl_fail_build(device->id, *program, code, error);
    if (*program != NULL)
        clReleaseProgram(*program);
    *program = NULL;
    return false;
}

bool opencl_group_lanes(cl_device_id device, cl_kernel kernel, size_t *lanes,
                        struct replay_error *error)
{
    cl_int code = clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_WORK_GROUP_SIZE,
                                           sizeof(*lanes), lanes, NULL);
    if (!opencl_check(code, "clGetKernelWorkGroupInfo", error))
        return false;
    if (*lanes > OPENCL_GROUP_LANES)
        *lanes = OPENCL_GROUP_LANES;
    return true;
}

bool opencl_buffer(const struct opencl_device *device, const char *what, size_t bytes,
                   cl_mem *buffer, struct replay_error *error)
{
    cl_ulong most = 0;
    cl_int code =
        clGetDeviceInfo(device->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(most), &most, NULL);
    if (!opencl_check(code, "clGetDeviceInfo", error))
        return false;
    if (bytes > most)
        return replay_fail(error,
                           "the %s of this log is %zu bytes and the device takes %llu. "
                           "Fix: choose another device with --device.",
                           what, bytes, (unsigned long long)most);
    *buffer = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    return opencl_check(code, "clCreateBuffer", error);
}

static bool map(struct pinned *pinned, cl_command_queue queue, size_t bytes,
                struct replay_error *error)
{
    cl_int code;
    pinned->queue = queue;
    pinned->memory = clEnqueueMapBuffer(queue, pinned->buffer, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE,
                                        0, bytes, 0, NULL, NULL, &code);
    if (!opencl_check(code, "clEnqueueMapBuffer", error))
        return false;
    memset(pinned->memory, 0, bytes);
    return true;
}

bool pinned_make(const struct opencl_device *device, cl_command_queue queue, size_t bytes,
                 struct pinned *pinned, struct replay_error *error)
{
    cl_int code;
    pinned->buffer = clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR,
                                    bytes, NULL, &code);
    return opencl_check(code, "clCreateBuffer", error) && map(pinned, queue, bytes, error);
}

/** \return NULL when the device does not have it */
static create_buffer_nv find_create_buffer_nv(cl_device_id device)
{
    static const char name[] = "cl_nv_create_buffer";
    cl_platform_id platform;
    size_t bytes = 0;
    create_buffer_nv found = NULL;
    if (clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof(cl_platform_id), &platform, NULL) !=
            CL_SUCCESS ||
        clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes) != CL_SUCCESS)
        return NULL;
    char *extensions = calloc(bytes + 1, 1);
    if (extensions != NULL &&
        clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, bytes, extensions, NULL) == CL_SUCCESS &&
        strstr(extensions, name) != NULL)
        found = (create_buffer_nv)clGetExtensionFunctionAddressForPlatform(platform,
                                                                           "clCreateBufferNV");
    free(extensions);
    return found;
}

bool pinned_make_reached(const struct opencl_device *device, cl_command_queue queue, size_t bytes,
                         struct pinned *pinned, struct replay_error *error)
{
    create_buffer_nv create = find_create_buffer_nv(device->id);
    cl_int code;
    if (create == NULL)
        return pinned_make(device, queue, bytes, pinned, error);
    pinned->buffer =
        create(device->context, CL_MEM_READ_WRITE, MEM_LOCATION_HOST_NV, bytes, NULL, &code);
    return opencl_check(code, "clCreateBufferNV", error) && map(pinned, queue, bytes, error);
}

void pinned_free(struct pinned *pinned)
{
    if (pinned->memory != NULL) {
        clEnqueueUnmapMemObject(pinned->queue, pinned->buffer, pinned->memory, 0, NULL, NULL);
        clFinish(pinned->queue);
    }
    if (pinned->buffer != NULL)
        clReleaseMemObject(pinned->buffer);
}

bool opencl_wait_briefly(cl_command_queue queue, cl_event event)
{
    cl_int status = CL_QUEUED;
    clFlush(queue);
    for (int ms = 0; ms < LOOK_MS && status != CL_COMPLETE; ms++) {
        const struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
        if (clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status), &status,
                           NULL) != CL_SUCCESS)
            return false;
    }
    if (status == CL_COMPLETE)
        clReleaseEvent(event);
    return status == CL_COMPLETE;
}
