/*
 * replay_host KERNEL [out-of-order|binary|linked|il|persistent [DEVICE]] <SCRIPT: a host that does
 * what a script says, so that what is recorded of it can be replayed.  With `binary` it builds its
 * kernel, and loads the binary that comes of it, with `linked` it compiles and links, with `il` it
 * takes the kernel for a program in an intermediate language; with
 * `persistent` (persistent.cl) launches have a queue of their own, and what comes after them
 * happens while they run.  A line of the script is one of
 *
 * - ring NAME SLOTS WORDS [OTHER]: make a ring, and a control buffer or that of the ring OTHER; the
 *   lines after it are about this ring
 * - use NAME: go back to another ring
 * - put SLOT TENANT OPCODE [ARG]...: publish in the host's memory
 * - publish SLOT TENANT OPCODE [ARG]...: publish there by a call
 * - set SLOT STATUS: only there, too
 * - upload [FIRST COUNT]: slots; all without numbers; while a kernel runs, those that are PUBLISHED
 * - send [FIRST COUNT]: and do not wait
 * - stripes: upload every other slot
 * - launch [LANES [OFFSET]]: as many lanes as slots without numbers
 * - write WORD VALUE: into the control buffer
 * - clear log: the debug log is fresh again
 * - read control|ring|log [FIRST WORDS]: and wait; the ring comes into the host's memory
 * - begin control|ring|log: and do not wait
 * - await DONE: read DONE_COUNT until it is that
 * - finish: wait for all that was begun
 */
#include <stdlib.h>
#include <string.h>

#define CL_TARGET_OPENCL_VERSION 210
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vyre/opcode.h"
#include "vyre_runtime.h"

#include "replay_program.h"

#define RINGS_MAX 4
#define SOURCE_MAX (256u << 10)
#define TENANTS 4u
#define LOG_BYTES (VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t))
#define QUEUE_BYTES (VYRE_IO_QUEUE_WORDS * sizeof(uint32_t))

struct ring {
    char name[16];
    uint32_t slots;
    uint32_t words;
    cl_mem buffers[4];
    cl_kernel kernel;
    uint32_t *memory;
    uint32_t *control;
    uint32_t log[VYRE_DEBUG_LOG_WORDS];
};

static struct ring rings[RINGS_MAX];
static unsigned rings_len;
static struct ring *ring;
static cl_context context;
/** Of launches, and of what else there is: the same but for a kernel that never stops. */
static cl_command_queue launches;
static cl_command_queue queue;
static const char *kernel_name = "vyre_megakernel";
static cl_program program;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "replay_host: %s\n", what);
    exit(EXIT_FAILURE);
}

/** The devices of all platforms have numbers, as in `vrrl devices`. */
static cl_device_id find_device(cl_uint index)
{
    cl_platform_id platforms[16];
    cl_device_id devices[64];
    cl_uint platforms_len = 0;
    cl_uint len;
    require(clGetPlatformIDs(16, platforms, &platforms_len) == CL_SUCCESS, "platforms");
    for (cl_uint i = 0; i < platforms_len; i++) {
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 64, devices, &len) != CL_SUCCESS)
            continue;
        if (index < len)
            return devices[index];
        index -= len;
    }
    require(false, "no such device");
    return NULL;
}

static void open_device(const char *path, const char *how, cl_uint index)
{
    static char source[SOURCE_MAX];
    cl_device_id device = find_device(index);
    cl_int code;
    FILE *file = fopen(path, "r");
    require(file != NULL, "the kernel cannot be read");
    source[fread(source, 1, sizeof(source) - 1, file)] = '\0';
    fclose(file);
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    require(code == CL_SUCCESS, "context");
    queue = clCreateCommandQueue(
        context, device,
        strcmp(how, "out-of-order") == 0 ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &code);
    require(code == CL_SUCCESS, "queue");
    launches = queue;
    if (strcmp(how, "persistent") == 0) {
        kernel_name = "vyre_persistent";
        launches = clCreateCommandQueue(context, device, 0, &code);
        require(code == CL_SUCCESS, "queue of launches");
    }
    program = program_of(context, device, source, how);
    require(program != NULL, "program");
}

static struct ring *find(const char *name)
{
    for (unsigned i = 0; i < rings_len; i++)
        if (strcmp(rings[i].name, name) == 0)
            return &rings[i];
    require(false, "no such ring");
    return NULL;
}

static cl_mem make_buffer(const void *bytes, size_t count)
{
    cl_int code;
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, count, NULL, &code);
    require(code == CL_SUCCESS && clEnqueueWriteBuffer(queue, buffer, CL_TRUE, 0, count, bytes, 0,
                                                       NULL, NULL) == CL_SUCCESS,
            "buffer");
    return buffer;
}

