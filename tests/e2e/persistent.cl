/*
 * The megakernel as one that never stops: its lanes go round the ring until SHUTDOWN.  Comes after
 * megakernel.cl.
 */
__kernel void vyre_persistent(volatile __global uint *control, volatile __global uint *ring_buffer,
                              volatile __global uint *debug_log, volatile __global uint *io_queue,
                              uint control_words, uint ring_slots)
{
    while (atomic_or(&control[VYRE_CONTROL_SHUTDOWN], 0u) == 0u) {
        for (size_t slot = get_global_id(0); slot < ring_slots; slot += get_global_size(0))
            vyre_drain(control, ring_buffer, debug_log, control_words, slot);
    }
}
