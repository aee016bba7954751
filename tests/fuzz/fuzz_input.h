/* What the fuzzers here share: checks, and the input taken piece by piece. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const uint8_t *data;
    size_t size;
};

static inline void check(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzzing: %s\n", what);
    abort();
}

/** Bytes after the input's end are 0. */
static inline void take(struct input *input, void *to, size_t count)
{
    size_t there = input->size < count ? input->size : count;
    memset(to, 0, count);
    memcpy(to, input->data, there);
    input->data += there;
    input->size -= there;
}

static inline void write_file(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "w");
    check(file != NULL && fwrite(bytes, 1, count, file) == count && fclose(file) == 0,
          "scratch file cannot be written");
}

#endif