static void make_ring(const char *name, uint32_t slots, uint32_t words, const struct ring *other)
{
    static const uint32_t zeros[VYRE_IO_QUEUE_WORDS];
    cl_int code;
    require(rings_len < RINGS_MAX, "too many rings");
    ring = &rings[rings_len++];
    snprintf(ring->name, sizeof(ring->name), "%s", name);
    ring->slots = slots;
    ring->words = other == NULL ? words : other->words;
    ring->memory = calloc(slots, VYRE_SLOT_BYTES);
    ring->control = calloc(ring->words, sizeof(uint32_t));
    require(ring->memory != NULL && ring->control != NULL, "memory");
    ring->control[VYRE_CONTROL_TENANT_BASE] = VYRE_CONTROL_TENANT_MASKS;
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        ring->control[VYRE_CONTROL_TENANT_MASKS + tenant] = VYRE_TENANT_MASK_ALL;
    ring->buffers[0] =
        other == NULL ? make_buffer(ring->control, words * sizeof(uint32_t)) : other->buffers[0];
    ring->buffers[1] = make_buffer(ring->memory, slots * VYRE_SLOT_BYTES);
    ring->buffers[2] = make_buffer(zeros, LOG_BYTES);
    ring->buffers[3] = make_buffer(zeros, QUEUE_BYTES);
    ring->kernel = clCreateKernel(program, kernel_name, &code);
    require(code == CL_SUCCESS, "kernel");
    for (unsigned i = 0; i < 4; i++)
        clSetKernelArg(ring->kernel, i, sizeof(cl_mem), &ring->buffers[i]);
    clSetKernelArg(ring->kernel, 4, sizeof(uint32_t), &ring->words);
    require(clSetKernelArg(ring->kernel, 5, sizeof(uint32_t), &ring->slots) == CL_SUCCESS,
            "arguments");
}

/** The next word as a number. */
static uint32_t number(uint32_t otherwise)
{
    const char *word = strtok(NULL, " ");
    return word == NULL ? otherwise : (uint32_t)strtoul(word, NULL, 0);
}

static void put(bool by_symbol)
{
    uint32_t slot = number(0);
    uint32_t tenant = number(0);
    uint32_t args[VYRE_SLOT_ARGS] = {0};
    uint32_t *words = ring->memory + slot * VYRE_SLOT_WORDS;
    uint32_t opcode;
    require(vyre_opcode_parse(strtok(NULL, " "), &opcode), "no such opcode");
    for (unsigned i = 0; i < VYRE_SLOT_ARGS; i++)
        args[i] = number(0);
    if (by_symbol) {
        require(vyre_publish_slot((uint8_t *)ring->memory, ring->slots * VYRE_SLOT_BYTES, slot,
                                  tenant, opcode, args, VYRE_SLOT_ARGS) == VYRE_OK,
                "publish");
        return;
    }
    words[VYRE_SLOT_OPCODE] = opcode;
    words[VYRE_SLOT_TENANT] = tenant;
    words[VYRE_SLOT_PRIORITY] = VYRE_PRIORITY_NORMAL;
    memcpy(words + VYRE_SLOT_ARG0, args, sizeof(args));
    words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
}

static void read_back(bool wait)
{
    const struct {
        const char *name;
        uint32_t *to;
        uint32_t words;
    } parts[] = {{"control", ring->control, ring->words},
                 {"ring", ring->memory, ring->slots * VYRE_SLOT_WORDS},
                 {"log", ring->log, VYRE_DEBUG_LOG_WORDS}};
    const char *what = strtok(NULL, " ");
    size_t first = number(0);
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(what, parts[i].name) == 0)
            require(clEnqueueReadBuffer(queue, ring->buffers[i], wait ? CL_TRUE : CL_FALSE,
                                        first * sizeof(uint32_t),
                                        number(parts[i].words) * sizeof(uint32_t),
                                        parts[i].to + first, 0, NULL, NULL) == CL_SUCCESS,
                    "read");
}

static void launch(void)
{
    size_t lanes = number(ring->slots);
    size_t offset = number(0);
    require(clEnqueueNDRangeKernel(launches, ring->kernel, 1, &offset, &lanes, NULL, 0, NULL,
                                   NULL) == CL_SUCCESS &&
                clFlush(launches) == CL_SUCCESS,
            "launch");
}

static void write_buffer(unsigned index, size_t offset, const void *bytes, size_t count)
{
    require(clEnqueueWriteBuffer(queue, ring->buffers[index], CL_TRUE, offset, count, bytes, 0,
                                 NULL, NULL) == CL_SUCCESS,
            "write");
}

