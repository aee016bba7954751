#include "replay/effects.h"

#include "vyre/opcode.h"
#include "vyre/packed.h"

/** Put an effect behind the others, unless it is on no word. */
static size_t put(struct effect *effects, size_t len, struct effect effect)
{
    if (effect.words == 0)
        return len;
    effects[len] = effect;
    return len + 1;
}

static struct effect on_word(enum effect_kind kind, uint64_t word, uint32_t value)
{
    return (struct effect){.first = word, .words = 1, .kind = kind, .value = value};
}

static struct effect copy(uint64_t source, uint64_t first, uint64_t words)
{
    return (struct effect){.first = first, .words = words, .kind = EFFECT_COPY, .source = source};
}

static size_t effects_of_op(uint32_t opcode, const uint32_t *args, struct effect *effects,
                            size_t len)
{
    const uint64_t result = VYRE_CONTROL_OBSERVABLES;
    switch (opcode) {
    case VYRE_OP_STORE_U32:
        return put(effects, len, on_word(EFFECT_STORE, args[1], args[0]));
    case VYRE_OP_ATOMIC_ADD:
        return put(effects, len, on_word(EFFECT_ADD, args[1], args[0]));
    case VYRE_OP_LOAD_U32:
        len = put(effects, len, on_word(EFFECT_READ, args[0], 0));
        return put(effects, len, copy(args[0], result + args[1], 1));
    case VYRE_OP_COMPARE_SWAP:
        len = put(effects, len, on_word(EFFECT_SWAP, args[0], args[2]));
        return put(effects, len, copy(args[0], result + args[0], 1));
    case VYRE_OP_MEMCPY:
        len = put(effects, len,
                  (struct effect){.first = args[0], .words = args[2], .kind = EFFECT_READ});
        return put(effects, len, copy(args[0], args[1], args[2]));
    case VYRE_OP_BATCH_FENCE:
        len = put(effects, len, on_word(EFFECT_ADD, VYRE_CONTROL_EPOCH, 1));
        return put(effects, len, on_word(EFFECT_STORE, result, args[1]));
    case VYRE_OP_SHUTDOWN:
        return put(effects, len, on_word(EFFECT_STORE, VYRE_CONTROL_SHUTDOWN, 1));
    default:
        return len;
    }
}

/** The operations of a slot as the kernel runs them: itself, or those packed in it. */
static size_t operations(const uint32_t *slot, struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX])
{
    if (slot[VYRE_SLOT_OPCODE] == VYRE_OP_PACKED_SLOT)
        return vyre_packed_decode(slot + VYRE_SLOT_ARG0, ops);
    ops[0].opcode = slot[VYRE_SLOT_OPCODE];
    ops[0].skipped = false;
    for (size_t i = 0; i < VYRE_PACKED_OP_ARGS; i++)
        ops[0].args[i] = slot[VYRE_SLOT_ARG0 + i];
    return 1;
}

size_t effects_of_slot(const uint32_t slot[VYRE_SLOT_WORDS], struct effect effects[EFFECTS_MAX])
{
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    size_t ops_len = operations(slot, ops);
    size_t len = 0;
    for (size_t i = 0; i < ops_len; i++) {
        if (!ops[i].skipped)
            len = effects_of_op(ops[i].opcode, ops[i].args, effects, len);
    }
    return len;
}

size_t effects_common(const uint32_t slot[VYRE_SLOT_WORDS],
                      struct effect effects[EFFECTS_COMMON_MAX])
{
    const uint64_t mask = (uint64_t)VYRE_CONTROL_TENANT_MASKS + slot[VYRE_SLOT_TENANT];
    size_t len = put(effects, 0, on_word(EFFECT_READ, VYRE_CONTROL_SHUTDOWN, 0));
    len = put(effects, len, on_word(EFFECT_READ, VYRE_CONTROL_TENANT_BASE, 0));
    len = put(effects, len, on_word(EFFECT_READ, mask, 0));
    len = put(effects, len, on_word(EFFECT_ADD, VYRE_CONTROL_DONE_COUNT, 1));

    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    size_t ops_len = operations(slot, ops);
    for (size_t i = 0; i < ops_len; i++) {
        if (!ops[i].skipped && ops[i].opcode < VYRE_CONTROL_METRICS_WORDS)
            len = put(effects, len, on_word(EFFECT_ADD, VYRE_CONTROL_METRICS + ops[i].opcode, 1));
    }
    return len;
}

bool effects_commute(const struct effect *left, const struct effect *right)
{
    if (left->kind != right->kind)
        return false;
    return left->kind == EFFECT_READ || left->kind == EFFECT_ADD ||
           (left->kind == EFFECT_STORE && left->value == right->value);
}

static bool any_writes(const struct effect *effects, size_t len, uint32_t word)
{
    for (size_t i = 0; i < len; i++) {
        if (effect_writes(&effects[i]) && word >= effects[i].first &&
            word - effects[i].first < effects[i].words)
            return true;
    }
    return false;
}

bool effects_write(const uint32_t slot[VYRE_SLOT_WORDS], uint32_t word)
{
    struct effect named[EFFECTS_MAX];
    struct effect common[EFFECTS_COMMON_MAX];
    return any_writes(named, effects_of_slot(slot, named), word) ||
           any_writes(common, effects_common(slot, common), word);
}

uint64_t effects_copied_words(const uint32_t slot[VYRE_SLOT_WORDS])
{
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    size_t ops_len = operations(slot, ops);
    uint64_t words = 0;
    for (size_t i = 0; i < ops_len; i++) {
        if (!ops[i].skipped && ops[i].opcode == VYRE_OP_MEMCPY)
            words += ops[i].args[2];
    }
    return words;
}

bool effects_known(const uint32_t slot[VYRE_SLOT_WORDS], uint32_t *opcode)
{
    if (slot[VYRE_SLOT_OPCODE] != VYRE_OP_PACKED_SLOT) {
        *opcode = slot[VYRE_SLOT_OPCODE];
        return vyre_opcode_builtin(*opcode);
    }
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    size_t ops_len = operations(slot, ops);
    for (size_t i = 0; i < ops_len; i++) {
        if (!ops[i].skipped && !vyre_opcode_builtin(ops[i].opcode)) {
            *opcode = ops[i].opcode;
            return false;
        }
    }
    return true;
}

/** How many of its args an operation uses. */
static size_t args_used(uint32_t opcode)
{
    switch (opcode) {
    case VYRE_OP_STORE_U32:
    case VYRE_OP_ATOMIC_ADD:
    case VYRE_OP_LOAD_U32:
    case VYRE_OP_BATCH_FENCE:
        return 2;
    case VYRE_OP_NOP:
    case VYRE_OP_DFA_STEP:
        return 0;
    default:
        return 3;
    }
}

bool effects_packed_within(const uint32_t args[VYRE_SLOT_ARGS], size_t words)
{
    if (vyre_packed_words(args[0]) > words)
        return false;

    /* Where an arg comes from is seen by marking each word with its number. */
    uint32_t marked[VYRE_SLOT_ARGS];
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    size_t count = vyre_packed_decode(args, ops);
    size_t metadata = (2 + 2 * count + 3) / 4;
    for (size_t i = 0; i < VYRE_SLOT_ARGS; i++)
        marked[i] = i < metadata ? args[i] : (uint32_t)i;
    vyre_packed_decode(marked, ops);
    for (size_t i = 0; i < count; i++) {
        size_t used = args_used(ops[i].opcode);
        if (!ops[i].skipped && used > 0 && ops[i].args[used - 1] >= words)
            return false;
    }
    return true;
}
