/*
 * Ways in which a ring's memory is made.
 */
#include "opencl_host.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 3
#define PARENT_BYTES (2 * PART_AT)

/** One batch that lies in the ring already is launched. */
static void run_first_batch(struct megakernel *megakernel)
{
    say_batch(megakernel);
    launch(megakernel);
    see_epoch(megakernel);
}

static void run_batch_at(struct megakernel *megakernel, cl_mem to, size_t at)
{
    write_batch(megakernel);
    require(clEnqueueWriteBuffer(megakernel->queue, to, CL_FALSE, at, RING_BYTES, megakernel->slots,
                                 0, NULL, NULL),
            "write");
    run_first_batch(megakernel);
}

static void made_with(struct opencl *opencl, cl_mem_flags flags, bool properties)
{
    const cl_mem_properties none[] = {0};
    struct megakernel megakernel;
    cl_int result;
    megakernel_make_without_ring(&megakernel, opencl);
    write_batch(&megakernel);
    flags |= CL_MEM_READ_WRITE;
    set_ring(&megakernel,
             properties
                 ? clCreateBufferWithProperties(opencl->context, none, flags, RING_BYTES,
                                                megakernel.slots, &result)
                 : clCreateBuffer(opencl->context, flags, RING_BYTES, megakernel.slots, &result));
    require(result, "ring");
    run_first_batch(&megakernel);
    if ((flags & CL_MEM_COPY_HOST_PTR) != 0)
        run_batch_at(&megakernel, megakernel.ring, 0);
}

static void copy_host_pointer(struct opencl *opencl)
{
    made_with(opencl, CL_MEM_COPY_HOST_PTR, false);
}

static void use_host_pointer(struct opencl *opencl)
{
    made_with(opencl, CL_MEM_USE_HOST_PTR, false);
}

static void with_properties(struct opencl *opencl)
{
    made_with(opencl, CL_MEM_COPY_HOST_PTR, true);
}

static cl_mem part_of(cl_mem whole, size_t at, size_t bytes)
{
    const cl_buffer_region region = {at, bytes};
    cl_int result;
    cl_mem part =
        clCreateSubBuffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &result);
    require(result, "part");
    return part;
}

/** Control buffer and ring are parts of one; the bytes go up by the part, and by the whole. */
static void sub_buffer(struct opencl *opencl)
{
    static const uint8_t zeros[PARENT_BYTES];
    struct megakernel megakernel;
    megakernel_make_without_ring(&megakernel, opencl);
    cl_mem whole = make_buffer(opencl, zeros, PARENT_BYTES);
    megakernel.control = part_of(whole, 0, sizeof(megakernel.control_words));
    require(clEnqueueWriteBuffer(megakernel.queue, megakernel.control, CL_TRUE, 0,
                                 sizeof(megakernel.control_words), megakernel.control_words, 0,
                                 NULL, NULL),
            "control");
    require(clSetKernelArg(megakernel.kernel, VYRE_KERNEL_ARG_CONTROL, sizeof(cl_mem),
                           &megakernel.control),
            "control");
    set_ring(&megakernel, part_of(whole, PART_AT, RING_BYTES));
    run_batch_at(&megakernel, megakernel.ring, 0);
    run_batch_at(&megakernel, whole, PART_AT);
    require(clReleaseMemObject(whole), "release");
    run_batch_at(&megakernel, megakernel.ring, 0);
}

/** Each megakernel is released before the next one is made, which may get its handles; and while
 *  its commands are under way. */
static void made_anew(struct opencl *opencl)
{
    for (unsigned i = 0; i < 100; i++) {
        struct megakernel megakernel;
        megakernel_make(&megakernel, opencl);
        run_batch_at(&megakernel, megakernel.ring, 0);
        require(clRetainMemObject(megakernel.ring), "retain");
        require(clReleaseMemObject(megakernel.ring), "release");
        run_batch_at(&megakernel, megakernel.ring, 0);
        launch(&megakernel);
        const cl_mem buffers[] = {megakernel.control, megakernel.ring, megakernel.debug_log,
                                  megakernel.io_queue};
        require(clReleaseKernel(megakernel.kernel), "release");
        for (unsigned b = 0; b < 4; b++)
            require(clReleaseMemObject(buffers[b]), "release");
        require(clFinish(megakernel.queue), "finish");
    }
}

