/*
 * bugs_host TOP NAME [correct]: a small host whose kernel, tests/bugs/NAME.cl, has a seeded bug, or
 * with "correct" has it not.
 *
 * It publishes a few batches by hand, waits for each, and reads back what came of it.  It neither
 * knows nor says what is right: that is for a recorder and a replay to find out.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vyre_protocol.h"

#define SOURCE_MAX (64u << 10)
#define CONTROL_WORDS 1024u
#define SLOTS_MAX 65u
#define TENANTS 4u
/** Where lanes of a kernel meet. */
#define GATES 32u
/** The control words that batches work on. */
#define FIRST_WORD 200u

struct host {
    cl_context context;
    cl_device_id device;
    cl_command_queue queue;
    cl_kernel kernel;
    cl_mem control;
    cl_mem ring;
    uint32_t control_words[CONTROL_WORDS];
    uint32_t slots[SLOTS_MAX][VYRE_SLOT_WORDS];
};

/** One bug: how its batches look. */
struct bug {
    const char *name;
    /** Of the ring; the last one is for the fence. */
    uint32_t slots;
    uint32_t lanes;
    uint32_t batches;
    void (*publish)(struct host *host, uint32_t batch);
};

static void require(cl_int result, const char *what)
{
    if (result == CL_SUCCESS)
        return;
    fprintf(stderr, "bugs_host: %s failed: %d\n", what, result);
    exit(EXIT_FAILURE);
}

