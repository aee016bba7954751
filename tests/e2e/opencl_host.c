/*
 * opencl_host KERNEL WAY: a host that writes its ring by hand and hands it to the GPU in one of
 * many ways.
 */
#include "opencl_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX (256u << 10)
#define TENANTS 4u
/** The control word that the additions go to. */
#define SUM 150u

/** Kernels that empty slots: of a buffer, and of memory whose address is in it. */
static const char *clear_source =
    "__kernel void clear(__global uint *words) { words[get_global_id(0)] = 0; }\n"
    "__kernel void clear_there(__global ulong *address)\n"
    "{ ((__global uint *)address[0])[get_global_id(0)] = 0; }\n";

void require(cl_int result, const char *what)
{
    if (result == CL_SUCCESS)
        return;
    fprintf(stderr, "opencl_host: %s failed: %d\n", what, result);
    exit(EXIT_FAILURE);
}

void require_true(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "opencl_host: %s\n", what);
    exit(EXIT_FAILURE);
}

void opencl_open(struct opencl *opencl, const char *kernel_path)
{
    static char source[SOURCE_MAX];
    const char *sources[] = {source, clear_source};
    cl_int result;
    FILE *file = fopen(kernel_path, "r");
    require_true(file != NULL, "the kernel cannot be read");
    source[fread(source, 1, sizeof(source) - 1, file)] = '\0';
    fclose(file);
    require(clGetPlatformIDs(1, &opencl->platform, NULL), "platforms");
    require(clGetDeviceIDs(opencl->platform, CL_DEVICE_TYPE_ALL, 1, &opencl->device, NULL),
            "devices");
    opencl->context = clCreateContext(NULL, 1, &opencl->device, NULL, NULL, &result);
    require(result, "context");
    opencl->queue =
        clCreateCommandQueueWithProperties(opencl->context, opencl->device, NULL, &result);
    require(result, "queue");
    opencl->program = clCreateProgramWithSource(opencl->context, 2, sources, NULL, &result);
    require(result, "program");
    require(clBuildProgram(opencl->program, 1, &opencl->device, "-cl-std=CL1.2", NULL, NULL),
            "build");
}

cl_mem make_buffer(struct opencl *opencl, const void *bytes, size_t count)
{
    cl_int result;
    cl_mem buffer = clCreateBuffer(opencl->context, CL_MEM_READ_WRITE, count, NULL, &result);
    require(result, "buffer");
    require(clEnqueueWriteBuffer(opencl->queue, buffer, CL_TRUE, 0, count, bytes, 0, NULL, NULL),
            "first contents");
    return buffer;
}

static void set_value(cl_kernel kernel, cl_uint index, uint32_t value)
{
    require(clSetKernelArg(kernel, index, sizeof(value), &value), "value");
}

void set_ring(struct megakernel *megakernel, cl_mem ring)
{
    megakernel->ring = ring;
    require(clSetKernelArg(megakernel->kernel, VYRE_KERNEL_ARG_RING, sizeof(cl_mem), &ring),
            "ring");
}

void megakernel_make_without_ring(struct megakernel *megakernel, struct opencl *opencl)
{
    static const uint32_t zeros[VYRE_IO_QUEUE_WORDS];
    cl_int result;
    *megakernel = (struct megakernel){.opencl = opencl, .queue = opencl->queue, .slots_len = SLOTS};
    uint32_t *control = megakernel->control_words;
    control[VYRE_CONTROL_TENANT_BASE] = VYRE_CONTROL_TENANT_MASKS;
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        control[VYRE_CONTROL_TENANT_MASKS + tenant] = VYRE_TENANT_MASK_ALL;
    megakernel->kernel = clCreateKernel(opencl->program, "vyre_megakernel", &result);
    require(result, "kernel");
    megakernel->control = make_buffer(opencl, control, sizeof(megakernel->control_words));
    megakernel->debug_log = make_buffer(opencl, zeros, VYRE_DEBUG_LOG_WORDS * 4);
    megakernel->io_queue = make_buffer(opencl, zeros, VYRE_IO_QUEUE_WORDS * 4);
    const cl_mem buffers[] = {megakernel->control, NULL, megakernel->debug_log,
                              megakernel->io_queue};
    for (unsigned i = 0; i < 4; i++)
        if (buffers[i] != NULL)
            require(clSetKernelArg(megakernel->kernel, i, sizeof(cl_mem), &buffers[i]), "buffer");
    set_value(megakernel->kernel, 4, VYRE_CONTROL_WORDS_MIN);
    set_value(megakernel->kernel, 5, SLOTS);
}

