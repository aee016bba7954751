/*
 * megakernel.cl - the vyre megakernel in OpenCL C 1.2, sharded, "once".
 *
 *   __kernel void vyre_megakernel(
 *       __global uint *control,      argument 0, control_words words
 *       __global uint *ring_buffer,  argument 1, ring_slots slots of 16 words
 *       __global uint *debug_log,    argument 2, 257 words
 *       __global uint *io_queue,     argument 3, 64 x 8 words
 *       uint control_words,          argument 4, at least 160
 *       uint ring_slots)             argument 5
 *
 * One dimension.  Lane i, by its global id, owns slot i: it drains that slot
 * once if it is PUBLISHED and its tenant is not masked, and returns.  Lanes past
 * ring_slots do nothing, so the global size may be rounded up; a global offset
 * drains a window of the ring.
 *
 * The constants come from vyre_protocol.h, which the build puts before this
 * text: the installed megakernel.cl needs no other file and no build option.
 *
 * It is safe whatever the buffers hold.  Every index is taken into a private
 * variable, checked, and only then used.  An operation that names a word outside
 * the control buffer (for LOAD and COMPARE_SWAP: either of its two words) does
 * nothing, and MEMCPY copies as many words as are there from both its addresses
 * to the end of the buffer.  A tenant whose mask would lie outside is masked.
 *
 * It is built without the IO queue: LOAD_MISS is an opcode that nothing handles, claimed and DONE
 * with no effect.  So are user opcodes, unless VYRE_HANDLERS is defined: then the function
 * vyre_handler(), which follows this text, is called with each of them and its args.
 * DFA_STEP has no body either.  Once kernels do not look at SHUTDOWN.
 */

#ifdef VYRE_HANDLERS
void vyre_handler(volatile __global uint *control, uint control_words, uint opcode,
                  const uint *args);

/* Of a packed operation three args are known, the others are 0. */
void vyre_user_operation(volatile __global uint *control, uint control_words, uint opcode,
                         volatile __global uint *args, uint args_len)
{
    uint copy[VYRE_SLOT_ARGS];
    for (uint i = 0; i < VYRE_SLOT_ARGS; i++)
        copy[i] = i < args_len ? args[i] : 0u;
    vyre_handler(control, control_words, opcode, copy);
}
#endif

void vyre_load(volatile __global uint *control, uint control_words, uint from, uint result)
{
    if (from >= control_words || result >= control_words - VYRE_CONTROL_OBSERVABLES)
        return;
    uint value = control[from];
    atomic_xchg(&control[VYRE_CONTROL_OBSERVABLES + result], value);
}

void vyre_compare_swap(volatile __global uint *control, uint control_words, uint word,
                       uint expected, uint desired)
{
    if (word >= control_words - VYRE_CONTROL_OBSERVABLES)
        return;
    uint old = atomic_cmpxchg(&control[word], expected, desired);
    atomic_xchg(&control[VYRE_CONTROL_OBSERVABLES + word], old);
}

void vyre_memcpy(volatile __global uint *control, uint control_words, uint from, uint to,
                 uint words)
{
    if (from >= control_words || to >= control_words)
        return;
    words = min(words, control_words - max(from, to));
    for (uint i = 0; i < words; i++)
        control[to + i] = control[from + i];
}

/* An operation that packed slots may hold, too; opcodes that nothing handles do nothing. */
void vyre_operation(volatile __global uint *control, uint control_words, uint opcode, uint arg0,
                    uint arg1, uint arg2)
{
    if (opcode < VYRE_CONTROL_METRICS_WORDS)
        atomic_inc(&control[VYRE_CONTROL_METRICS + opcode]);

    switch (opcode) {
    case VYRE_OP_STORE_U32:
        if (arg1 < control_words)
            atomic_xchg(&control[arg1], arg0);
        break;
    case VYRE_OP_ATOMIC_ADD:
        if (arg1 < control_words)
            atomic_add(&control[arg1], arg0);
        break;
    case VYRE_OP_LOAD_U32:
        vyre_load(control, control_words, arg0, arg1);
        break;
    case VYRE_OP_COMPARE_SWAP:
        vyre_compare_swap(control, control_words, arg0, arg1, arg2);
        break;
    case VYRE_OP_MEMCPY:
        vyre_memcpy(control, control_words, arg0, arg1, arg2);
        break;
    case VYRE_OP_BATCH_FENCE:
        atomic_inc(&control[VYRE_CONTROL_EPOCH]);
        if (VYRE_CONTROL_OBSERVABLES < control_words)
            atomic_xchg(&control[VYRE_CONTROL_OBSERVABLES], arg1);
        break;
    default:
        break;
    }
}

