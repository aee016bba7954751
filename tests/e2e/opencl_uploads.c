/*
 * Ways by which a ring's bytes go up, and by which a kernel is launched on them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "opencl_host.h"

#define ROUNDS 3

/** Three batches, each written, uploaded, launched and waited for. */
static void rounds(struct megakernel *megakernel, void (*upload)(struct megakernel *megakernel))
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(megakernel);
        upload(megakernel);
        say_batch(megakernel);
        launch(megakernel);
        see_epoch(megakernel);
    }
}

static void run_rounds(struct opencl *opencl, void (*upload)(struct megakernel *megakernel))
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    rounds(&megakernel, upload);
}

static void write_bytes(struct megakernel *megakernel, cl_mem to, size_t at, const void *bytes,
                        size_t count)
{
    require(clEnqueueWriteBuffer(megakernel->queue, to, CL_FALSE, at, count, bytes, 0, NULL, NULL),
            "write");
}

static void upload_blocking(struct megakernel *megakernel)
{
    require(clEnqueueWriteBuffer(megakernel->queue, megakernel->ring, CL_TRUE, 0, RING_BYTES,
                                 megakernel->slots, 0, NULL, NULL),
            "write");
}

static void upload_non_blocking(struct megakernel *megakernel)
{
    write_bytes(megakernel, megakernel->ring, 0, megakernel->slots, RING_BYTES);
}

/** Each slot a row; the host's rows lie two slots apart. */
static void upload_rectangle(struct megakernel *megakernel)
{
    static uint32_t apart[SLOTS][2][VYRE_SLOT_WORDS];
    const size_t origin[3] = {0};
    const size_t region[3] = {VYRE_SLOT_BYTES, SLOTS, 1};
    for (unsigned slot = 0; slot < SLOTS; slot++)
        memcpy(apart[slot][0], megakernel->slots[slot], VYRE_SLOT_BYTES);
    require(clEnqueueWriteBufferRect(megakernel->queue, megakernel->ring, CL_TRUE, origin, origin,
                                     region, VYRE_SLOT_BYTES, 0, sizeof(apart[0]), 0, apart, 0,
                                     NULL, NULL),
            "write rectangle");
}

/** A box of half slots; the host's halves lie apart. */
static void upload_box(struct megakernel *megakernel)
{
    static uint32_t apart[SLOTS][2][VYRE_SLOT_WORDS];
    const size_t half = VYRE_SLOT_BYTES / 2;
    const size_t origin[3] = {0};
    const size_t region[3] = {half, 2, SLOTS};
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        memcpy(apart[slot][0], &megakernel->slots[slot][0], half);
        memcpy(apart[slot][1], &megakernel->slots[slot][VYRE_SLOT_WORDS / 2], half);
    }
    require(clEnqueueWriteBufferRect(megakernel->queue, megakernel->ring, CL_TRUE, origin, origin,
                                     region, half, VYRE_SLOT_BYTES, VYRE_SLOT_BYTES,
                                     sizeof(apart[0]), apart, 0, NULL, NULL),
            "write box");
}

static void upload_mapped(struct megakernel *megakernel, cl_map_flags flags)
{
    cl_int result;
    void *mapped = clEnqueueMapBuffer(megakernel->queue, megakernel->ring, CL_TRUE, flags, 0,
                                      BATCH * VYRE_SLOT_BYTES, 0, NULL, NULL, &result);
    require(result, "map");
    memcpy(mapped, megakernel->slots, BATCH * VYRE_SLOT_BYTES);
    require(clEnqueueUnmapMemObject(megakernel->queue, megakernel->ring, mapped, 0, NULL, NULL),
            "unmap");
}

static void upload_by_map(struct megakernel *megakernel)
{
    upload_mapped(megakernel, CL_MAP_READ | CL_MAP_WRITE);
}

static void upload_by_map_invalidate(struct megakernel *megakernel)
{
    upload_mapped(megakernel, CL_MAP_WRITE_INVALIDATE_REGION);
}

