#include "replay/staged_ring.h"

#include <stdlib.h>
#include <string.h>

#include "replay/ring_look.h"
#include "replay/slot_stream.h"

/** A run of slots is copied when it has grown to this, 1 MiB: much longer than the call takes,
 *  much shorter than a ring. */
#define PIECE_SLOTS 16384u

/** Runs that lie closer than this travel in one copy. */
#define TRANSFER_GAP 64u

/** Up to so many slots, whole slots are read back; that is cheaper than a launch. */
#define READ_WHOLE_MAX 2048u

/** A status that no byte can hold: then whole slots are read. */
#define STATUS_ESCAPE 255u

static const char gather_source[] =
    "__kernel void gather_statuses(__global const uint *buffer, ulong ring, uint first, uint end,\n"
    "                              __global uchar *statuses)\n"
    "{\n"
    "    size_t slot = first + get_global_id(0);\n"
    "    if (slot < end)\n"
    "        statuses[slot - first] = (uchar)min(buffer[ring + slot * 16u], 255u);\n"
    "}\n";

enum gather_argument {
    GATHER_BUFFER,
    GATHER_RING,
    GATHER_FIRST,
    GATHER_END,
    GATHER_STATUSES,
};

static bool create_gather(struct staged_ring *ring, struct replay_error *error)
{
    if (!opencl_build(ring->device, gather_source, sizeof(gather_source) - 1, "-cl-std=CL1.2",
                      &ring->program, error))
        return false;
    cl_int code;
    ring->gather = clCreateKernel(ring->program, "gather_statuses", &code);
    if (!opencl_check(code, "clCreateKernel", error) ||
        !opencl_buffer(ring->device, "list of statuses", ring->slots, &ring->gathered, error))
        return false;
    cl_ulong first_word = ring->offset / sizeof(uint32_t);
    code = clSetKernelArg(ring->gather, GATHER_BUFFER, sizeof(cl_mem), &ring->buffer);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(ring->gather, GATHER_RING, sizeof(first_word), &first_word);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(ring->gather, GATHER_STATUSES, sizeof(cl_mem), &ring->gathered);
    return opencl_check(code, "clSetKernelArg", error);
}

bool staged_ring_open(struct staged_ring *ring, const struct opencl_device *device,
                      cl_command_queue queue, cl_mem buffer, size_t offset, uint32_t slots,
                      bool only_statuses, struct replay_error *error)
{
    ring->device = device;
    ring->queue = queue;
    ring->buffer = buffer;
    ring->offset = offset;
    ring->slots = slots;
    ring->only_statuses = only_statuses;
    ring->runs = malloc(slots * sizeof(*ring->runs));
    ring->statuses = calloc(slots, sizeof(*ring->statuses));
    ring->busy = calloc(slots, sizeof(*ring->busy));
    if (ring->runs == NULL || ring->statuses == NULL || ring->busy == NULL)
        return replay_fail_memory(error);
    const size_t ring_bytes = (size_t)slots * VYRE_SLOT_BYTES;
    if (!pinned_make(device, queue, ring_bytes + slots, &ring->staging, error))
        return false;
    ring->words = ring->staging.memory;
    ring->gathered_statuses = (uint8_t *)ring->staging.memory + ring_bytes;
    return slots <= READ_WHOLE_MAX || create_gather(ring, error);
}

static cl_int copy(struct staged_ring *ring, struct slot_range range)
{
    slot_stream_end();
    size_t offset = (size_t)range.first * VYRE_SLOT_BYTES;
    size_t bytes = (size_t)(range.end - range.first) * VYRE_SLOT_BYTES;
    return clEnqueueWriteBuffer(ring->queue, ring->buffer, CL_FALSE, ring->offset + offset, bytes,
                                (const char *)ring->words + offset, 0, NULL, NULL);
}

static void note_failure(struct staged_ring *ring, cl_int code)
{
    if (ring->failed == CL_SUCCESS)
        ring->failed = code;
}

static void widen(struct slot_range *window, uint32_t slot)
{
    if (window->first == window->end) {
        window->first = slot;
        window->end = slot + 1;
    } else if (slot < window->first) {
        window->first = slot;
    } else if (slot >= window->end) {
        window->end = slot + 1;
    }
}

static void mark_busy(struct staged_ring *ring, struct slot_range range)
{
    memset(ring->busy + range.first, true, range.end - range.first);
}

