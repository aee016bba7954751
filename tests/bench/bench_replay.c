/*
 * bench_replay [DEVICE]: what the backends of a replay do a second, beside the floor: the same
 * bytes up through pinned staging, a launch of the megakernel, the control words back.
 *
 * All of it on one device, one after another in rounds, so that they share its moods.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <string.h>

#include "bench_support.h"
#include "replay/builtin.h"
#include "replay/devices.h"
#include "replay/opencl_device.h"
#include "replay/resident_ways.h"
#include "vyre/control.h"

#define SLOTS_MAX 65536u
#define CONTROL_WORDS 320u
#define ROUNDS 15
#define WARM_UP 3

static struct replay_error error;
static const char *choice;
static uint32_t slots;
static struct builtin builtin;
static uint32_t (*records)[VYRE_SLOT_WORDS];

static void require(bool holds, const char *what)
{
    if (!holds)
        bench_fail(what, error.text);
}

static void make_image(void)
{
    static struct timeline_buffer buffers[2];
    static struct timeline timeline;
    buffers[0].bytes = CONTROL_WORDS * sizeof(uint32_t);
    buffers[1].bytes = (uint64_t)slots * VYRE_SLOT_BYTES;
    timeline = (struct timeline){
        .buffers = buffers,
        .buffers_len = 2,
        .roles = {{.buffer = 0, .bytes = buffers[0].bytes},
                  {.buffer = 1, .bytes = buffers[1].bytes},
                  {.buffer = TIMELINE_NONE},
                  {.buffer = TIMELINE_NONE}},
        .control_words = CONTROL_WORDS,
        .ring_slots = slots,
    };
    require(builtin_make(&timeline, NULL, &builtin, &error), "image");
}

/* As a host publishes: mostly additions and stores, and a fence. */
static void make_records(void)
{
    records = calloc(SLOTS_MAX, sizeof(*records));
    if (records == NULL)
        bench_fail("records", "no memory");
    for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
        uint32_t *words = records[slot];
        words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
        words[VYRE_SLOT_OPCODE] = slot % 4 == 0 ? VYRE_OP_STORE_U32 : VYRE_OP_ATOMIC_ADD;
        words[VYRE_SLOT_PRIORITY] = VYRE_PRIORITY_NORMAL;
        words[VYRE_SLOT_ARG0] = slot % 4 == 0 ? 1 : slot;
        words[VYRE_SLOT_ARG0 + 1] = VYRE_CONTROL_OBSERVABLES + slot % 128;
    }
    records[0][VYRE_SLOT_OPCODE] = VYRE_OP_BATCH_FENCE;
}

/* A backend that goes through batches of full rings. */
struct contestant {
    const char *name;
    const struct backend *backend;
    void *state;
    /* Seconds of a batch in each round. */
    double times[ROUNDS];
};

static bool enter(struct contestant *contestant)
{
    char name[256];
    uint32_t control[CONTROL_WORDS];
    struct backend_view view;
    if (!contestant->backend->open(choice, name, &contestant->state, &error)) {
        fprintf(stderr, "%s: %s\n", contestant->name, error.text);
        return false;
    }
    vyre_control_encode(control, CONTROL_WORDS, 4);
    const struct backend *backend = contestant->backend;
    require(backend->load(contestant->state, &builtin.image, &error) &&
                backend->write(contestant->state, &builtin.image.roles[VYRE_KERNEL_ARG_CONTROL],
                               control, &error) &&
                backend->observe(contestant->state, true, &view, &error),
            contestant->name);
    return true;
}

static double run_batch(struct contestant *contestant)
{
    const struct backend *backend = contestant->backend;
    struct backend_view view;
    double start = bench_now_ns();
    for (uint32_t slot = 0; slot < slots; slot++)
        backend->publish(contestant->state, slot, records[slot]);
    require(backend->submit(contestant->state, &builtin.submit, &error) &&
                backend->observe(contestant->state, false, &view, &error),
            contestant->name);
    double time = bench_now_ns() - start;
    for (uint32_t slot = 0; slot < slots; slot++)
        if (backend_status(&view, slot) != VYRE_STATUS_DONE)
            bench_fail(contestant->name, "a slot is not done");
    return time;
}

/* The floor, with and without the copy into the staging memory. */
struct floor {
    struct opencl_device device;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    size_t group_lanes;
    cl_mem buffers[4];
    struct pinned staging;
    struct pinned control;
    double times[ROUNDS];
    double times_without_copy[ROUNDS];
};

static void require_call(cl_int code, const char *what)
{
    require(opencl_check(code, what, &error), "floor");
}