/* Byte 0 the count of operations, byte 1 unused here, then an opcode and an
 * offset in words for each, padded to a whole word; then the words of the args. */
void vyre_packed_slot(volatile __global uint *control, uint control_words,
                      volatile __global uint *args)
{
    uint count = min(args[0] & 0xFFu, VYRE_PACKED_OPS_MAX);
    uint first_arg = (2u + 2u * count + 3u) / 4u;

    for (uint i = 0; i < count; i++) {
        uint byte = 2u + 2u * i;
        uint entry = args[byte / 4u] >> (byte % 4u * 8u);
        uint arg = first_arg + (entry >> 8 & 0xFFu);
        if (arg + VYRE_PACKED_OP_ARGS > VYRE_SLOT_ARGS)
            continue;
        vyre_operation(control, control_words, entry & 0xFFu, args[arg], args[arg + 1u],
                       args[arg + 2u]);
#ifdef VYRE_HANDLERS
        vyre_user_operation(control, control_words, entry & 0xFFu, args + arg,
                            VYRE_PACKED_OP_ARGS);
#endif
    }
}

/* A record that finds no room is dropped; the cursor counts it all the same. */
void vyre_printf(volatile __global uint *debug_log, uint arg0, uint arg1, uint arg2,
                 uint slot_base)
{
    uint room = VYRE_DEBUG_LOG_WORDS - 1u - VYRE_DEBUG_LOG_RECORD_WORDS;
    uint cursor = atomic_add(&debug_log[0], VYRE_DEBUG_LOG_RECORD_WORDS);
    if (cursor > room)
        return;
    debug_log[1u + cursor] = arg0;
    debug_log[2u + cursor] = arg1;
    debug_log[3u + cursor] = arg2;
    debug_log[4u + cursor] = slot_base;
}

/* Drain the slot of that number, if it is PUBLISHED and its tenant is not masked. */
void vyre_drain(volatile __global uint *control, volatile __global uint *ring_buffer,
                volatile __global uint *debug_log, uint control_words, size_t number)
{
    volatile __global uint *slot = ring_buffer + number * VYRE_SLOT_WORDS;
    if (slot[VYRE_SLOT_STATUS] != VYRE_STATUS_PUBLISHED)
        return;

    uint tenant = slot[VYRE_SLOT_TENANT];
    uint tenant_base = control[VYRE_CONTROL_TENANT_BASE];
    if (tenant_base >= control_words || tenant >= control_words - tenant_base)
        return;
    if (control[tenant_base + tenant] == 0u)
        return;
    if (atomic_cmpxchg(&slot[VYRE_SLOT_STATUS], VYRE_STATUS_PUBLISHED, VYRE_STATUS_CLAIMED) !=
        VYRE_STATUS_PUBLISHED)
        return;

    uint opcode = slot[VYRE_SLOT_OPCODE];
    uint arg0 = slot[VYRE_SLOT_ARG0];
    uint arg1 = slot[VYRE_SLOT_ARG0 + 1u];
    uint arg2 = slot[VYRE_SLOT_ARG0 + 2u];
    switch (opcode) {
    case VYRE_OP_PACKED_SLOT:
        vyre_packed_slot(control, control_words, slot + VYRE_SLOT_ARG0);
        break;
    case VYRE_OP_PRINTF:
        vyre_printf(debug_log, arg0, arg1, arg2, (uint)number * VYRE_SLOT_WORDS);
        break;
    case VYRE_OP_SHUTDOWN:
        atomic_xchg(&control[VYRE_CONTROL_SHUTDOWN], 1u);
        break;
    default:
        vyre_operation(control, control_words, opcode, arg0, arg1, arg2);
#ifdef VYRE_HANDLERS
        vyre_user_operation(control, control_words, opcode, slot + VYRE_SLOT_ARG0, VYRE_SLOT_ARGS);
#endif
        break;
    }

    atomic_inc(&control[VYRE_CONTROL_DONE_COUNT]);
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    atomic_xchg(&slot[VYRE_SLOT_STATUS], VYRE_STATUS_DONE);
}

__kernel void vyre_megakernel(volatile __global uint *control, volatile __global uint *ring_buffer,
                              volatile __global uint *debug_log, volatile __global uint *io_queue,
                              uint control_words, uint ring_slots)
{
    size_t lane = get_global_id(0);
    if (lane >= ring_slots || control_words < VYRE_CONTROL_WORDS_MIN)
        return;
    vyre_drain(control, ring_buffer, debug_log, control_words, lane);
}
