/*
 * The bug: tenants are counted from 1 here and from 0 by the host, so that each gets its neighbour's
 * mask, and the last one the word behind the masks: it is masked.
 */
__kernel void drain(volatile __global uint *control, volatile __global uint *ring,
                    volatile __global uint *debug_log, volatile __global uint *io_queue,
                    volatile __global uint *gate, uint ring_slots)
{
    volatile __global uint *slot = slot_at(ring, get_global_id(0));
    uint tenant = slot[VYRE_SLOT_TENANT];
#ifndef CORRECT
    tenant++;
#endif
    if (slot[VYRE_SLOT_STATUS] != VYRE_STATUS_PUBLISHED || !tenant_allowed(control, tenant) ||
        !claim(slot))
        return;
    run(control, slot);
    done(control, slot);
}
