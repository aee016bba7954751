#include "vyre/packed.h"

#include <string.h>

static uint8_t get_byte(const uint32_t *words, size_t index)
{
    return (uint8_t)(words[index / 4] >> (8 * (index % 4)));
}

static void put_byte(uint32_t *words, size_t index, uint8_t value)
{
    words[index / 4] |= (uint32_t)value << (8 * (index % 4));
}

/* Op count, arg word count and two bytes for each op, in whole words. */
static size_t metadata_words(size_t op_count)
{
    return (2 + 2 * op_count + 3) / 4;
}

bool vyre_packed_begin(struct vyre_packed_encoder *encoder, size_t op_count)
{
    /* One byte counts the ops, so that more never overflow the sum either. */
    if (op_count > UINT8_MAX || metadata_words(op_count) > VYRE_SLOT_ARGS)
        return false;
    memset(encoder, 0, sizeof(*encoder));
    encoder->args_begin = metadata_words(op_count);
    encoder->words_len = encoder->args_begin;
    put_byte(encoder->words, 0, (uint8_t)op_count);
    return true;
}

bool vyre_packed_add(struct vyre_packed_encoder *encoder, uint8_t opcode, const uint32_t *args,
                     size_t args_len)
{
    if (args_len > VYRE_SLOT_ARGS - encoder->words_len)
        return false;

    size_t offset = encoder->words_len - encoder->args_begin;
    size_t byte = 2 + 2 * encoder->ops_len;
    put_byte(encoder->words, byte, opcode);
    put_byte(encoder->words, byte + 1, (uint8_t)offset);
    for (size_t i = 0; i < args_len; i++)
        encoder->words[encoder->words_len + i] = args[i];
    encoder->words_len += args_len;
    encoder->ops_len++;

    encoder->words[0] &= ~UINT32_C(0xFF00);
    put_byte(encoder->words, 1, (uint8_t)(offset + args_len));
    return true;
}

size_t vyre_packed_decode(const uint32_t words[VYRE_SLOT_ARGS],
                          struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX])
{
    size_t count = get_byte(words, 0);
    if (count > VYRE_PACKED_OPS_MAX)
        count = VYRE_PACKED_OPS_MAX;
    size_t args_begin = metadata_words(count);

    for (size_t i = 0; i < count; i++) {
        size_t first = args_begin + get_byte(words, 3 + 2 * i);
        memset(&ops[i], 0, sizeof(ops[i]));
        ops[i].opcode = get_byte(words, 2 + 2 * i);
        ops[i].skipped = first + VYRE_PACKED_OP_ARGS > VYRE_SLOT_ARGS;
        if (!ops[i].skipped)
            memcpy(ops[i].args, words + first, sizeof(ops[i].args));
    }
    return count;
}

size_t vyre_packed_words(uint32_t first_word)
{
    return metadata_words(get_byte(&first_word, 0)) + get_byte(&first_word, 1);
}