void megakernel_make(struct megakernel *megakernel, struct opencl *opencl)
{
    megakernel_make_without_ring(megakernel, opencl);
    set_ring(megakernel, make_buffer(opencl, megakernel->slots, RING_BYTES));
}

static void write_slot(struct megakernel *megakernel, uint32_t slot, uint32_t tenant,
                       uint32_t opcode, uint32_t first, uint32_t second)
{
    const uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED,        opcode, tenant,
                                             VYRE_PRIORITY_NORMAL,         first,  second,
                                             [VYRE_SLOT_WORDS - 1] = first};
    memcpy(megakernel->slots[slot], words, sizeof(words));
}

void write_batch(struct megakernel *megakernel)
{
    uint32_t number = ++megakernel->batches;
    for (uint32_t slot = 0; slot < BATCH - 1; slot++)
        write_slot(megakernel, slot, slot, VYRE_OP_ATOMIC_ADD, number * 100 + slot, SUM);
    write_slot(megakernel, BATCH - 1, 0, VYRE_OP_BATCH_FENCE, BATCH - 1, number);
}

void say_slot(const struct megakernel *megakernel, uint32_t slot)
{
    const uint32_t *words = megakernel->slots[slot];
    printf("%u %u %u %u %u %u %u %u\n", slot, words[VYRE_SLOT_TENANT], words[VYRE_SLOT_OPCODE],
           megakernel->epoch, words[4], words[5], words[6], words[7]);
}

void say_batch(const struct megakernel *megakernel)
{
    for (uint32_t slot = 0; slot < BATCH; slot++)
        say_slot(megakernel, slot);
}

void launch(struct megakernel *megakernel)
{
    const size_t lanes = SLOTS;
    require(clEnqueueNDRangeKernel(megakernel->queue, megakernel->kernel, 1, NULL, &lanes, NULL, 0,
                                   NULL, NULL),
            "launch");
}

void see_epoch(struct megakernel *megakernel)
{
    require(clEnqueueReadBuffer(megakernel->queue, megakernel->control, CL_TRUE, 0,
                                sizeof(megakernel->control_words), megakernel->control_words, 0,
                                NULL, NULL),
            "control");
    megakernel->epoch = megakernel->control_words[VYRE_CONTROL_EPOCH];
    require_true(megakernel->epoch == megakernel->batches, "the batch did not run");
}

static const struct way *const all_ways[] = {upload_ways,  memory_ways, completion_ways,
                                             command_ways, mixed_ways,  NULL};

static void list(void)
{
    for (const struct way *const *ways = all_ways; *ways != NULL; ways++)
        for (const struct way *way = *ways; way->name != NULL; way++)
            puts(way->name);
}

static const struct way *find(const char *name)
{
    for (const struct way *const *ways = all_ways; *ways != NULL; ways++)
        for (const struct way *way = *ways; way->name != NULL; way++)
            if (strcmp(way->name, name) == 0)
                return way;
    return NULL;
}

int OPENCL_HOST_MAIN(int argc, char **argv)
{
    struct opencl opencl;
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        list();
        return EXIT_SUCCESS;
    }
    const struct way *way = argc == 3 ? find(argv[2]) : NULL;
    require_true(way != NULL, "no such way");
    opencl_open(&opencl, argv[1]);
    way->run(&opencl);
    return EXIT_SUCCESS;
}