/* It becomes a megakernel by what goes up into its control buffer after many launches. */
static void launched_before(struct opencl *opencl)
{
    static const uint32_t nothing[VYRE_CONTROL_WORDS_MIN];
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    cl_command_queue queue = megakernel.queue;
    require(clEnqueueWriteBuffer(queue, megakernel.control, CL_TRUE, 0, sizeof(nothing), nothing, 0,
                                 NULL, NULL),
            "nothing");
    for (unsigned i = 0; i < 3; i++)
        launch(&megakernel);
    require(clEnqueueWriteBuffer(queue, megakernel.control, CL_TRUE, 0, sizeof(nothing),
                                 megakernel.control_words, 0, NULL, NULL),
            "control");
    run_batch_at(&megakernel, megakernel.ring, 0);
    run_batch_at(&megakernel, megakernel.ring, 0);
}

static uint32_t (*svm_ring(struct megakernel *megakernel, cl_svm_mem_flags flags))[VYRE_SLOT_WORDS]
{
    uint8_t *allocated =
        clSVMAlloc(megakernel->opencl->context, CL_MEM_READ_WRITE | flags, PARENT_BYTES, 0);
    require_true(allocated != NULL, "no shared virtual memory");
    void *ring = allocated + PART_AT;
    require(clSetKernelArgSVMPointer(megakernel->kernel, VYRE_KERNEL_ARG_RING, ring), "ring");
    return ring;
}

static void svm_map(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make_without_ring(&megakernel, opencl);
    uint32_t(*ring)[VYRE_SLOT_WORDS] = svm_ring(&megakernel, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        require(clEnqueueSVMMap(megakernel.queue, CL_TRUE, CL_MAP_WRITE, ring, RING_BYTES, 0, NULL,
                                NULL),
                "map");
        memcpy(ring, megakernel.slots, RING_BYTES);
        require(clEnqueueSVMUnmap(megakernel.queue, ring, 0, NULL, NULL), "unmap");
        run_first_batch(&megakernel);
    }
}

static void svm_copy(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make_without_ring(&megakernel, opencl);
    uint32_t(*ring)[VYRE_SLOT_WORDS] = svm_ring(&megakernel, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        const uint32_t zero = 0;
        require(clEnqueueSVMMemFill(megakernel.queue, ring, &zero, sizeof(zero), RING_BYTES, 0,
                                    NULL, NULL),
                "fill");
        require(clEnqueueSVMMemcpy(megakernel.queue, CL_FALSE, ring, megakernel.slots, RING_BYTES,
                                   0, NULL, NULL),
                "copy");
        run_first_batch(&megakernel);
        /* It comes back by a copy, too. */
        require(clEnqueueSVMMemcpy(megakernel.queue, CL_TRUE, megakernel.slots, ring, RING_BYTES, 0,
                                   NULL, NULL),
                "copy back");
        require_true(megakernel.slots[0][VYRE_SLOT_STATUS] == VYRE_STATUS_DONE, "not done");
    }
}

/** Stores into memory that the GPU shares: what lies there at a launch. */
static void svm_fine(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make_without_ring(&megakernel, opencl);
    uint32_t(*ring)[VYRE_SLOT_WORDS] = svm_ring(&megakernel, CL_MEM_SVM_FINE_GRAIN_BUFFER);
    memset(ring, 0, RING_BYTES);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        memcpy(ring, megakernel.slots, RING_BYTES);
        run_first_batch(&megakernel);
    }
}

/** The ring is mapped for writing while the kernel runs, as drivers with coherent maps allow. */
static void mapped_launch(struct opencl *opencl)
{
    struct megakernel megakernel;
    cl_int result;
    megakernel_make(&megakernel, opencl);
    uint32_t *ring =
        clEnqueueMapBuffer(megakernel.queue, megakernel.ring, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE,
                           0, RING_BYTES, 0, NULL, NULL, &result);
    require(result, "map");
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        memcpy(ring, megakernel.slots, RING_BYTES);
        run_first_batch(&megakernel);
    }
    require(clEnqueueUnmapMemObject(megakernel.queue, megakernel.ring, ring, 0, NULL, NULL),
            "unmap");
    require(clFinish(megakernel.queue), "finish");
}

/** A kernel empties slots that are then copied into the ring: what was known of them is not known
 *  any more. */
static void copy_unknown(struct opencl *opencl)
{
    struct megakernel megakernel;
    cl_int result;
    const size_t words = RING_BYTES / sizeof(uint32_t);
    megakernel_make(&megakernel, opencl);
    run_batch_at(&megakernel, megakernel.ring, 0);
    write_batch(&megakernel);
    cl_mem staging = make_buffer(opencl, megakernel.slots, RING_BYTES);
    cl_kernel clear = clCreateKernel(opencl->program, "clear", &result);
    require(result, "kernel");
    require(clSetKernelArg(clear, 0, sizeof(cl_mem), &staging), "argument");
    require(clEnqueueNDRangeKernel(megakernel.queue, clear, 1, NULL, &words, NULL, 0, NULL, NULL),
            "clear");
    require(clEnqueueCopyBuffer(megakernel.queue, staging, megakernel.ring, 0, 0, RING_BYTES, 0,
                                NULL, NULL),
            "copy");
    require(clFinish(megakernel.queue), "finish");
}