/** The growing run is as long as it gets. */
static void end_run(struct staged_ring *ring)
{
    if (ring->growing.first == ring->growing.end)
        return;
    mark_busy(ring, ring->growing);
    widen(&ring->window, ring->growing.first);
    widen(&ring->window, ring->growing.end - 1);
    if (ring->growing.end - ring->growing.first >= PIECE_SLOTS) {
        note_failure(ring, copy(ring, ring->growing));
        note_failure(ring, clFlush(ring->queue));
    } else {
        ring->runs[ring->runs_len++] = ring->growing;
    }
    ring->growing.first = ring->growing.end;
}

/** Wait until no copy is under way. */
static void finish(struct staged_ring *ring)
{
    struct replay_error ignored;
    staged_ring_upload(ring, &ignored);
    note_failure(ring, clFinish(ring->queue));
}

/** Make the growing run longer by a slot. */
static inline void grow(struct staged_ring *ring, uint32_t slot,
                        const uint32_t words[VYRE_SLOT_WORDS])
{
    slot_stream(ring->words + (size_t)slot * VYRE_SLOT_WORDS, words, words[VYRE_SLOT_STATUS]);
    ring->statuses[slot] = words[VYRE_SLOT_STATUS];
    ring->growing.end = slot + 1;
    if (ring->growing.end - ring->growing.first == PIECE_SLOTS)
        end_run(ring);
}

/** Apart, so that the usual way saves no registers for this one. */
__attribute__((noinline)) static void grow_elsewhere(struct staged_ring *ring, uint32_t slot,
                                                     const uint32_t words[VYRE_SLOT_WORDS])
{
    if (slot != ring->growing.end) {
        end_run(ring);
        ring->growing = (struct slot_range){slot, slot};
    }
    if (ring->busy[slot])
        finish(ring);
    grow(ring, slot, words);
}

void staged_ring_publish(struct staged_ring *ring, uint32_t slot,
                         const uint32_t words[VYRE_SLOT_WORDS])
{
    if (slot == ring->growing.end && !ring->busy[slot])
        grow(ring, slot, words);
    else
        grow_elsewhere(ring, slot, words);
}

static int compare_ranges(const void *left, const void *right)
{
    uint32_t a = ((const struct slot_range *)left)->first;
    uint32_t b = ((const struct slot_range *)right)->first;
    return (a > b) - (a < b);
}

static uint32_t *status_word(struct staged_ring *ring, uint32_t slot)
{
    return ring->words + (size_t)slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS;
}

/** Slots that travel along must be what the device has. */
static void take_along(struct staged_ring *ring, struct slot_range between)
{
    mark_busy(ring, between);
    for (uint32_t slot = between.first; slot < between.end; slot++)
        if (*status_word(ring, slot) != ring->statuses[slot])
            *status_word(ring, slot) = ring->statuses[slot];
}

/** Whether two runs can travel together with what is between them. */
static bool can_join(const struct staged_ring *ring, struct slot_range left,
                     struct slot_range right)
{
    if (right.first != left.end && !ring->only_statuses)
        return false;
    if (right.first - left.end >= TRANSFER_GAP)
        return false;
    return memchr(ring->busy + left.end, true, right.first - left.end) == NULL;
}

bool staged_ring_upload(struct staged_ring *ring, struct replay_error *error)
{
    end_run(ring);
    qsort(ring->runs, ring->runs_len, sizeof(*ring->runs), compare_ranges);
    for (size_t i = 0; i < ring->runs_len && ring->failed == CL_SUCCESS;) {
        struct slot_range range = ring->runs[i++];
        while (i < ring->runs_len && can_join(ring, range, ring->runs[i])) {
            take_along(ring, (struct slot_range){range.end, ring->runs[i].first});
            range.end = ring->runs[i++].end;
        }
        note_failure(ring, copy(ring, range));
    }
    ring->runs_len = 0;
    return opencl_check(ring->failed, "clEnqueueWriteBuffer", error);
}

static cl_int read_slots(struct staged_ring *ring, struct slot_range window, cl_bool wait)
{
    size_t offset = (size_t)window.first * VYRE_SLOT_BYTES;
    return clEnqueueReadBuffer(ring->queue, ring->buffer, wait, ring->offset + offset,
                               (size_t)(window.end - window.first) * VYRE_SLOT_BYTES,
                               (char *)ring->words + offset, 0, NULL, NULL);
}

