#include "replay/reference.h"

#include <stddef.h>

#include "vyre/debug_log.h"
#include "vyre/packed.h"

static bool inside(const struct reference *reference, uint64_t word)
{
    return word < reference->control_words;
}

static bool tenant_allowed(const struct reference *reference, uint32_t tenant)
{
    uint64_t mask = (uint64_t)reference->control[VYRE_CONTROL_TENANT_BASE] + tenant;
    return inside(reference, mask) && reference->control[mask] != 0;
}

static void load(struct reference *reference, uint32_t from, uint32_t to)
{
    uint64_t result = (uint64_t)VYRE_CONTROL_OBSERVABLES + to;
    if (inside(reference, from) && inside(reference, result))
        reference->control[result] = reference->control[from];
}

static void compare_swap(struct reference *reference, uint32_t word, uint32_t expected,
                         uint32_t desired)
{
    uint64_t result = (uint64_t)VYRE_CONTROL_OBSERVABLES + word;
    if (!inside(reference, result))
        return;
    uint32_t old = reference->control[word];
    if (old == expected)
        reference->control[word] = desired;
    reference->control[result] = old;
}

/* Overlap is part of the rule: ascending, word by word. */
static void copy(struct reference *reference, uint32_t from, uint32_t to, uint32_t words)
{
    for (uint64_t i = 0; i < words; i++) {
        if (!inside(reference, from + i) || !inside(reference, to + i))
            return;
        reference->control[to + i] = reference->control[from + i];
    }
}

static void fence(struct reference *reference, uint32_t tag)
{
    reference->control[VYRE_CONTROL_EPOCH]++;
    if (inside(reference, VYRE_CONTROL_OBSERVABLES))
        reference->control[VYRE_CONTROL_OBSERVABLES] = tag;
}

static void run_op(struct reference *reference, uint32_t opcode, const uint32_t *args)
{
    uint32_t *control = reference->control;
    if (opcode < VYRE_CONTROL_METRICS_WORDS)
        control[VYRE_CONTROL_METRICS + opcode]++;

    switch (opcode) {
    case VYRE_OP_STORE_U32:
        if (inside(reference, args[1]))
            control[args[1]] = args[0];
        break;
    case VYRE_OP_ATOMIC_ADD:
        if (inside(reference, args[1]))
            control[args[1]] += args[0];
        break;
    case VYRE_OP_LOAD_U32:
        load(reference, args[0], args[1]);
        break;
    case VYRE_OP_COMPARE_SWAP:
        compare_swap(reference, args[0], args[1], args[2]);
        break;
    case VYRE_OP_MEMCPY:
        copy(reference, args[0], args[1], args[2]);
        break;
    case VYRE_OP_BATCH_FENCE:
        fence(reference, args[1]);
        break;
    default:
        break;
    }
}

static void run_packed(struct reference *reference, const uint32_t *args)
{
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    size_t count = vyre_packed_decode(args, ops);
    for (size_t i = 0; i < count; i++) {
        if (!ops[i].skipped)
            run_op(reference, ops[i].opcode, ops[i].args);
    }
}

bool reference_drain(struct reference *reference, uint32_t slot)
{
    uint32_t *words = reference->ring + (size_t)slot * VYRE_SLOT_WORDS;
    if (words[VYRE_SLOT_STATUS] != VYRE_STATUS_PUBLISHED ||
        !tenant_allowed(reference, words[VYRE_SLOT_TENANT]))
        return false;

    const uint32_t *args = words + VYRE_SLOT_ARG0;
    switch (words[VYRE_SLOT_OPCODE]) {
    case VYRE_OP_PACKED_SLOT:
        run_packed(reference, args);
        break;
    case VYRE_OP_PRINTF:
        vyre_debug_log_append(reference->debug_log, VYRE_DEBUG_LOG_WORDS,
                              &(struct vyre_debug_log_record){
                                  .fmt_id = args[0],
                                  .args = {args[1], args[2]},
                                  .slot_base = slot * VYRE_SLOT_WORDS,
                              });
        break;
    case VYRE_OP_SHUTDOWN:
        reference->control[VYRE_CONTROL_SHUTDOWN] = 1;
        break;
    default:
        run_op(reference, words[VYRE_SLOT_OPCODE], args);
        break;
    }
    reference->control[VYRE_CONTROL_DONE_COUNT]++;
    words[VYRE_SLOT_STATUS] = VYRE_STATUS_DONE;
    return true;
}
