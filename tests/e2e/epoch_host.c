/*
 * A host that sees its epochs only by reading the control buffer back through
 * OpenCL, in each way that there is: epoch_host [plain].  Its kernel adds 1 to the EPOCH
 * word; with `plain`, its buffers are not a megakernel's.  It publishes one slot
 * after each read-back.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vyre_runtime.h"

static const char *source =
    "__kernel void count(__global uint *control, __global uint *ring, __global uint *log,\n"
    "                    __global uint *io) { control[128] += 1; }\n";

static _Alignas(64) uint8_t ring[VYRE_SLOT_BYTES];
static uint32_t control[VYRE_CONTROL_WORDS_MIN];

static void require(cl_int result, const char *what)
{
    if (result != CL_SUCCESS) {
        fprintf(stderr, "epoch_host: %s failed: %d\n", what, result);
        exit(EXIT_FAILURE);
    }
}

static void publish(uint32_t n)
{
    require(vyre_encode_ring(ring, sizeof(ring)), "ring");
    require(vyre_publish_slot(ring, sizeof(ring), 0, 0, VYRE_OP_NOP, &n, 1), "publish");
}

static void read_back(cl_command_queue queue, cl_mem buffer, unsigned way)
{
    cl_event event;
    cl_int result = CL_SUCCESS;
    size_t offset = way == 1 ? 500 : 0;
    size_t bytes = sizeof(control) - offset;
    void *mapped;
    switch (way) {
    case 0:
    case 1:
        require(clEnqueueReadBuffer(queue, buffer, CL_TRUE, offset, bytes, control, 0, NULL, NULL),
                "blocking read");
        break;
    case 2:
        require(clEnqueueReadBuffer(queue, buffer, CL_FALSE, 0, bytes, control, 0, NULL, NULL),
                "read");
        require(clFinish(queue), "finish");
        break;
    case 3:
        require(clEnqueueReadBuffer(queue, buffer, CL_FALSE, 0, bytes, control, 0, NULL, &event),
                "read");
        require(clWaitForEvents(1, &event), "wait");
        require(clReleaseEvent(event), "release");
        break;
    default:
        mapped = clEnqueueMapBuffer(queue, buffer, CL_TRUE, CL_MAP_READ, 0, bytes, 0, NULL, NULL,
                                    &result);
        require(result, "map");
        require(clEnqueueUnmapMemObject(queue, buffer, mapped, 0, NULL, NULL), "unmap");
        require(clFinish(queue), "finish");
    }
}

int main(int argc, char **argv)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int result;
    require(clGetPlatformIDs(1, &platform, NULL), "platforms");
    require(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL), "devices");
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &result);
    require(result, "context");
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &result);
    require(result, "queue");
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &result);
    require(result, "program");
    require(clBuildProgram(program, 1, &device, "", NULL, NULL), "build");
    cl_kernel kernel = clCreateKernel(program, "count", &result);
    require(result, "kernel");
    int plain = argc > 1 && strcmp(argv[1], "plain") == 0;
    const size_t sizes[] = {sizeof(control), sizeof(ring), plain ? 64 : vyre_debug_log_size(),
                            vyre_io_queue_size()};
    cl_mem buffers[4];
    for (unsigned i = 0; i < 4; i++) {
        static uint8_t fresh[8192];
        memset(fresh, 0, sizeof(fresh));
        if (i == 0)
            require(vyre_encode_control(fresh, sizes[0], 1), "control");
        buffers[i] = clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, sizes[i],
                                    fresh, &result);
        require(result, "buffer");
        require(clSetKernelArg(kernel, i, sizeof(cl_mem), &buffers[i]), "argument");
    }
    publish(0);
    for (unsigned way = 0; way < 5; way++) {
        const size_t one = 1;
        require(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL),
                "launch");
        read_back(queue, buffers[0], way);
        publish(way + 1);
    }
    return EXIT_SUCCESS;
}