static void open_floor(struct floor *floor)
{
    const size_t sizes[] = {CONTROL_WORDS * 4, (size_t)slots * VYRE_SLOT_BYTES,
                            VYRE_DEBUG_LOG_WORDS * 4, VYRE_IO_QUEUE_WORDS * 4};
    const cl_uint control_words = CONTROL_WORDS;
    uint32_t control[CONTROL_WORDS];
    char name[256];
    cl_int code;
    memset(floor, 0, sizeof(*floor));
    require(opencl_open(choice, name, &floor->device, &error), "device");
    floor->queue = clCreateCommandQueue(floor->device.context, floor->device.id, 0, &code);
    require_call(code, "queue");
    require(opencl_build(&floor->device, builtin.program.code, builtin.program.code_bytes,
                         "-cl-std=CL1.2", &floor->program, &error),
            "build");
    floor->kernel = clCreateKernel(floor->program, "vyre_megakernel", &code);
    require_call(code, "kernel");
    require(opencl_group_lanes(floor->device.id, floor->kernel, &floor->group_lanes, &error),
            "group");
    for (cl_uint i = 0; i < 4; i++) {
        require(opencl_buffer(&floor->device, "buffer", sizes[i], &floor->buffers[i], &error),
                "buffer");
        require_call(clSetKernelArg(floor->kernel, i, sizeof(cl_mem), &floor->buffers[i]),
                     "argument");
    }
    require_call(clSetKernelArg(floor->kernel, 4, sizeof(control_words), &control_words),
                 "argument");
    require_call(clSetKernelArg(floor->kernel, 5, sizeof(slots), &slots), "argument");
    vyre_control_encode(control, CONTROL_WORDS, 4);
    require_call(clEnqueueWriteBuffer(floor->queue, floor->buffers[0], CL_TRUE, 0, sizes[0],
                                      control, 0, NULL, NULL),
                 "control");
    require(pinned_make(&floor->device, floor->queue, sizes[1], &floor->staging, &error) &&
                pinned_make(&floor->device, floor->queue, sizes[0], &floor->control, &error),
            "staging");
}

static void run_floor(struct floor *floor, double *with_copy, double *without_copy)
{
    const size_t bytes = (size_t)slots * VYRE_SLOT_BYTES;
    const size_t lanes = (slots + floor->group_lanes - 1) / floor->group_lanes * floor->group_lanes;
    double start = bench_now_ns();
    memcpy(floor->staging.memory, records, bytes);
    double copied = bench_now_ns();
    require_call(clEnqueueWriteBuffer(floor->queue, floor->buffers[1], CL_FALSE, 0, bytes,
                                      floor->staging.memory, 0, NULL, NULL),
                 "upload");
    require_call(clEnqueueNDRangeKernel(floor->queue, floor->kernel, 1, NULL, &lanes,
                                        &floor->group_lanes, 0, NULL, NULL),
                 "launch");
    require_call(clEnqueueReadBuffer(floor->queue, floor->buffers[0], CL_TRUE, 0, CONTROL_WORDS * 4,
                                     floor->control.memory, 0, NULL, NULL),
                 "control back");
    double end = bench_now_ns();
    *with_copy = end - start;
    *without_copy = end - copied;
}

static void close_floor(struct floor *floor)
{
    pinned_free(&floor->staging);
    pinned_free(&floor->control);
    for (size_t i = 0; i < 4; i++)
        clReleaseMemObject(floor->buffers[i]);
    clReleaseKernel(floor->kernel);
    clReleaseProgram(floor->program);
    clReleaseCommandQueue(floor->queue);
    opencl_close(&floor->device);
}

static void print(const char *name, double *times)
{
    printf("%s_%u %.0f\n", name, slots, bench_median(times, ROUNDS));
}

static void compete(uint32_t ring_slots)
{
    /* A resident kernel may fill a device, so it is never there beside another. */
    struct contestant contestants[] = {
        {.name = "reference", .backend = &backend_reference},
        {.name = "batch", .backend = &backend_opencl},
        {.name = "resident_svm", .backend = &resident_svm},
        {.name = "resident_reached", .backend = &resident_reached},
        {.name = "resident_kernel", .backend = &resident_copies_kernel},
        {.name = "resident_copy", .backend = &resident_copies_alone},
    };
    struct floor floor;
    slots = ring_slots;
    make_image();
    open_floor(&floor);
    for (size_t i = 0; i < sizeof(contestants) / sizeof(contestants[0]); i++) {
        struct contestant *contestant = &contestants[i];
        if (!enter(contestant))
            continue;
        bool beside_floor = contestant->backend == &backend_opencl;
        for (int round = -WARM_UP; round < ROUNDS; round++) {
            int at = round < 0 ? 0 : round;
            /* Twice each, as a GPU's change to the other's context takes it longer than a batch of
             * a small ring. */
            for (int turn = 0; beside_floor && turn < 2; turn++)
                run_floor(&floor, &floor.times[at], &floor.times_without_copy[at]);
            for (int turn = 0; turn < 2; turn++)
                contestant->times[at] = run_batch(contestant);
        }
        print(contestant->name, contestant->times);
        contestant->backend->close(contestant->state);
    }
    print("floor", floor.times);
    print("floor_without_copy", floor.times_without_copy);
    close_floor(&floor);
    builtin_free(&builtin);
}

int main(int argc, char **argv)
{
    choice = argc > 1 ? argv[1] : NULL;
    make_records();
    compete(65536);
    compete(1024);
    free(records);
    return 0;
}
