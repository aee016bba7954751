/*
 * resident_reached.cl - the resident kernel where lanes reach memory of the host while they run; comes
 * after resident.cl.
 *
 * The slots, the doorbell and all results go through that memory, and nothing through commands.  What
 * the lanes work on lies on the device: atomics do not reach as far as loads and stores do.  In each
 * round the lanes take what the host has put into their slots, and visit them; the group that is the
 * last to finish writes the results out.  RESIDENT_HOST_…: resident_mailbox.h.
 *
 * The way to the host takes a microsecond, so what can be is under way at the same time; and one
 * group alone, the first, listens there, as looks of more would be in each other's way.  It passes on
 * what it hears, and the others leave when it has: by SHUTDOWN alone they would miss what is on its
 * way yet.
 */
#ifdef RESIDENT_REACHED

#ifdef __OPENCL_MEMORY_SCOPE_ALL_SVM_DEVICES
#define RESIDENT_SYSTEM ((memory_scope)__OPENCL_MEMORY_SCOPE_ALL_SVM_DEVICES)
#else
#define RESIDENT_SYSTEM memory_scope_all_svm_devices
#endif

/* Vectors that a lane has under way at a time. */
#define RESIDENT_AT_A_TIME 8u

/* Looks at the doorbell for each at the word that tells to leave. */
#define RESIDENT_LOOKS 8u

/* Between what is loaded from the host's memory, or stored there, before and after. */
void resident_fence_host(void)
{
    atomic_work_item_fence(CLK_GLOBAL_MEM_FENCE, memory_order_seq_cst, RESIDENT_SYSTEM);
}

/* The same of the device's. */
void resident_fence_device(void)
{
    atomic_work_item_fence(CLK_GLOBAL_MEM_FENCE, memory_order_seq_cst, memory_scope_device);
}

/* Returns doorbell, first and end; a doorbell that was heard before when it is time to leave, as a
 * word says. */
uint4 resident_listen(volatile __global uint *from, volatile __global uint *leave, uint heard,
                      uint patience)
{
    uint4 words = (uint4)(heard, 0u, 0u, 0u);
    for (uint i = 0u, leaving = 0u; patience == 0u || i < patience; i++) {
        words = *(volatile __global uint4 *)from;
        if (words.x != heard && words.w == RESIDENT_CHECK_OF(words.x, words.y, words.z))
            return words;
        /* Whoever says so rang before, if ever: a last round is not missed. */
        if (leaving != 0u)
            break;
        if (i % RESIDENT_LOOKS == 0u)
            leaving = resident_look(leave);
    }
    words.x = heard;
    return words;
}

/* By all lanes of a group. */
void resident_write_out(volatile __global uint *to, volatile __global uint *from, uint words)
{
    volatile __global uint4 *to4 = (volatile __global uint4 *)to;
    volatile __global uint4 *from4 = (volatile __global uint4 *)from;
    uint lane = (uint)get_local_id(0);
    uint lanes = (uint)get_local_size(0);
    uint whole = words / 4u;
    for (uint first = lane; first < whole; first += lanes * RESIDENT_AT_A_TIME) {
        uint4 some[RESIDENT_AT_A_TIME];
#pragma unroll
        for (uint i = 0u; i < RESIDENT_AT_A_TIME; i++)
            some[i] = from4[min(first + i * lanes, whole - 1u)];
#pragma unroll
        for (uint i = 0u; i < RESIDENT_AT_A_TIME; i++)
            if (first + i * lanes < whole)
                to4[first + i * lanes] = some[i];
    }
    for (uint word = whole * 4u + lane; word < words; word += lanes)
        to[word] = from[word];
}

/*
 * Take into the ring what the host has put into slots: of a group's as many as it has lanes.  Side by
 * side in the host's memory, so that a vector is a quarter of a slot; what is not new is dropped
 * again.
 */
