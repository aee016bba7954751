#include "tally.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vyre_runtime.h"

static void count_word(struct tally *tally, size_t length)
{
    tally->words++;
    tally->word_lengths[length < TALLY_LONG_WORD ? length : TALLY_LONG_WORD]++;
}

static void count_line(struct tally *tally, size_t start, size_t length)
{
    tally->line_starts[tally->lines++] = (uint32_t)start;
    if (length > tally->longest_line)
        tally->longest_line = (uint32_t)length;
}

bool tally_text(const uint8_t *text, size_t length, struct tally *tally)
{
    size_t line_start = 0;
    size_t word_length = 0;

    memset(tally, 0, sizeof *tally);
    tally->line_starts = calloc(length + 1, sizeof *tally->line_starts);
    if (tally->line_starts == NULL)
        return false;
    for (size_t i = 0; i < length; i++) {
        tally->bytes[text[i]]++;
        if (!isspace(text[i])) {
            word_length++;
        } else if (word_length > 0) {
            count_word(tally, word_length);
            word_length = 0;
        }
        if (text[i] == '\n') {
            count_line(tally, line_start, i - line_start);
            line_start = i + 1;
        }
    }
    if (word_length > 0)
        count_word(tally, word_length);
    if (line_start < length)
        count_line(tally, line_start, length - line_start);
    return true;
}

static bool read_words(const uint8_t *control, size_t control_len, uint32_t word, uint32_t *values,
                       size_t count)
{
    return vyre_read_observables(control, control_len, word - VYRE_CONTROL_OBSERVABLES, values,
                                 count) == VYRE_OK;
}

bool tally_control(const uint8_t *control, size_t control_len, uint32_t lines, struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    tally->line_starts = calloc((size_t)lines + 1, sizeof *tally->line_starts);
    if (tally->line_starts == NULL ||
        !read_words(control, control_len, TALLY_BYTES_COPY, tally->bytes, 256) ||
        !read_words(control, control_len, TALLY_WORD_LENGTHS, tally->word_lengths,
                    TALLY_LONG_WORD + 1) ||
        !read_words(control, control_len, TALLY_LINES, &tally->lines, 1) ||
        !read_words(control, control_len, TALLY_LONGEST_LINE, &tally->longest_line, 1) ||
        !read_words(control, control_len, TALLY_LINE_STARTS, tally->line_starts, lines)) {
        tally_free(tally);
        return false;
    }
    for (size_t i = 0; i <= TALLY_LONG_WORD; i++)
        tally->words += tally->word_lengths[i];
    return true;
}

static bool equal(const char *what, const uint32_t *expected, const uint32_t *actual, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (expected[i] != actual[i]) {
            fprintf(stderr, "textstat: %s %zu is %u on the CPU and %u on the device.\n", what, i,
                    expected[i], actual[i]);
            return false;
        }
    }
    return true;
}

bool tally_equal(const struct tally *expected, const struct tally *actual)
{
    return equal("count of byte", expected->bytes, actual->bytes, 256) &&
           equal("count of words of length", expected->word_lengths, actual->word_lengths,
                 TALLY_LONG_WORD + 1) &&
           equal("number of lines", &expected->lines, &actual->lines, 1) &&
           equal("longest line", &expected->longest_line, &actual->longest_line, 1) &&
           equal("start of line", expected->line_starts, actual->line_starts, expected->lines);
}

void tally_free(struct tally *tally)
{
    free(tally->line_starts);
    tally->line_starts = NULL;
}
