#include "cli/slot_text.h"

#include <stdio.h>

#include "vyre/opcode.h"

/** Args that an opcode takes, of those that are not packed. */
static size_t args_taken(uint32_t opcode)
{
    switch (opcode) {
    case VYRE_OP_STORE_U32:
    case VYRE_OP_ATOMIC_ADD:
    case VYRE_OP_LOAD_U32:
    case VYRE_OP_BATCH_FENCE:
        return 2;
    case VYRE_OP_COMPARE_SWAP:
    case VYRE_OP_MEMCPY:
    case VYRE_OP_PRINTF:
        return 3;
    default:
        return 0;
    }
}

const char *slot_text(const uint32_t words[VYRE_SLOT_WORDS], char out[SLOT_TEXT_SIZE])
{
    uint32_t opcode = words[VYRE_SLOT_OPCODE];
    const char *name = vyre_opcode_name(opcode);
    int len = name != NULL ? snprintf(out, SLOT_TEXT_SIZE, "%s(", name)
                           : snprintf(out, SLOT_TEXT_SIZE, "0x%x(", opcode);
    size_t args = VYRE_SLOT_ARGS;
    while (args > args_taken(opcode) && words[VYRE_SLOT_ARG0 + args - 1] == 0)
        args--;
    for (size_t i = 0; i < args; i++)
        len += snprintf(out + len, SLOT_TEXT_SIZE - (size_t)len, "%s%u", i > 0 ? ", " : "",
                        words[VYRE_SLOT_ARG0 + i]);
    snprintf(out + len, SLOT_TEXT_SIZE - (size_t)len, ")");
    return out;
}

struct json_object *slot_json(uint32_t record, uint32_t slot_idx,
                              const uint32_t words[VYRE_SLOT_WORDS])
{
    struct json_object *object = json_object_new_object();
    const char *name = vyre_opcode_name(words[VYRE_SLOT_OPCODE]);
    json_object_object_add(object, "record", json_object_new_int64(record));
    json_object_object_add(object, "slot", json_object_new_int64(slot_idx));
    json_object_object_add(object, "opcode", json_object_new_int64(words[VYRE_SLOT_OPCODE]));
    json_object_object_add(object, "opcode_name",
                           name != NULL ? json_object_new_string(name) : NULL);
    json_object_object_add(object, "tenant", json_object_new_int64(words[VYRE_SLOT_TENANT]));
    json_object_object_add(object, "priority", json_object_new_int64(words[VYRE_SLOT_PRIORITY]));
    struct json_object *args = json_object_new_array();
    for (size_t i = 0; i < VYRE_SLOT_ARGS; i++)
        json_object_array_add(args, json_object_new_int64(words[VYRE_SLOT_ARG0 + i]));
    json_object_object_add(object, "args", args);
    return object;
}
