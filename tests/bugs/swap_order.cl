/*
 * The bug: each lane swaps when it gets there, so that of two slots which swap one word the faster
 * lane's wins.  Without it the first lane drains the ring, in the order of its slots.
 */
__kernel void drain(volatile __global uint *control, volatile __global uint *ring,
                    volatile __global uint *debug_log, volatile __global uint *io_queue,
                    volatile __global uint *gate, uint ring_slots)
{
    uint first = get_global_id(0);
    uint end = first + 1u;
#ifdef CORRECT
    if (first > 0u)
        return;
    end = get_global_size(0);
#endif
    for (uint i = first; i < end; i++) {
        volatile __global uint *slot = slot_at(ring, i);
        if (!take(control, slot))
            continue;
#ifndef CORRECT
        meet(gate + i % 32u);
#endif
        run(control, slot);
        done(control, slot);
    }
}