void resident_take(volatile __global uint *ring_buffer, volatile __global uint *taken,
                   volatile __global uint *slots, size_t base, size_t end, __local uint *before,
                   __local uint *is_new)
{
    volatile __global uint4 *from = (volatile __global uint4 *)slots + base * 4u;
    volatile __global uint4 *to = (volatile __global uint4 *)ring_buffer + base * 4u;
    size_t lane = get_local_id(0);
    size_t lanes = get_local_size(0);
    size_t count = min(end - base, lanes);
    uint4 quarters[4];
#pragma unroll
    for (uint i = 0u; i < 4u; i++)
        quarters[i] = from[min(lane + i * lanes, count * 4u - 1u)];
    if (lane < count)
        before[lane] = taken[base + lane];
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (uint i = 0u; i < 4u; i++) {
        size_t at = lane + i * lanes;
        if (at < count * 4u && at % 4u == 0u) {
            uint put = quarters[i].x;
            is_new[at / 4u] = put != 0u && put != before[at / 4u];
            taken[base + at / 4u] = put;
            quarters[i].x = VYRE_STATUS_PUBLISHED;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (uint i = 0u; i < 4u; i++) {
        size_t at = lane + i * lanes;
        if (at < count * 4u && is_new[at / 4u] != 0u)
            to[at] = quarters[i];
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
}

__kernel void vyre_resident_reached(volatile __global uint *control,
                                    volatile __global uint *ring_buffer,
                                    volatile __global uint *debug_log,
                                    volatile __global uint *io_queue, uint control_words,
                                    uint ring_slots, volatile __global uint *mailbox, uint patience,
                                    volatile __global uint *host, volatile __global uint *taken)
{
    __local uint rank;
    __local uint groups;
    __local uint4 words;
    __local uint finished;
    __local uint unfinished;
    __local uint before[RESIDENT_GROUP_LANES_MAX];
    __local uint is_new[RESIDENT_GROUP_LANES_MAX];
    volatile __global uint *statuses = host + RESIDENT_HOST_STATUSES(control_words);
    volatile __global uint *slots = host + RESIDENT_HOST_SLOTS(control_words, ring_slots);
    size_t lane = get_local_id(0);
    size_t lanes = get_local_size(0);
    if (!resident_enlist(mailbox, patience, &rank, &groups) ||
        control_words < VYRE_CONTROL_WORDS_MIN)
        return;

    for (uint heard = 0u;;) {
        if (lane == 0) {
            if (rank == 0u) {
                words = resident_listen(host, &control[VYRE_CONTROL_SHUTDOWN], heard, patience);
                resident_fence_host();
                *(volatile __global uint4 *)mailbox = words;
            } else {
                words = resident_listen(mailbox, &mailbox[RESIDENT_LEFT], heard, patience);
                resident_fence_device();
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (words.x == heard) {
            if (lane == 0 && rank == 0u)
                resident_store(&mailbox[RESIDENT_LEFT], 1u);
            return;
        }
        heard = words.x;

        size_t end = min(words.z, ring_slots);
        for (size_t base = words.y + rank * lanes; base < end; base += groups * lanes) {
            resident_take(ring_buffer, taken, slots, base, end, before, is_new);
            size_t number = base + lane;
            if (number >= end)
                continue;
            vyre_drain(control, ring_buffer, debug_log, control_words, number);
            uint status = ring_buffer[number * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS];
            if (status != VYRE_STATUS_DONE && status != VYRE_STATUS_EMPTY)
                atomic_inc(&mailbox[RESIDENT_UNFINISHED]);
        }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (lane == 0) {
            finished = resident_add(&mailbox[RESIDENT_FINISHED], 1u) + 1u;
            unfinished = mailbox[RESIDENT_UNFINISHED];
        }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (finished != heard * groups)
            continue;

        resident_fence_device();
        resident_write_out(host + RESIDENT_HOST_CONTROL, control, control_words);
        resident_write_out(host + RESIDENT_HOST_DEBUG_LOG(control_words), debug_log,
                           VYRE_DEBUG_LOG_WORDS);
        for (size_t number = words.y + lane; unfinished != 0u && number < end; number += lanes)
            statuses[number] = ring_buffer[number * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS];
        if (lane == 0 && unfinished != 0u) {
            host[RESIDENT_STATUSES_SEEN] = heard;
            mailbox[RESIDENT_UNFINISHED] = 0u;
        }
        resident_fence_host();
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (lane == 0)
            host[RESIDENT_SEEN] = heard;
    }
}

#endif
