#include "attach/filter_code.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#else
#define MACHINE AUDIT_ARCH_AARCH64
#endif
/** Of all ways through a filter together. */
#define STEPS_MAX 200000u

/** Arguments and where the call is made are not known. */
struct value {
    bool known;
    uint32_t number;
};

/** On one of the ways. */
struct place {
    size_t at;
    struct value a;
    struct value x;
    struct value memory[BPF_MEMWORDS];
};

struct walk {
    const struct sock_filter *code;
    size_t len;
    uint32_t number;
    unsigned steps;
};

static struct value known(uint32_t number)
{
    return (struct value){true, number};
}

static struct value load(const struct walk *walk, const struct place *place,
                         const struct sock_filter *instruction)
{
    switch (BPF_MODE(instruction->code)) {
    case BPF_IMM:
        return known(instruction->k);
    case BPF_LEN:
        return known(sizeof(struct seccomp_data));
    case BPF_MEM:
        return instruction->k < BPF_MEMWORDS ? place->memory[instruction->k] : (struct value){0};
    case BPF_ABS:
        if (instruction->k == offsetof(struct seccomp_data, nr))
            return known(walk->number);
        if (instruction->k == offsetof(struct seccomp_data, arch))
            return known(MACHINE);
        return (struct value){0};
    default:
        return (struct value){0};
    }
}

static struct value operand(const struct place *place, const struct sock_filter *instruction)
{
    return BPF_SRC(instruction->code) == BPF_X ? place->x : known(instruction->k);
}

static struct value compute(unsigned operation, struct value a, struct value b)
{
    if (operation == BPF_NEG)
        return (struct value){a.known, 0u - a.number};
    if (!a.known || !b.known)
        return (struct value){0};
    switch (operation) {
    case BPF_ADD:
        return known(a.number + b.number);
    case BPF_SUB:
        return known(a.number - b.number);
    case BPF_MUL:
        return known(a.number * b.number);
    case BPF_OR:
        return known(a.number | b.number);
    case BPF_AND:
        return known(a.number & b.number);
    case BPF_XOR:
        return known(a.number ^ b.number);
    case BPF_LSH:
        return known(b.number < 32 ? a.number << b.number : 0);
    case BPF_RSH:
        return known(b.number < 32 ? a.number >> b.number : 0);
    default:
        return b.number == 0 ? (struct value){0} : known(a.number / b.number);
    }
}

static bool holds(unsigned condition, uint32_t a, uint32_t b)
{
    switch (condition) {
    case BPF_JEQ:
        return a == b;
    case BPF_JGT:
        return a > b;
    case BPF_JGE:
        return a >= b;
    default:
        return (a & b) != 0;
    }
}

static bool spares(struct value action)
{
    if (!action.known)
        return false;
    switch (action.number & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ERRNO:
        return true;
    default:
        return false;
    }
}

/** What neither jumps nor ends. */
static bool step(const struct walk *walk, struct place *place,
                 const struct sock_filter *instruction)
{
    switch (BPF_CLASS(instruction->code)) {
    case BPF_LD:
        place->a = load(walk, place, instruction);
        return true;
    case BPF_LDX:
        place->x = load(walk, place, instruction);
        return true;
    case BPF_ST:
    case BPF_STX:
        if (instruction->k >= BPF_MEMWORDS)
            return false;
        place->memory[instruction->k] =
            BPF_CLASS(instruction->code) == BPF_ST ? place->a : place->x;
        return true;
    case BPF_ALU: {
        struct value b = operand(place, instruction);
        /* Who divides by 0 is ended. */
        if (BPF_OP(instruction->code) == BPF_DIV && (!b.known || b.number == 0))
            return false;
        place->a = compute(BPF_OP(instruction->code), place->a, b);
        return true;
    }
    default:
        if (BPF_MISCOP(instruction->code) == BPF_TAX)
            place->x = place->a;
        else
            place->a = place->x;
        return true;
    }
}

/** Go on until it ends, and at each jump that depends on what is not known both ways. */
static bool walk_from(struct walk *walk, struct place place)
{
    while (place.at < walk->len && walk->steps++ < STEPS_MAX) {
        const struct sock_filter *instruction = &walk->code[place.at++];
        unsigned class = BPF_CLASS(instruction->code);
        if (class == BPF_RET)
            return spares(BPF_RVAL(instruction->code) == BPF_A ? place.a : known(instruction->k));
        if (class != BPF_JMP) {
            if (!step(walk, &place, instruction))
                return false;
            continue;
        }
        if (BPF_OP(instruction->code) == BPF_JA) {
            place.at += instruction->k;
            continue;
        }
        struct value b = operand(&place, instruction);
        struct place there = place;
        there.at += instruction->jt;
        place.at += instruction->jf;
        if (!place.a.known || !b.known) {
            if (!walk_from(walk, there))
                return false;
        } else if (holds(BPF_OP(instruction->code), place.a.number, b.number)) {
            place = there;
        }
    }
    return false;
}

bool filter_code_spares(const struct sock_filter *code, size_t len, uint32_t number)
{
    struct walk walk = {.code = code, .len = len, .number = number};
    return walk_from(&walk, (struct place){.at = 0});
}
