/*
 * resident.cl - the megakernel as a resident one; comes after megakernel.cl and resident_mailbox.h.
 *
 * One launch for a whole run.  The host puts slots into the ring and rings the doorbell; then each
 * lane visits its slots once, as a launch of the "once" kernel would, and its group says that it
 * has finished.  So the payload is there first, and the doorbell is what is written last.
 *
 * A device need not run all work-groups at a time.  Those that do enlist, and the host decides how
 * many stay; the slots are shared among these, and groups that come later leave at once.  Lanes also
 * leave when they find nothing to do and SHUTDOWN set.
 *
 * RESIDENT_ALL_DEVICES: host and lanes share memory, and atomics of that scope order what they do.
 * Otherwise everything comes and goes by copies, and the scope is the device; where its OpenCL C has
 * no atomics that order, fences stand in for them.
 *
 * A patience of 0 is endless; otherwise lanes that looked so often in vain leave.
 */

#ifdef RESIDENT_ALL_DEVICES
#ifndef __opencl_c_atomic_scope_all_devices
/* PoCL 3.1 says that its devices have the scope, but its header lacks the name. */
#define memory_scope_all_svm_devices ((memory_scope)__OPENCL_MEMORY_SCOPE_ALL_SVM_DEVICES)
#endif
#define RESIDENT_SCOPE memory_scope_all_svm_devices
#elif defined(__opencl_c_atomic_order_acq_rel) && defined(__opencl_c_atomic_scope_device)
#define RESIDENT_SCOPE memory_scope_device
#endif

#ifdef RESIDENT_SCOPE
uint resident_look(volatile __global uint *word)
{
    return atomic_load_explicit((volatile __global atomic_uint *)word, memory_order_acquire,
                                RESIDENT_SCOPE);
}

void resident_store(volatile __global uint *word, uint value)
{
    atomic_store_explicit((volatile __global atomic_uint *)word, value, memory_order_release,
                          RESIDENT_SCOPE);
}

uint resident_add(volatile __global uint *word, uint value)
{
    return atomic_fetch_add_explicit((volatile __global atomic_uint *)word, value,
                                     memory_order_acq_rel, RESIDENT_SCOPE);
}
#else
uint resident_look(volatile __global uint *word)
{
    uint value = *word;
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    return value;
}

void resident_store(volatile __global uint *word, uint value)
{
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    atomic_xchg(word, value);
}

uint resident_add(volatile __global uint *word, uint value)
{
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    return atomic_add(word, value);
}
#endif

/* By all lanes of a group.  Returns whether it stays. */
bool resident_enlist(volatile __global uint *mailbox, uint patience, __local uint *rank,
                     __local uint *groups)
{
    if (get_local_id(0) == 0) {
        *rank = resident_add(&mailbox[RESIDENT_ENLISTED], 1u);
        *groups = 0u;
        for (uint i = 0u; *groups == 0u && (patience == 0u || i < patience); i++)
            *groups = resident_look(&mailbox[RESIDENT_GROUPS]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return *rank < *groups;
}

/* Returns what was heard before when it is time to leave. */
uint resident_hear(volatile __global uint *control, volatile __global uint *mailbox, uint heard,
                   uint patience)
{
    for (uint i = 0u; patience == 0u || i < patience; i++) {
        /* In this order, so that a round in which SHUTDOWN was set is not missed. */
        uint shutdown = resident_look(&control[VYRE_CONTROL_SHUTDOWN]);
        uint doorbell = resident_look(&mailbox[RESIDENT_DOORBELL]);
        if (doorbell != heard || shutdown != 0u)
            return doorbell;
    }
    return heard;
}

__kernel void vyre_resident(volatile __global uint *control, volatile __global uint *ring_buffer,
                            volatile __global uint *debug_log, volatile __global uint *io_queue,
                            uint control_words, uint ring_slots, volatile __global uint *mailbox,
                            uint patience)
{
    __local uint rank;
    __local uint groups;
    __local uint doorbell;
    size_t lane = get_local_id(0);
    if (!resident_enlist(mailbox, patience, &rank, &groups) ||
        control_words < VYRE_CONTROL_WORDS_MIN)
        return;

    for (uint heard = 0u;;) {
        if (lane == 0)
            doorbell = resident_hear(control, mailbox, heard, patience);
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (doorbell == heard) {
            if (lane == 0)
                resident_add(&mailbox[RESIDENT_LEFT], 1u);
            return;
        }
        heard = doorbell;

        size_t end = min(mailbox[RESIDENT_END], ring_slots);
        size_t number = mailbox[RESIDENT_FIRST] + rank * get_local_size(0) + lane;
        for (; number < end; number += groups * get_local_size(0)) {
            vyre_drain(control, ring_buffer, debug_log, control_words, number);
            uint status = ring_buffer[number * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS];
            if (status != VYRE_STATUS_DONE && status != VYRE_STATUS_EMPTY)
                atomic_inc(&mailbox[RESIDENT_UNFINISHED]);
        }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (lane == 0)
            resident_add(&mailbox[RESIDENT_FINISHED], 1u);
    }
}

/*
 * One lane that stands for the host where all goes by copies: it comes after the copies of the slots
 * and before those of the results, rings, and waits until all groups have finished or its patience
 * ends.  Ringing again does no harm.
 */
__kernel void vyre_ring(volatile __global uint *mailbox, uint doorbell, uint first, uint end,
                        uint patience)
{
    mailbox[RESIDENT_FIRST] = first;
    mailbox[RESIDENT_END] = end;
    resident_store(&mailbox[RESIDENT_DOORBELL], doorbell);
    uint finished = doorbell * resident_look(&mailbox[RESIDENT_GROUPS]);
    for (uint i = 0u; i < patience; i++) {
        if (resident_look(&mailbox[RESIDENT_FINISHED]) == finished) {
            mailbox[RESIDENT_SEEN] = doorbell;
            return;
        }
    }
}
