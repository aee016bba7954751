#include "replay/fed_ring.h"

#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>

#include "replay/words.h"

#define WORD sizeof(cl_uint)
static bool is_drained(cl_uint status)
{
    return status != VYRE_STATUS_PUBLISHED && status != VYRE_STATUS_CLAIMED;
}

bool fed_ring_open(struct fed_ring *ring, cl_command_queue queue, cl_mem buffer, size_t offset,
                   uint32_t slots, struct replay_error *error)
{
    ring->queue = queue;
    ring->buffer = buffer;
    ring->offset = offset;
    ring->slots = slots;
    ring->words = calloc(slots, VYRE_SLOT_BYTES);
    ring->statuses = calloc(slots, WORD);
    ring->looked_at = calloc(slots, WORD);
    return (ring->words != NULL && ring->statuses != NULL && ring->looked_at != NULL &&
            active_init(&ring->waiting, slots) && active_init(&ring->flying, slots)) ||
           replay_fail_memory(error);
}

void fed_ring_close(struct fed_ring *ring)
{
    active_free(&ring->waiting);
    active_free(&ring->flying);
    free(ring->words);
    free(ring->statuses);
    free(ring->looked_at);
}

void fed_ring_publish(struct fed_ring *ring, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    memcpy(ring->words + (size_t)slot * VYRE_SLOT_WORDS, words, VYRE_SLOT_BYTES);
    ring->statuses[slot] = words[VYRE_SLOT_STATUS];
    active_add(&ring->waiting, slot);
}

/** Read the statuses of all slots; of those that wait here only the device's own are meant. */
static bool read_statuses(const struct fed_ring *ring, cl_command_queue queue, cl_uint *statuses,
                          cl_bool wait, cl_event *event, struct replay_error *error)
{
    const size_t from[3] = {ring->offset, 0, 0};
    const size_t to[3] = {0, 0, 0};
    const size_t region[3] = {WORD, ring->slots, 1};
    return opencl_check(clEnqueueReadBufferRect(queue, ring->buffer, wait, from, to, region,
                                                VYRE_SLOT_BYTES, 0, WORD, 0, statuses, 0, NULL,
                                                event),
                        "clEnqueueReadBufferRect", error);
}

bool fed_ring_look(struct fed_ring *ring, struct replay_error *error)
{
    if (!read_statuses(ring, ring->queue, ring->statuses, CL_TRUE, NULL, error))
        return false;
    struct active *flying = &ring->flying;
    size_t kept = 0;
    for (size_t i = 0; i < flying->len; i++) {
        uint32_t slot = flying->slots[i];
        flying->listed[slot] = !is_drained(ring->statuses[slot]);
        if (flying->listed[slot])
            flying->slots[kept++] = slot;
    }
    flying->len = kept;
    for (size_t i = 0; i < ring->waiting.len; i++) {
        uint32_t slot = ring->waiting.slots[i];
        ring->statuses[slot] = ring->words[(size_t)slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS];
    }
    return true;
}

bool fed_ring_must_wait(const struct fed_ring *ring)
{
    for (size_t i = 0; i < ring->waiting.len; i++)
        if (ring->flying.listed[ring->waiting.slots[i]])
            return true;
    return false;
}

/** Copy a part of neighbouring slots. */
static bool copy_part(const struct fed_ring *ring, uint32_t first, uint32_t slots, size_t from,
                      size_t bytes, struct replay_error *error)
{
    const size_t there[3] = {ring->offset + (size_t)first * VYRE_SLOT_BYTES + from, 0, 0};
    const size_t here[3] = {(size_t)first * VYRE_SLOT_BYTES + from, 0, 0};
    const size_t region[3] = {bytes, slots, 1};
    return opencl_check(clEnqueueWriteBufferRect(ring->queue, ring->buffer, CL_FALSE, there, here,
                                                 region, VYRE_SLOT_BYTES, 0, VYRE_SLOT_BYTES, 0,
                                                 ring->words, 0, NULL, NULL),
                        "clEnqueueWriteBufferRect", error);
}

static bool copy_runs(const struct fed_ring *ring, size_t from, size_t bytes,
                      struct replay_error *error)
{
    const struct active *waiting = &ring->waiting;
    for (size_t i = 0; i < waiting->len;) {
        size_t end = i + 1;
        while (end < waiting->len && waiting->slots[end] == waiting->slots[end - 1] + 1)
            end++;
        if (!copy_part(ring, waiting->slots[i], (uint32_t)(end - i), from, bytes, error))
            return false;
        i = end;
    }
    return true;
}

bool fed_ring_copy(struct fed_ring *ring, struct replay_error *error)
{
    struct active *waiting = &ring->waiting;
    qsort(waiting->slots, waiting->len, sizeof(*waiting->slots), compare_words);
    /* A lane that sees a slot PUBLISHED must see the rest of it: it comes first.  Of the status
     * only the byte that can differ: a CPU's memcpy() may store longer ones twice, and the second
     * time over a lane's DONE. */
    if (!copy_runs(ring, WORD, VYRE_SLOT_BYTES - WORD, error) ||
        !copy_runs(ring, VYRE_SLOT_STATUS * WORD, 1, error) ||
        !opencl_check(clFinish(ring->queue), "clFinish", error))
        return false;
    for (size_t i = 0; i < waiting->len; i++) {
        uint32_t slot = waiting->slots[i];
        if (!is_drained(ring->words[(size_t)slot * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS]))
            active_add(&ring->flying, slot);
    }
    active_clear(waiting);
    return true;
}

bool fed_ring_has_come(const struct fed_ring *ring, const struct backend_goal *goal)
{
    for (size_t i = 0; i < ring->flying.len; i++) {
        uint32_t slot = ring->flying.slots[i];
        if (goal->at_rest || (goal->ring != NULL && timeline_observed_slot(goal->ring, slot) &&
                              !timeline_observed_published(goal->ring, slot)))
            return false;
    }
    return true;
}

bool fed_ring_is_claimed(const struct fed_ring *ring)
{
    for (size_t i = 0; i < ring->flying.len; i++)
        if (ring->statuses[ring->flying.slots[i]] == VYRE_STATUS_CLAIMED)
            return true;
    return false;
}

bool fed_ring_claimed(struct fed_ring *ring, cl_command_queue looking, uint32_t *slot)
{
    struct replay_error ignored;
    cl_event read;
    if (!read_statuses(ring, looking, ring->looked_at, CL_FALSE, &read, &ignored) ||
        !opencl_wait_briefly(looking, read))
        return false;
    for (*slot = 0; *slot < ring->slots; ++*slot)
        if (ring->looked_at[*slot] == VYRE_STATUS_CLAIMED)
            return true;
    return false;
}
