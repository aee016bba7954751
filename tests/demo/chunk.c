#include "chunk.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

/* What one byte or the end of the text may add: a word and a line. */
#define END_SLOTS ((size_t)3)

bool chunk_open(struct chunk *chunk, size_t slots)
{
    memset(chunk, 0, sizeof *chunk);
    chunk->words = calloc(slots, sizeof *chunk->words);
    chunk->lines = calloc(slots, sizeof *chunk->lines);
    chunk->line_args = calloc(slots, sizeof *chunk->line_args);
    chunk->slots = slots;
    if (chunk->words != NULL && chunk->lines != NULL && chunk->line_args != NULL)
        return true;
    chunk_close(chunk);
    return false;
}

void chunk_close(struct chunk *chunk)
{
    free(chunk->words);
    free(chunk->lines);
    free(chunk->line_args);
    memset(chunk, 0, sizeof *chunk);
}

static void end_word(struct chunk *chunk, struct scan *scan)
{
    const size_t length = scan->at - scan->word_start;

    if (length == 0)
        return;
    /* ATOMIC_ADD of the input handle, 1, to the word that the output handle names. */
    chunk->words[chunk->words_len++] = (struct vyre_work_item){
        .op_handle = VYRE_OP_ATOMIC_ADD,
        .input_handle = 1,
        .output_handle =
            TALLY_WORD_LENGTHS + (uint32_t)(length < TALLY_LONG_WORD ? length : TALLY_LONG_WORD),
        .param = (uint32_t)length,
    };
}

static void add_line_item(struct chunk *chunk, uint32_t opcode, uint32_t value, uint32_t word)
{
    uint32_t *args = chunk->line_args[chunk->lines_len];

    args[0] = value;
    args[1] = word;
    chunk->lines[chunk->lines_len++] = (struct vyre_batch_item){opcode, args, 2};
}

static void end_line(struct chunk *chunk, struct scan *scan)
{
    const size_t length = scan->at - scan->line_start;

    if (length > scan->longest_line)
        scan->longest_line = (uint32_t)length;
    add_line_item(chunk, VYRE_OP_ATOMIC_ADD, 1, TALLY_LINES);
    add_line_item(chunk, VYRE_OP_STORE_U32, (uint32_t)scan->line_start,
                  TALLY_LINE_STARTS + scan->lines);
    scan->lines++;
}

static size_t slots_used(const struct chunk *chunk, const struct scan *scan)
{
    const size_t bytes = scan->at - chunk->begin;

    return (bytes + CHUNK_BYTES_PER_SLOT - 1) / CHUNK_BYTES_PER_SLOT + chunk->words_len +
           chunk->lines_len;
}

/* A byte adds at most one packed slot, a word and a line, and may be the last. */
static bool has_room(const struct chunk *chunk, const struct scan *scan)
{
    return slots_used(chunk, scan) + 1 + 2 * END_SLOTS <= chunk->slots;
}

static void take_byte(struct chunk *chunk, struct scan *scan)
{
    const uint8_t byte = scan->text[scan->at];

    if (isspace(byte)) {
        end_word(chunk, scan);
        scan->word_start = scan->at + 1;
    }
    if (byte == '\n') {
        end_line(chunk, scan);
        scan->line_start = scan->at + 1;
    }
    scan->at++;
}

bool chunk_next(struct chunk *chunk, struct scan *scan)
{
    chunk->begin = scan->at;
    chunk->words_len = 0;
    chunk->lines_len = 0;
    if (scan->at == scan->length)
        return false;
    while (scan->at < scan->length && has_room(chunk, scan))
        take_byte(chunk, scan);
    if (scan->at == scan->length) {
        end_word(chunk, scan);
        if (scan->line_start < scan->length)
            end_line(chunk, scan);
    }
    chunk->end = scan->at;
    return true;
}