/** The same, by an address that the kernel finds in memory. */
static void copy_unknown_svm(struct opencl *opencl)
{
    struct megakernel megakernel;
    cl_int result;
    const size_t words = RING_BYTES / sizeof(uint32_t);
    megakernel_make_without_ring(&megakernel, opencl);
    void *ring = svm_ring(&megakernel, 0);
    void *staging = clSVMAlloc(opencl->context, CL_MEM_READ_WRITE, RING_BYTES, 0);
    require_true(staging != NULL, "no shared virtual memory");
    cl_mem address = make_buffer(opencl, &(uint64_t){(uintptr_t)staging}, sizeof(uint64_t));
    cl_kernel clear = clCreateKernel(opencl->program, "clear_there", &result);
    require(result, "kernel");
    require(clSetKernelArg(clear, 0, sizeof(cl_mem), &address), "argument");
    require(clSetKernelExecInfo(clear, CL_KERNEL_EXEC_INFO_SVM_PTRS, sizeof(staging), &staging),
            "pointers");
    for (unsigned i = 0; i < 2; i++) {
        write_batch(&megakernel);
        require(clEnqueueSVMMemcpy(megakernel.queue, CL_TRUE, staging, megakernel.slots, RING_BYTES,
                                   0, NULL, NULL),
                "write");
        if (i > 0)
            require(clEnqueueNDRangeKernel(megakernel.queue, clear, 1, NULL, &words, NULL, 0, NULL,
                                           NULL),
                    "clear");
        require(
            clEnqueueSVMMemcpy(megakernel.queue, CL_TRUE, ring, staging, RING_BYTES, 0, NULL, NULL),
            "copy");
        if (i == 0)
            run_first_batch(&megakernel);
    }
}

#define THREADS 4

static void *run_alone(void *opaque)
{
    struct opencl alone = *(struct opencl *)opaque;
    struct megakernel megakernel;
    cl_int result;
    alone.queue = clCreateCommandQueueWithProperties(alone.context, alone.device, NULL, &result);
    require(result, "queue");
    for (unsigned i = 0; i < 20; i++) {
        megakernel_make(&megakernel, &alone);
        run_batch_at(&megakernel, megakernel.ring, 0);
        run_batch_at(&megakernel, megakernel.ring, 0);
        require(clReleaseKernel(megakernel.kernel), "release");
        require(clReleaseMemObject(megakernel.ring), "release");
        require(clReleaseMemObject(megakernel.control), "release");
        require(clReleaseMemObject(megakernel.debug_log), "release");
        require(clReleaseMemObject(megakernel.io_queue), "release");
    }
    return NULL;
}

/** Each thread has megakernels and a queue of its own. */
static void threads(struct opencl *opencl)
{
    pthread_t started[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_create(&started[i], NULL, run_alone, opencl), "thread");
    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_join(started[i], NULL), "join");
}

/** Where a ring lies does not change what it holds. */
static void migrate(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        require(clEnqueueWriteBuffer(megakernel.queue, megakernel.ring, CL_TRUE, 0, RING_BYTES,
                                     megakernel.slots, 0, NULL, NULL),
                "write");
        say_batch(&megakernel);
        require(clEnqueueMigrateMemObjects(megakernel.queue, 1, &megakernel.ring,
                                           i % 2 == 0 ? CL_MIGRATE_MEM_OBJECT_HOST : 0, 0, NULL,
                                           NULL),
                "migrate");
        launch(&megakernel);
        see_epoch(&megakernel);
    }
}

const struct way memory_ways[] = {
    {"copy-host-pointer", copy_host_pointer},
    {"use-host-pointer", use_host_pointer},
    {"with-properties", with_properties},
    {"sub-buffer", sub_buffer},
    {"made-anew", made_anew},
    {"launched-before", launched_before},
    {"svm-map", svm_map},
    {"svm-copy", svm_copy},
    {"svm-fine", svm_fine},
    {"mapped-launch", mapped_launch},
    {"threads", threads},
    {"copy-unknown", copy_unknown},
    {"copy-unknown-svm", copy_unknown_svm},
    {"migrate", migrate},
    {NULL, NULL},
};