static char *read_text(const char *top, const char *path)
{
    char name[4096];
    char *text = calloc(SOURCE_MAX, 1);
    snprintf(name, sizeof(name), "%s/%s", top, path);
    FILE *file = fopen(name, "r");
    if (text == NULL || file == NULL) {
        fprintf(stderr, "bugs_host: %s cannot be read\n", name);
        exit(EXIT_FAILURE);
    }
    text[fread(text, 1, SOURCE_MAX - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void build(struct host *host, const char *top, const char *name, bool correct)
{
    char path[256];
    snprintf(path, sizeof(path), "tests/bugs/%s.cl", name);
    char *texts[] = {read_text(top, "src/vyre/vyre_protocol.h"),
                     read_text(top, "tests/bugs/common.cl"), read_text(top, path)};
    cl_int result;
    cl_program program =
        clCreateProgramWithSource(host->context, 3, (const char **)texts, NULL, &result);
    require(result, "program");
    require(clBuildProgram(program, 1, &host->device,
                           correct ? "-cl-std=CL1.2 -DCORRECT" : "-cl-std=CL1.2", NULL, NULL),
            "build");
    host->kernel = clCreateKernel(program, "drain", &result);
    require(result, "kernel");
    clReleaseProgram(program);
    for (unsigned i = 0; i < 3; i++)
        free(texts[i]);
}

static cl_mem make_argument(struct host *host, cl_uint index, const void *bytes, size_t count)
{
    cl_int result;
    cl_mem buffer = clCreateBuffer(host->context, CL_MEM_READ_WRITE, count, NULL, &result);
    require(result, "buffer");
    require(clEnqueueWriteBuffer(host->queue, buffer, CL_TRUE, 0, count, bytes, 0, NULL, NULL),
            "first contents");
    require(clSetKernelArg(host->kernel, index, sizeof(cl_mem), &buffer), "argument");
    return buffer;
}

static void open_device(struct host *host)
{
    cl_platform_id platform;
    cl_int result;
    require(clGetPlatformIDs(1, &platform, NULL), "platforms");
    require(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &host->device, NULL), "devices");
    host->context = clCreateContext(NULL, 1, &host->device, NULL, NULL, &result);
    require(result, "context");
    host->queue = clCreateCommandQueue(host->context, host->device, 0, &result);
    require(result, "queue");
}

static void make_buffers(struct host *host, const struct bug *bug)
{
    static const uint32_t zeros[VYRE_IO_QUEUE_WORDS];
    host->control_words[VYRE_CONTROL_TENANT_BASE] = VYRE_CONTROL_TENANT_MASKS;
    for (uint32_t tenant = 0; tenant < TENANTS; tenant++)
        host->control_words[VYRE_CONTROL_TENANT_MASKS + tenant] = VYRE_TENANT_MASK_ALL;
    host->control = make_argument(host, VYRE_KERNEL_ARG_CONTROL, host->control_words,
                                  sizeof(host->control_words));
    host->ring =
        make_argument(host, VYRE_KERNEL_ARG_RING, host->slots, bug->slots * VYRE_SLOT_BYTES);
    make_argument(host, VYRE_KERNEL_ARG_DEBUG_LOG, zeros, VYRE_DEBUG_LOG_WORDS * 4);
    make_argument(host, VYRE_KERNEL_ARG_IO_QUEUE, zeros, VYRE_IO_QUEUE_WORDS * 4);
    make_argument(host, VYRE_KERNEL_ARG_IO_QUEUE + 1, zeros, GATES * 4);
    require(
        clSetKernelArg(host->kernel, VYRE_KERNEL_ARG_IO_QUEUE + 2, sizeof(bug->slots), &bug->slots),
        "slots");
}

/** Publish into a slot, unless it is not free. */
static void publish(struct host *host, uint32_t slot, uint32_t tenant, uint32_t opcode,
                    const uint32_t args[4])
{
    uint32_t *words = host->slots[slot];
    if (words[VYRE_SLOT_STATUS] != VYRE_STATUS_EMPTY && words[VYRE_SLOT_STATUS] != VYRE_STATUS_DONE)
        return;
    memset(words, 0, VYRE_SLOT_BYTES);
    words[VYRE_SLOT_OPCODE] = opcode;
    words[VYRE_SLOT_TENANT] = tenant;
    words[VYRE_SLOT_PRIORITY] = VYRE_PRIORITY_NORMAL;
    memcpy(words + VYRE_SLOT_ARG0, args, 4 * sizeof(*args));
    words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
}

/** All add to one word, every second one 1. */
static void publish_lost_update(struct host *host, uint32_t batch)
{
    (void)batch;
    for (uint32_t slot = 0; slot < 64; slot++)
        publish(host, slot, 0, VYRE_OP_ATOMIC_ADD,
                (uint32_t[4]){slot % 2 == 0 ? 1 : 100, FIRST_WORD});
}

/** Each of the first 32 slots swaps the same word as the one 32 after it; each would put its own
 *  number there. */
static void publish_swap_order(struct host *host, uint32_t batch)
{
    for (uint32_t slot = 0; slot < 64; slot++) {
        publish(host, slot, 0, VYRE_OP_COMPARE_SWAP,
                (uint32_t[4]){FIRST_WORD + batch * 32 + slot % 32, 0, slot + 1});
    }
}

/** Each adds to a word of its own, for all tenants in turn. */
static void publish_tenant_mask(struct host *host, uint32_t batch)
{
    (void)batch;
    for (uint32_t slot = 0; slot < 8; slot++)
        publish(host, slot, slot % TENANTS, VYRE_OP_ATOMIC_ADD,
                (uint32_t[4]){1, FIRST_WORD + slot});
}

/** Each adds to a word of its own. */
static void publish_plain_claim(struct host *host, uint32_t batch)
{
    (void)batch;
    for (uint32_t slot = 0; slot < 32; slot++)
        publish(host, slot, 0, VYRE_OP_ATOMIC_ADD, (uint32_t[4]){1, FIRST_WORD + slot});
}

/** Half of them store, each into a word of its own; each of the others loads such a word once the
 *  slot that stores it is DONE. */
static void publish_early_done(struct host *host, uint32_t batch)
{
    for (uint32_t slot = 0; slot < 32; slot++) {
        publish(host, slot, 0, VYRE_OP_STORE_U32,
                (uint32_t[4]){batch * 100 + slot + 1, FIRST_WORD + slot});
        publish(host, 32 + slot, 0, VYRE_OP_LOAD_U32,
                (uint32_t[4]){FIRST_WORD + slot, 100 + slot, 0, slot + 1});
    }
}

static const struct bug bugs[] = {
    {"lost_update", 65, 65, 4, publish_lost_update}, {"swap_order", 65, 65, 4, publish_swap_order},
    {"tenant_mask", 9, 9, 3, publish_tenant_mask},   {"plain_claim", 33, 8, 4, publish_plain_claim},
    {"early_done", 65, 65, 4, publish_early_done},
};

static void run_batch(struct host *host, const struct bug *bug, uint32_t batch)
{
    const size_t lanes = bug->lanes;
    const size_t group = 1;
    bug->publish(host, batch);
    publish(host, bug->slots - 1, 0, VYRE_OP_BATCH_FENCE, (uint32_t[4]){bug->slots - 1, batch + 1});
    require(clEnqueueWriteBuffer(host->queue, host->ring, CL_TRUE, 0, bug->slots * VYRE_SLOT_BYTES,
                                 host->slots, 0, NULL, NULL),
            "ring up");
    require(
        clEnqueueNDRangeKernel(host->queue, host->kernel, 1, NULL, &lanes, &group, 0, NULL, NULL),
        "launch");
    require(clEnqueueReadBuffer(host->queue, host->control, CL_TRUE, 0, sizeof(host->control_words),
                                host->control_words, 0, NULL, NULL),
            "control down");
    require(clEnqueueReadBuffer(host->queue, host->ring, CL_TRUE, 0, bug->slots * VYRE_SLOT_BYTES,
                                host->slots, 0, NULL, NULL),
            "ring down");
}

int main(int argc, char **argv)
{
    static struct host host;
    const struct bug *bug = NULL;
    for (size_t i = 0; argc > 2 && i < sizeof(bugs) / sizeof(bugs[0]); i++) {
        if (strcmp(argv[2], bugs[i].name) == 0)
            bug = &bugs[i];
    }
    if (bug == NULL) {
        fputs("bugs_host: no such bug\n", stderr);
        return EXIT_FAILURE;
    }
    open_device(&host);
    build(&host, argv[1], bug->name, argc > 3 && strcmp(argv[3], "correct") == 0);
    make_buffers(&host, bug);
    for (uint32_t batch = 0; batch < bug->batches; batch++)
        run_batch(&host, bug, batch);
    return EXIT_SUCCESS;
}