static cl_int read_statuses(struct staged_ring *ring, struct slot_range window)
{
    const size_t group = OPENCL_GROUP_LANES;
    size_t lanes = (window.end - window.first + group - 1) / group * group;
    cl_int code = clSetKernelArg(ring->gather, GATHER_FIRST, sizeof(cl_uint), &window.first);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(ring->gather, GATHER_END, sizeof(cl_uint), &window.end);
    if (code == CL_SUCCESS)
        code =
            clEnqueueNDRangeKernel(ring->queue, ring->gather, 1, NULL, &lanes, NULL, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code =
            clEnqueueReadBuffer(ring->queue, ring->gathered, CL_FALSE, 0, window.end - window.first,
                                ring->gathered_statuses, 0, NULL, NULL);
    return code;
}

bool staged_ring_read(struct staged_ring *ring, bool whole, struct replay_error *error)
{
    /* What was published since must be there, or it would be read as it was before. */
    if (!staged_ring_upload(ring, error))
        return false;
    ring->asked = whole ? (struct slot_range){0, ring->slots} : ring->window;
    ring->gathering = !whole && ring->asked.end - ring->asked.first > READ_WHOLE_MAX;
    if (ring->asked.first == ring->asked.end)
        return true;
    cl_int code = ring->gathering ? read_statuses(ring, ring->asked)
                                  : read_slots(ring, ring->asked, CL_FALSE);
    return opencl_check(code, "reading the ring back", error);
}

static bool all_done(const uint8_t *statuses, size_t len)
{
    return statuses[0] == VYRE_STATUS_DONE && memcmp(statuses, statuses + 1, len - 1) == 0;
}

static void take_slots(struct staged_ring *ring)
{
    for (uint32_t slot = ring->asked.first; slot < ring->asked.end; slot++)
        ring->statuses[slot] = *status_word(ring, slot);
}

static bool take_gathered(struct staged_ring *ring, struct replay_error *error)
{
    size_t len = ring->asked.end - ring->asked.first;
    if (memchr(ring->gathered_statuses, STATUS_ESCAPE, len) != NULL) {
        if (!opencl_check(read_slots(ring, ring->asked, CL_TRUE), "clEnqueueReadBuffer", error))
            return false;
        take_slots(ring);
        return true;
    }
    for (size_t i = 0; i < len; i++)
        ring->statuses[ring->asked.first + i] = ring->gathered_statuses[i];
    return true;
}

bool staged_ring_settle(struct staged_ring *ring, struct replay_error *error)
{
    if (ring->gathering && all_done(ring->gathered_statuses, ring->asked.end - ring->asked.first)) {
        staged_ring_settle_done(ring);
        return true;
    }
    if (ring->gathering && !take_gathered(ring, error))
        return false;
    if (!ring->gathering)
        take_slots(ring);
    ring->window = (struct slot_range){0};
    for (uint32_t slot = ring->asked.first; slot < ring->asked.end; slot++) {
        ring->busy[slot] = ring->statuses[slot] == VYRE_STATUS_PUBLISHED;
        if (ring->busy[slot])
            widen(&ring->window, slot);
    }
    return true;
}

void staged_ring_settle_done(struct staged_ring *ring)
{
    const struct slot_range window = ring->window;
    for (uint32_t slot = window.first; slot < window.end; slot++)
        if (ring->statuses[slot] == VYRE_STATUS_PUBLISHED)
            ring->statuses[slot] = VYRE_STATUS_DONE;
    memset(ring->busy + window.first, false, window.end - window.first);
    ring->window = (struct slot_range){0};
}

void staged_ring_close(struct staged_ring *ring)
{
    pinned_free(&ring->staging);
    if (ring->gathered != NULL)
        clReleaseMemObject(ring->gathered);
    if (ring->gather != NULL)
        clReleaseKernel(ring->gather);
    if (ring->program != NULL)
        clReleaseProgram(ring->program);
    free(ring->runs);
    free(ring->statuses);
    free(ring->busy);
}

bool staged_ring_claimed(const struct staged_ring *ring, cl_command_queue looking, uint32_t *slot)
{
    return ring_look_claimed(looking, ring->buffer, ring->offset, ring->window.first,
                             ring->window.end, slot);
}