/** The payload first, the statuses last. */
static void upload_payload(struct megakernel *megakernel)
{
    for (unsigned slot = 0; slot < BATCH; slot++) {
        const size_t at = slot * VYRE_SLOT_BYTES;
        const uint32_t *words = megakernel->slots[slot];
        write_bytes(megakernel, megakernel->ring, at + 4, &words[1], 12);
        write_bytes(megakernel, megakernel->ring, at + 16, &words[4], VYRE_SLOT_BYTES - 16);
    }
}

static void upload_statuses(struct megakernel *megakernel)
{
    for (unsigned slot = 0; slot < BATCH; slot++)
        write_bytes(megakernel, megakernel->ring, slot * VYRE_SLOT_BYTES, megakernel->slots[slot],
                    4);
}

static void upload_payload_then_status(struct megakernel *megakernel)
{
    upload_payload(megakernel);
    upload_statuses(megakernel);
}

static void upload_payload_then_fill(struct megakernel *megakernel)
{
    const uint32_t published = VYRE_STATUS_PUBLISHED;
    upload_payload(megakernel);
    for (unsigned slot = 0; slot < BATCH; slot++)
        require(clEnqueueFillBuffer(megakernel->queue, megakernel->ring, &published,
                                    sizeof(published), slot * VYRE_SLOT_BYTES, sizeof(published), 0,
                                    NULL, NULL),
                "fill");
}

static cl_mem staging;

static void upload_staged(struct megakernel *megakernel)
{
    if (staging == NULL)
        staging = make_buffer(megakernel->opencl, megakernel->slots, RING_BYTES);
    write_bytes(megakernel, staging, 0, megakernel->slots, RING_BYTES);
    require(clEnqueueCopyBuffer(megakernel->queue, staging, megakernel->ring, 0, 0,
                                BATCH * VYRE_SLOT_BYTES, 0, NULL, NULL),
            "copy");
}

static void upload_staged_rectangle(struct megakernel *megakernel)
{
    const size_t origin[3] = {0};
    const size_t region[3] = {VYRE_SLOT_BYTES / 2, 2 * BATCH, 1};
    if (staging == NULL)
        staging = make_buffer(megakernel->opencl, megakernel->slots, RING_BYTES);
    write_bytes(megakernel, staging, 0, megakernel->slots, RING_BYTES);
    require(clEnqueueCopyBufferRect(megakernel->queue, staging, megakernel->ring, origin, origin,
                                    region, VYRE_SLOT_BYTES / 2, 0, VYRE_SLOT_BYTES / 2, 0, 0, NULL,
                                    NULL),
            "copy rectangle");
}

#define ROUNDS_BY(name)                                                                            \
    static void rounds_##name(struct opencl *opencl)                                               \
    {                                                                                              \
        run_rounds(opencl, upload_##name);                                                         \
    }
ROUNDS_BY(blocking)
ROUNDS_BY(non_blocking)
ROUNDS_BY(rectangle)
ROUNDS_BY(box)
ROUNDS_BY(by_map)
ROUNDS_BY(by_map_invalidate)
ROUNDS_BY(payload_then_status)
ROUNDS_BY(payload_then_fill)
ROUNDS_BY(staged)
ROUNDS_BY(staged_rectangle)

/** A kernel that is cloned after its arguments were set. */
static void clone_kernel(struct opencl *opencl)
{
    struct megakernel megakernel;
    cl_int result;
    megakernel_make(&megakernel, opencl);
    cl_kernel source = megakernel.kernel;
    megakernel.kernel = clCloneKernel(source, &result);
    require(result, "clone");
    /* What is set for one is not set for the other. */
    require(clSetKernelArg(source, VYRE_KERNEL_ARG_RING, sizeof(cl_mem), &megakernel.debug_log),
            "argument");
    require(clReleaseKernel(source), "release");
    rounds(&megakernel, upload_blocking);
}

/** One work-item: it drains slot 0 alone. */
static void task(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        memcpy(megakernel.slots[0], megakernel.slots[BATCH - 1], VYRE_SLOT_BYTES);
        write_bytes(&megakernel, megakernel.ring, 0, megakernel.slots[0], VYRE_SLOT_BYTES);
        say_slot(&megakernel, 0);
        require(clEnqueueTask(megakernel.queue, megakernel.kernel, 0, NULL, NULL), "task");
        see_epoch(&megakernel);
    }
}

