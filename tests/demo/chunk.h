/*
 * chunk.h - as much of a text as fits into the ring, and the slots that count it.
 */
#ifndef DEMO_CHUNK_H
#define DEMO_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vyre_runtime.h"

/* Bytes that one packed slot counts. */
#define CHUNK_BYTES_PER_SLOT 4u

/* A place in the text, between two chunks. */
struct scan {
    const uint8_t *text;
    size_t length;
    size_t at;
    size_t word_start; /* `at` outside of a word */
    size_t line_start;
    uint32_t lines;        /* that ended so far */
    uint32_t longest_line; /* of those */
};

/* Room for the slots of a chunk; the chunk before is overwritten by the next. */
struct chunk {
    size_t begin; /* bytes of the text */
    size_t end;
    struct vyre_work_item *words;
    size_t words_len;
    struct vyre_batch_item *lines; /* two items for each line */
    uint32_t (*line_args)[2];      /* their args */
    size_t lines_len;
    size_t slots; /* of the ring, the batch's fence not counted */
};

/* Makes room for chunks of up to that many slots.  False: no memory. */
bool chunk_open(struct chunk *chunk, size_t slots);

/* Takes the next chunk of the text; false at its end. */
bool chunk_next(struct chunk *chunk, struct scan *scan);

void chunk_close(struct chunk *chunk);

#endif
