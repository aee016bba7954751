/*
 * The bug: an addition of 1 takes a short cut, a load and a plain store.  What another lane adds
 * in between, atomically or not, is lost.
 */
void add(volatile __global uint *control, volatile __global uint *gate, uint value, uint word)
{
    atomic_inc(&control[VYRE_CONTROL_METRICS + VYRE_OP_ATOMIC_ADD]);
#ifndef CORRECT
    if (value == 1u) {
        uint old = control[word];
        meet(gate);
        control[word] = old + 1u;
        return;
    }
#endif
    meet(gate);
    atomic_add(&control[word], value);
}

__kernel void drain(volatile __global uint *control, volatile __global uint *ring,
                    volatile __global uint *debug_log, volatile __global uint *io_queue,
                    volatile __global uint *gate, uint ring_slots)
{
    volatile __global uint *slot = slot_at(ring, get_global_id(0));
    if (!take(control, slot))
        return;
    if (slot[VYRE_SLOT_OPCODE] == VYRE_OP_ATOMIC_ADD)
        add(control, gate, slot[VYRE_SLOT_ARG0], slot[VYRE_SLOT_ARG0 + 1u]);
    else
        run(control, slot);
    done(control, slot);
}