/** Two rings take turns with one control buffer. */
static void double_buffered(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    const cl_mem rings[] = {megakernel.ring,
                            make_buffer(opencl, megakernel.slots, sizeof(megakernel.slots))};
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        write_batch(&megakernel);
        set_ring(&megakernel, rings[i % 2]);
        upload_non_blocking(&megakernel);
        say_batch(&megakernel);
        launch(&megakernel);
        see_epoch(&megakernel);
    }
}

/** A masked tenant's slot stays PUBLISHED, and goes up again as it came back. */
static void masked(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    megakernel.control_words[VYRE_CONTROL_TENANT_MASKS + 2] = 0;
    write_bytes(&megakernel, megakernel.control, 0, megakernel.control_words,
                sizeof(megakernel.control_words));
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t kept[VYRE_SLOT_WORDS];
        memcpy(kept, megakernel.slots[2], sizeof(kept));
        write_batch(&megakernel);
        if (i > 0)
            memcpy(megakernel.slots[2], kept, sizeof(kept));
        upload_blocking(&megakernel);
        for (uint32_t slot = 0; slot < BATCH; slot++)
            if (slot != 2 || i == 0)
                say_slot(&megakernel, slot);
        launch(&megakernel);
        see_epoch(&megakernel);
        require(clEnqueueReadBuffer(megakernel.queue, megakernel.ring, CL_TRUE, 0, RING_BYTES,
                                    megakernel.slots, 0, NULL, NULL),
                "ring");
        require_true(megakernel.slots[2][VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED &&
                         megakernel.slots[1][VYRE_SLOT_STATUS] == VYRE_STATUS_DONE,
                     "the mask was not heeded");
    }
}

/** The same words again are a new publish once a launch may have consumed the old ones, and
 *  none when they go up twice before it. */
static void equal_words(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    write_batch(&megakernel);
    for (unsigned i = 0; i < ROUNDS; i++) {
        upload_non_blocking(&megakernel);
        say_batch(&megakernel);
        upload_non_blocking(&megakernel);
        launch(&megakernel);
        require(clFinish(megakernel.queue), "finish");
    }
}

/** A launch between payload and statuses changes neither: what it found there was not PUBLISHED. */
static void status_after_launch(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    rounds(&megakernel, upload_blocking);
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_batch(&megakernel);
        upload_payload(&megakernel);
        launch(&megakernel);
        upload_statuses(&megakernel);
        say_batch(&megakernel);
        launch(&megakernel);
        see_epoch(&megakernel);
    }
}

/** More bytes than the buffer has, which are not all there: OpenCL refuses without a look. */
static bool write_too_much(struct megakernel *megakernel)
{
    static const uint8_t zeros[128u << 10];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    cl_mem large = make_buffer(megakernel->opencl, zeros, sizeof(zeros));
    uint8_t *bytes = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require_true(bytes != MAP_FAILED && mprotect(bytes + page, page, PROT_NONE) == 0, "no memory");
    return clEnqueueWriteBuffer(megakernel->queue, large, CL_TRUE, 0, 2 * sizeof(zeros), bytes, 0,
                                NULL, NULL) == CL_SUCCESS;
}