static void write_word(void)
{
    uint32_t word = number(0);
    uint32_t value = number(0);
    write_buffer(0, word * sizeof(value), &value, sizeof(value));
}

/** Put a slot where lanes look for it: the status last, and only the byte that differs, as memcpy()
 *  may store longer ones twice. */
static void feed_slot(size_t slot)
{
    const uint32_t *words = ring->memory + slot * VYRE_SLOT_WORDS;
    write_buffer(1, slot * VYRE_SLOT_BYTES + sizeof(*words), words + 1,
                 VYRE_SLOT_BYTES - sizeof(*words));
    write_buffer(1, slot * VYRE_SLOT_BYTES, words, 1);
}

static void upload(bool wait)
{
    size_t first = number(0);
    size_t count = number(ring->slots);
    if (launches != queue) {
        for (size_t slot = first; slot < first + count; slot++)
            if (ring->memory[slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED)
                feed_slot(slot);
        return;
    }
    require(clEnqueueWriteBuffer(queue, ring->buffers[1], wait ? CL_TRUE : CL_FALSE,
                                 first * VYRE_SLOT_BYTES, count * VYRE_SLOT_BYTES,
                                 ring->memory + first * VYRE_SLOT_WORDS, 0, NULL,
                                 NULL) == CL_SUCCESS,
            "upload");
}

static void upload_stripes(void)
{
    const size_t origin[3] = {0, 0, 0};
    const size_t region[3] = {VYRE_SLOT_BYTES, ring->slots / 2, 1};
    const size_t pitch = 2 * VYRE_SLOT_BYTES;
    require(clEnqueueWriteBufferRect(queue, ring->buffers[1], CL_TRUE, origin, origin, region,
                                     pitch, 0, pitch, 0, ring->memory, 0, NULL, NULL) == CL_SUCCESS,
            "stripes");
}

/** Wait until so many slots are done, while their kernel runs. */
static void await(uint32_t done)
{
    uint32_t seen;
    do {
        require(clEnqueueReadBuffer(queue, ring->buffers[0], CL_TRUE,
                                    VYRE_CONTROL_DONE_COUNT * sizeof(seen), sizeof(seen), &seen, 0,
                                    NULL, NULL) == CL_SUCCESS,
                "await");
    } while (seen != done);
}

static void finish(void)
{
    require(clFinish(queue) == CL_SUCCESS && clFinish(launches) == CL_SUCCESS, "finish");
}

static void set_status(void)
{
    uint32_t slot = number(0);
    ring->memory[slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS] = number(0);
}

static void do_ring(void)
{
    const char *name = strtok(NULL, " ");
    uint32_t slots = number(8);
    uint32_t words = number(320);
    const char *other = strtok(NULL, " ");
    make_ring(name, slots, words, other == NULL ? NULL : find(other));
}

static void do_line(char *line)
{
    static const uint32_t fresh_log[VYRE_DEBUG_LOG_WORDS];
    line[strcspn(line, "#\n")] = '\0';
    const char *word = strtok(line, " ");
    if (word == NULL)
        return;
    if (strcmp(word, "ring") == 0)
        do_ring();
    else if (strcmp(word, "use") == 0)
        ring = find(strtok(NULL, " "));
    else if (strcmp(word, "put") == 0)
        put(false);
    else if (strcmp(word, "publish") == 0)
        put(true);
    else if (strcmp(word, "set") == 0)
        set_status();
    else if (strcmp(word, "upload") == 0)
        upload(true);
    else if (strcmp(word, "send") == 0)
        upload(false);
    else if (strcmp(word, "stripes") == 0)
        upload_stripes();
    else if (strcmp(word, "launch") == 0)
        launch();
    else if (strcmp(word, "write") == 0)
        write_word();
    else if (strcmp(word, "clear") == 0)
        write_buffer(2, 0, fresh_log, sizeof(fresh_log));
    else if (strcmp(word, "read") == 0)
        read_back(true);
    else if (strcmp(word, "begin") == 0)
        read_back(false);
    else if (strcmp(word, "finish") == 0)
        finish();
    else if (strcmp(word, "await") == 0)
        await(number(0));
    else
        require(false, "no such line");
}

int main(int argc, char **argv)
{
    char line[512];
    require(argc > 1, "usage: replay_host KERNEL [HOW [DEVICE]] <SCRIPT");
    open_device(argv[1], argc > 2 ? argv[2] : "",
                argc > 3 ? (cl_uint)strtoul(argv[3], NULL, 10) : 0);
    while (fgets(line, sizeof(line), stdin) != NULL)
        do_line(line);
    finish();
    return EXIT_SUCCESS;
}
