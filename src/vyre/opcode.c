#include "vyre/opcode.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
    uint32_t opcode;
    const char *name;
} opcodes[] = {
    {VYRE_OP_NOP, "NOP"},
    {VYRE_OP_STORE_U32, "STORE_U32"},
    {VYRE_OP_ATOMIC_ADD, "ATOMIC_ADD"},
    {VYRE_OP_LOAD_U32, "LOAD_U32"},
    {VYRE_OP_COMPARE_SWAP, "COMPARE_SWAP"},
    {VYRE_OP_MEMCPY, "MEMCPY"},
    {VYRE_OP_DFA_STEP, "DFA_STEP"},
    {VYRE_OP_BATCH_FENCE, "BATCH_FENCE"},
    {VYRE_OP_LOAD_MISS, "LOAD_MISS"},
    {VYRE_OP_PRINTF, "PRINTF"},
    {VYRE_OP_PACKED_SLOT, "PACKED_SLOT"},
    {VYRE_OP_SHUTDOWN, "SHUTDOWN"},
};

#define OPCODES (sizeof(opcodes) / sizeof(opcodes[0]))

bool vyre_opcode_publishable(uint32_t opcode)
{
    return vyre_opcode_builtin(opcode) || vyre_opcode_user(opcode);
}

bool vyre_opcode_user(uint32_t opcode)
{
    return opcode > VYRE_OP_BUILTIN_LAST && opcode < 0x80000000u &&
           (opcode < VYRE_OP_SYSTEM_FIRST || opcode > VYRE_OP_SYSTEM_LAST);
}

bool vyre_opcode_builtin(uint32_t opcode)
{
    return opcode <= VYRE_OP_BUILTIN_LAST || opcode == VYRE_OP_PRINTF ||
           opcode == VYRE_OP_PACKED_SLOT || opcode == VYRE_OP_SHUTDOWN;
}

const char *vyre_opcode_name(uint32_t opcode)
{
    for (size_t i = 0; i < OPCODES; i++)
        if (opcodes[i].opcode == opcode)
            return opcodes[i].name;
    return NULL;
}

bool vyre_opcode_parse(const char *text, uint32_t *opcode)
{
    for (size_t i = 0; i < OPCODES; i++) {
        if (strcasecmp(text, opcodes[i].name) == 0) {
            *opcode = opcodes[i].opcode;
            return true;
        }
    }

    /* strtoull would take blanks and a sign before the digits. */
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    unsigned long long number = strtoull(text, &end, 0);
    if (*end != '\0' || number > UINT32_MAX)
        return false;
    *opcode = (uint32_t)number;
    return true;
}