/** Calls that fail publish nothing, whatever their bytes say. */
static void failed(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    rounds(&megakernel, upload_blocking);
    write_batch(&megakernel);
    const size_t origin[3] = {0};
    const size_t region[3] = {VYRE_SLOT_BYTES, SLOTS, 1};
    const uint32_t published = VYRE_STATUS_PUBLISHED;
    bool taken = write_too_much(&megakernel) ||
                 clEnqueueWriteBuffer(megakernel.queue, megakernel.ring, CL_TRUE, RING_BYTES,
                                      RING_BYTES, megakernel.slots, 0, NULL, NULL) == CL_SUCCESS ||
                 clEnqueueWriteBuffer(megakernel.queue, megakernel.ring, CL_TRUE, 0, RING_BYTES,
                                      megakernel.slots, 1, NULL, NULL) == CL_SUCCESS ||
                 clEnqueueWriteBuffer(megakernel.queue, megakernel.ring, CL_TRUE, 0, RING_BYTES,
                                      NULL, 0, NULL, NULL) == CL_SUCCESS ||
                 clEnqueueWriteBufferRect(megakernel.queue, megakernel.ring, CL_TRUE, origin,
                                          origin, region, (size_t)1 << 40, 0, (size_t)1 << 40, 0,
                                          megakernel.slots, 0, NULL, NULL) == CL_SUCCESS ||
                 clEnqueueFillBuffer(megakernel.queue, megakernel.ring, &published, 3, 0,
                                     RING_BYTES, 0, NULL, NULL) == CL_SUCCESS ||
                 clEnqueueUnmapMemObject(megakernel.queue, megakernel.ring, megakernel.slots, 0,
                                         NULL, NULL) == CL_SUCCESS ||
                 clEnqueueNDRangeKernel(megakernel.queue, megakernel.kernel, 4, NULL, region, NULL,
                                        0, NULL, NULL) == CL_SUCCESS;
    require_true(!taken, "a call that should fail was taken");
    upload_blocking(&megakernel);
    say_batch(&megakernel);
    launch(&megakernel);
    see_epoch(&megakernel);
}

/** Two in one process: each has epochs of its own. */
static void two(struct opencl *opencl)
{
    struct megakernel first;
    struct megakernel second;
    megakernel_make(&first, opencl);
    megakernel_make(&second, opencl);
    rounds(&first, upload_blocking);
    rounds(&second, upload_non_blocking);
    rounds(&first, upload_blocking);
}

/** No megakernel: buffers of other sizes; or of its sizes, with other contents. */
static void unrelated(struct opencl *opencl, size_t log_bytes, uint32_t tenant_base)
{
    static const uint32_t zeros[VYRE_DEBUG_LOG_WORDS + 1];
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    megakernel.control_words[VYRE_CONTROL_TENANT_BASE] = tenant_base;
    const cl_mem control =
        make_buffer(opencl, megakernel.control_words, sizeof(megakernel.control_words));
    const cl_mem log = make_buffer(opencl, zeros, log_bytes);
    require(clSetKernelArg(megakernel.kernel, VYRE_KERNEL_ARG_CONTROL, sizeof(cl_mem), &control),
            "control");
    require(clSetKernelArg(megakernel.kernel, VYRE_KERNEL_ARG_DEBUG_LOG, sizeof(cl_mem), &log),
            "log");
    write_batch(&megakernel);
    upload_blocking(&megakernel);
    launch(&megakernel);
    require(clFinish(megakernel.queue), "finish");
    upload_blocking(&megakernel);
}

static void other_sizes(struct opencl *opencl)
{
    unrelated(opencl, sizeof(uint32_t) * (VYRE_DEBUG_LOG_WORDS + 1), VYRE_CONTROL_TENANT_MASKS);
}

static void other_contents(struct opencl *opencl)
{
    unrelated(opencl, sizeof(uint32_t) * VYRE_DEBUG_LOG_WORDS, VYRE_CONTROL_TENANT_QUOTAS);
}

const struct way upload_ways[] = {
    {"write", rounds_blocking},
    {"write-non-blocking", rounds_non_blocking},
    {"write-rectangle", rounds_rectangle},
    {"write-box", rounds_box},
    {"map", rounds_by_map},
    {"map-invalidate", rounds_by_map_invalidate},
    {"payload-then-status", rounds_payload_then_status},
    {"payload-then-fill", rounds_payload_then_fill},
    {"copy", rounds_staged},
    {"copy-rectangle", rounds_staged_rectangle},
    {"clone-kernel", clone_kernel},
    {"task", task},
    {"double-buffered", double_buffered},
    {"masked", masked},
    {"status-after-launch", status_after_launch},
    {"equal-words", equal_words},
    {"failed", failed},
    {"two", two},
    {"other-sizes", other_sizes},
    {"other-contents", other_contents},
    {NULL, NULL},
};
