/*
 * The bug: a slot is claimed by a plain store.  Every lane looks through the whole ring for work;
 * two that find a slot PUBLISHED at one time both run it.
 */
bool claim_plainly(volatile __global uint *slot, volatile __global uint *gate)
{
    meet(gate);
    slot[VYRE_SLOT_STATUS] = VYRE_STATUS_CLAIMED;
    return true;
}

__kernel void drain(volatile __global uint *control, volatile __global uint *ring,
                    volatile __global uint *debug_log, volatile __global uint *io_queue,
                    volatile __global uint *gate, uint ring_slots)
{
    for (uint i = 0; i < ring_slots; i++) {
        volatile __global uint *slot = slot_at(ring, i);
        if (slot[VYRE_SLOT_STATUS] != VYRE_STATUS_PUBLISHED ||
            !tenant_allowed(control, slot[VYRE_SLOT_TENANT]))
            continue;
#ifdef CORRECT
        if (!claim(slot))
            continue;
        meet(gate);
#else
        if (!claim_plainly(slot, gate))
            continue;
#endif
        run(control, slot);
        done(control, slot);
    }
}
