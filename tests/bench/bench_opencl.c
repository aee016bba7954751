/*
 * What the OpenCL calls of a megakernel's host cost it; run with and without the shim.
 *
 * Its ring is written by hand, its kernel does nothing.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <string.h>

#include "bench_support.h"
#include "vyre/control.h"

#define SLOTS 65536u
#define RING_BYTES (SLOTS * VYRE_SLOT_BYTES)
#define CALLS 100000
#define UPLOADS 40

static const char *source = "__kernel void nothing(__global uint *control, __global uint *ring,\n"
                            "                      __global uint *log, __global uint *io) {}\n";

static cl_command_queue queue;
static cl_kernel kernel;
static cl_mem buffers[4];
static uint32_t *ring;

static void require(cl_int code, const char *what)
{
    if (code != CL_SUCCESS)
        bench_fail(what, "OpenCL failed");
}

static void open_device(void)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int code;
    require(clGetPlatformIDs(1, &platform, NULL), "platform");
    require(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL), "device");
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    require(code, "context");
    queue = clCreateCommandQueue(context, device, 0, &code);
    require(code, "queue");
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    require(code, "program");
    require(clBuildProgram(program, 1, &device, "", NULL, NULL), "build");
    kernel = clCreateKernel(program, "nothing", &code);
    require(code, "kernel");
    uint32_t control[256];
    vyre_control_encode(control, 256, 4);
    const size_t sizes[] = {sizeof(control), RING_BYTES, VYRE_DEBUG_LOG_WORDS * 4,
                            VYRE_IO_QUEUE_WORDS * 4};
    for (unsigned i = 0; i < 4; i++) {
        buffers[i] = clCreateBuffer(context, CL_MEM_READ_WRITE, sizes[i], NULL, &code);
        require(code, "buffer");
        require(clSetKernelArg(kernel, i, sizeof(cl_mem), &buffers[i]), "argument");
    }
    require(clEnqueueWriteBuffer(queue, buffers[0], CL_TRUE, 0, sizes[0], control, 0, NULL, NULL),
            "control");
}

static void upload(void)
{
    require(clEnqueueWriteBuffer(queue, buffers[1], CL_TRUE, 0, RING_BYTES, ring, 0, NULL, NULL),
            "upload");
}

static void enqueue(void)
{
    const size_t one = 1;
    require(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL), "launch");
}

static void launch(void)
{
    enqueue();
    require(clFinish(queue), "finish");
}

/* Of the call alone: what comes after it is the driver's, and as noisy as its threads. */
static double time_of_enqueue(int calls)
{
    double *times = calloc((size_t)calls, sizeof(*times));
    if (times == NULL)
        bench_fail("enqueue", "no memory");
    for (int i = 0; i < calls; i++) {
        double start = bench_now_ns();
        enqueue();
        times[i] = bench_now_ns() - start;
        require(clFinish(queue), "finish");
    }
    double median = bench_median(times, calls);
    free(times);
    return median;
}

static void set_argument(void)
{
    require(clSetKernelArg(kernel, 0, sizeof(cl_mem), &buffers[0]), "argument");
}

/* Median over runs of the time of one call. */
static double time_of(void (*call)(void), int calls)
{
    double times[BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++) {
        double start = bench_now_ns();
        for (int i = 0; i < calls; i++)
            call();
        times[run] = (bench_now_ns() - start) / calls;
    }
    return bench_median(times, BENCH_RUNS);
}

static void write_slots(uint32_t status, uint32_t value)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint32_t *words = ring + (size_t)slot * VYRE_SLOT_WORDS;
        words[VYRE_SLOT_STATUS] = status;
        words[VYRE_SLOT_OPCODE] = VYRE_OP_ATOMIC_ADD;
        words[VYRE_SLOT_PRIORITY] = VYRE_PRIORITY_NORMAL;
        words[VYRE_SLOT_ARG0] = value;
    }
}

/* Each time all slots are new; writing them is not timed. */
static double time_of_new(void)
{
    double times[UPLOADS];
    for (uint32_t i = 0; i < UPLOADS; i++) {
        write_slots(VYRE_STATUS_PUBLISHED, i);
        double start = bench_now_ns();
        upload();
        times[i] = bench_now_ns() - start;
    }
    return bench_median(times, UPLOADS);
}

int main(void)
{
    ring = aligned_alloc(4096, RING_BYTES);
    if (ring == NULL)
        bench_fail("ring", "no memory");
    memset(ring, 0, RING_BYTES);
    open_device();
    write_slots(VYRE_STATUS_PUBLISHED, UINT32_MAX);
    upload();
    launch();
    printf("set_argument %.2f\n", time_of(set_argument, CALLS));
    printf("launch %.2f\n", time_of(launch, 200));
    printf("enqueue %.2f\n", time_of_enqueue(2000));
    printf("upload_new %.2f\n", time_of_new());
    write_slots(VYRE_STATUS_DONE, 0);
    upload();
    printf("upload_same %.2f\n", time_of(upload, UPLOADS));
    return 0;
}
