#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vyre_protocol.h"

#define PLATFORMS_MAX 16
#define DEVICES_MAX 64

static int fail(const char *what, cl_int code)
{
    fprintf(stderr, "textstat: %s failed with OpenCL error %d. Fix: see what clinfo says.\n", what,
            code);
    return -1;
}

/* Finds a device by its number in the order of platforms, then devices. */
static int find_device(unsigned number, cl_platform_id *platform, cl_device_id *id)
{
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_uint platform_count = 0;
    unsigned seen = 0;

    if (clGetPlatformIDs(PLATFORMS_MAX, platforms, &platform_count) != CL_SUCCESS)
        platform_count = 0;
    if (platform_count > PLATFORMS_MAX)
        platform_count = PLATFORMS_MAX;
    for (cl_uint p = 0; p < platform_count; p++) {
        cl_device_id ids[DEVICES_MAX];
        cl_uint count = 0;

        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICES_MAX, ids, &count) !=
            CL_SUCCESS)
            continue;
        if (count > DEVICES_MAX)
            count = DEVICES_MAX;
        if (number - seen < count) {
            *platform = platforms[p];
            *id = ids[number - seen];
            return 0;
        }
        seen += count;
    }
    if (seen == 0)
        fprintf(stderr, "textstat: no OpenCL device was found. Fix: install an OpenCL driver, "
                        "e.g. pocl-opencl-icd.\n");
    else
        fprintf(stderr,
                "textstat: there is no OpenCL device %u. Fix: choose one from 0 to %u with "
                "--device.\n",
                number, seen - 1);
    return -1;
}

/* Reads a whole file as a string; NULL after a message. */
static char *read_source(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *source = NULL;
    long length = -1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0) {
        rewind(file);
        source = calloc(1, (size_t)length + 1);
        if (source != NULL && fread(source, 1, (size_t)length, file) != (size_t)length) {
            free(source);
            source = NULL;
        }
    }
    if (source == NULL)
        fprintf(stderr,
                "textstat: cannot read the kernel %s: %s. Fix: name megakernel.cl with "
                "--kernel.\n",
                path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return source;
}

static void print_build_log(const struct device *device, cl_device_id id)
{
    char log[4096] = "";

    clGetProgramBuildInfo(device->program, id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    fprintf(stderr, "%s\n", log);
}

static int build_kernel(struct device *device, cl_device_id id, const char *kernel_path)
{
    cl_int code = CL_SUCCESS;
    char *source = read_source(kernel_path);
    const char *sources[] = {source};

    if (source == NULL)
        return -1;
    device->program = clCreateProgramWithSource(device->context, 1, sources, NULL, &code);
    free(source);
    if (code != CL_SUCCESS)
        return fail("clCreateProgramWithSource", code);
    code = clBuildProgram(device->program, 1, &id, "-cl-std=CL1.2", NULL, NULL);
    if (code != CL_SUCCESS) {
        print_build_log(device, id);
        return fail("clBuildProgram", code);
    }
    device->kernel = clCreateKernel(device->program, "vyre_megakernel", &code);
    return code == CL_SUCCESS ? 0 : fail("clCreateKernel of vyre_megakernel", code);
}

int device_open(struct device *device, unsigned number, const char *kernel_path)
{
    cl_platform_id platform = NULL;
    cl_device_id id = NULL;
    cl_int code = CL_SUCCESS;

    memset(device, 0, sizeof *device);
    if (find_device(number, &platform, &id) != 0)
        return -1;
    clGetDeviceInfo(id, CL_DEVICE_NAME, sizeof device->name - 1, device->name, NULL);

    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)platform, 0};
    device->context = clCreateContext(properties, 1, &id, NULL, NULL, &code);
    if (code != CL_SUCCESS)
        return fail("clCreateContext", code);
    device->queue = clCreateCommandQueue(device->context, id, 0, &code);
    if (code != CL_SUCCESS)
        return fail("clCreateCommandQueue", code);
    return build_kernel(device, id, kernel_path);
}

static cl_mem make_buffer(struct device *device, uint8_t *first, size_t length, cl_int *code)
{
    return *code != CL_SUCCESS
               ? NULL
               : clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, length,
                                first, code);
}

int device_load(struct device *device, const struct host_buffers *host)
{
    const cl_uint control_words = (cl_uint)(host->control_len / sizeof(uint32_t));
    const cl_uint ring_slots = (cl_uint)(host->ring_len / VYRE_SLOT_BYTES);
    cl_int code = CL_SUCCESS;

    device->control = make_buffer(device, host->control, host->control_len, &code);
    device->ring = make_buffer(device, host->ring, host->ring_len, &code);
    device->debug_log = make_buffer(device, host->debug_log, host->debug_log_len, &code);
    device->io_queue = make_buffer(device, host->io_queue, host->io_queue_len, &code);
    if (code != CL_SUCCESS)
        return fail("clCreateBuffer", code);

    const struct {
        cl_uint index;
        size_t size;
        const void *value;
    } args[] = {
        {VYRE_KERNEL_ARG_CONTROL, sizeof(cl_mem), &device->control},
        {VYRE_KERNEL_ARG_RING, sizeof(cl_mem), &device->ring},
        {VYRE_KERNEL_ARG_DEBUG_LOG, sizeof(cl_mem), &device->debug_log},
        {VYRE_KERNEL_ARG_IO_QUEUE, sizeof(cl_mem), &device->io_queue},
        {4, sizeof control_words, &control_words},
        {5, sizeof ring_slots, &ring_slots},
    };
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        code = clSetKernelArg(device->kernel, args[i].index, args[i].size, args[i].value);
        if (code != CL_SUCCESS)
            return fail("clSetKernelArg", code);
    }
    return 0;
}

int device_drain(struct device *device, struct host_buffers *host)
{
    const size_t lanes = host->ring_len / VYRE_SLOT_BYTES;
    cl_command_queue queue = device->queue;
    cl_int code = clEnqueueWriteBuffer(queue, device->ring, CL_FALSE, 0, host->ring_len, host->ring,
                                       0, NULL, NULL);

    if (code == CL_SUCCESS)
        code = clEnqueueWriteBuffer(queue, device->debug_log, CL_FALSE, 0, host->debug_log_len,
                                    host->debug_log, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(queue, device->kernel, 1, NULL, &lanes, NULL, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(queue, device->ring, CL_TRUE, 0, host->ring_len, host->ring, 0,
                                   NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(queue, device->control, CL_TRUE, 0, host->control_len,
                                   host->control, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(queue, device->debug_log, CL_TRUE, 0, host->debug_log_len,
                                   host->debug_log, 0, NULL, NULL);
    return code == CL_SUCCESS ? 0 : fail("draining the ring", code);
}

void device_close(struct device *device)
{
    cl_mem buffers[] = {device->control, device->ring, device->debug_log, device->io_queue};

    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    }
    if (device->kernel != NULL)
        clReleaseKernel(device->kernel);
    if (device->program != NULL)
        clReleaseProgram(device->program);
    if (device->queue != NULL)
        clReleaseCommandQueue(device->queue);
    if (device->context != NULL)
        clReleaseContext(device->context);
    memset(device, 0, sizeof *device);
}
