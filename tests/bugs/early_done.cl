/*
 * The bug: a slot is DONE before it has done anything.  A LOAD whose fourth arg is the number of a
 * slot, from 1, waits until that one is DONE, and loads what is not there yet.
 */
#define WAIT_MAX (1u << 26)

void wait_for(volatile __global uint *slot)
{
    for (uint i = 0; i < WAIT_MAX; i++) {
        if (slot[VYRE_SLOT_STATUS] == VYRE_STATUS_DONE)
            return;
    }
}

__kernel void drain(volatile __global uint *control, volatile __global uint *ring,
                    volatile __global uint *debug_log, volatile __global uint *io_queue,
                    volatile __global uint *gate, uint ring_slots)
{
    volatile __global uint *slot = slot_at(ring, get_global_id(0));
    if (!take(control, slot))
        return;
    uint needed = slot[VYRE_SLOT_ARG0 + 3u];
    if (slot[VYRE_SLOT_OPCODE] == VYRE_OP_LOAD_U32 && needed > 0u) {
        wait_for(slot_at(ring, needed - 1u));
        run(control, slot);
        meet(gate);
        done(control, slot);
        return;
    }
#ifdef CORRECT
    meet(gate);
    run(control, slot);
    done(control, slot);
#else
    done(control, slot);
    meet(gate);
    run(control, slot);
#endif
}
