/*
 * What the kernels with a seeded bug share: the right way to do each step of a slot.  It comes
 * after vyre_protocol.h and before the kernel.
 */

/* Turns of waiting for another lane, which may never come. */
#define MEET_TURNS (1u << 18)

/* Wait in a window until another lane is there, too; the other one does not wait.  This only makes
 * likely what may happen without it. */
void meet(volatile __global uint *gate)
{
    uint arrived = atomic_inc(gate) + 1u;
    for (uint i = 0; i < MEET_TURNS && arrived % 2u == 1u && *gate == arrived; i++)
        ;
}

volatile __global uint *slot_at(volatile __global uint *ring, uint slot)
{
    return ring + slot * VYRE_SLOT_WORDS;
}

bool tenant_allowed(volatile __global uint *control, uint tenant)
{
    return control[control[VYRE_CONTROL_TENANT_BASE] + tenant] != 0u;
}

bool claim(volatile __global uint *slot)
{
    return atomic_cmpxchg(&slot[VYRE_SLOT_STATUS], VYRE_STATUS_PUBLISHED, VYRE_STATUS_CLAIMED) ==
           VYRE_STATUS_PUBLISHED;
}

/* Whether the slot is the lane's now. */
bool take(volatile __global uint *control, volatile __global uint *slot)
{
    return slot[VYRE_SLOT_STATUS] == VYRE_STATUS_PUBLISHED &&
           tenant_allowed(control, slot[VYRE_SLOT_TENANT]) && claim(slot);
}

/* What the slot is there for.  An opcode that is missing here does nothing. */
void run(volatile __global uint *control, volatile __global uint *slot)
{
    uint opcode = slot[VYRE_SLOT_OPCODE];
    uint arg0 = slot[VYRE_SLOT_ARG0];
    uint arg1 = slot[VYRE_SLOT_ARG0 + 1u];
    if (opcode < VYRE_CONTROL_METRICS_WORDS)
        atomic_inc(&control[VYRE_CONTROL_METRICS + opcode]);
    switch (opcode) {
    case VYRE_OP_STORE_U32:
        atomic_xchg(&control[arg1], arg0);
        break;
    case VYRE_OP_ATOMIC_ADD:
        atomic_add(&control[arg1], arg0);
        break;
    case VYRE_OP_LOAD_U32:
        atomic_xchg(&control[VYRE_CONTROL_OBSERVABLES + arg1], control[arg0]);
        break;
    case VYRE_OP_COMPARE_SWAP:
        atomic_xchg(&control[VYRE_CONTROL_OBSERVABLES + arg0],
                    atomic_cmpxchg(&control[arg0], arg1, slot[VYRE_SLOT_ARG0 + 2u]));
        break;
    case VYRE_OP_BATCH_FENCE:
        atomic_inc(&control[VYRE_CONTROL_EPOCH]);
        atomic_xchg(&control[VYRE_CONTROL_OBSERVABLES], arg1);
        break;
    default:
        break;
    }
}

void done(volatile __global uint *control, volatile __global uint *slot)
{
    atomic_inc(&control[VYRE_CONTROL_DONE_COUNT]);
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    atomic_xchg(&slot[VYRE_SLOT_STATUS], VYRE_STATUS_DONE);
}
