/*
 * tally.h - what is counted of a text, counted on the CPU, and where the megakernel
 * keeps the same counts in its control words.
 */
#ifndef DEMO_TALLY_H
#define DEMO_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words of that many bytes or more are counted together. */
#define TALLY_LONG_WORD 31u

/*
 * Control words that the slots work on.  All lie above word 160, which every fence
 * overwrites with its tag.  LOAD_U32 and COMPARE_SWAP leave their results at 160 plus
 * an index, and no result falls on a word that something else uses.
 */
enum tally_word {
    TALLY_LINES = 161,
    TALLY_LONGEST_LINE = 162,
    TALLY_LINES_SO_FAR = 163,                        /* loaded from TALLY_LINES after each chunk */
    TALLY_LONGEST_BEFORE = 160 + TALLY_LONGEST_LINE, /* what the last COMPARE_SWAP found */
    TALLY_BYTES = 512,                               /* 256 words: the histogram */
    TALLY_BYTES_COPY = TALLY_BYTES + 256,            /* its copy as of the last whole chunk */
    TALLY_WORD_LENGTHS = TALLY_BYTES_COPY + 256,     /* 32 words: words of that many bytes */
    TALLY_LINE_STARTS = TALLY_WORD_LENGTHS + 32,     /* one for each line: where it begins */
};

/* Lines of a text that the control words can hold. */
#define TALLY_LINES_MAX ((UINT32_C(1) << 20) - 1024)

/* The counts.  A word ends at white space, a line at a newline, both at the end of the text. */
struct tally {
    uint32_t bytes[256];
    uint32_t words;
    uint32_t word_lengths[TALLY_LONG_WORD + 1];
    uint32_t lines;
    uint32_t longest_line; /* bytes, without its newline */
    uint32_t *line_starts; /* `lines` offsets; release with tally_free() */
};

/* Counts a text in plain C.  False: no memory. */
bool tally_text(const uint8_t *text, size_t length, struct tally *tally);

/* Reads the counts out of the control words, `lines` of the line starts at most.  False: no
 * memory, or the buffer is too short. */
bool tally_control(const uint8_t *control, size_t control_len, uint32_t lines, struct tally *tally);

/* Says on stderr where two differ, and returns whether they are equal. */
bool tally_equal(const struct tally *expected, const struct tally *actual);

void tally_free(struct tally *tally);

#endif
