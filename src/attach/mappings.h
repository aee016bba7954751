/**
 * \file mappings.h
 * \brief What is mapped where in another process, as /proc/PID/maps told it at one moment.
 */
#ifndef VRRL_ATTACH_MAPPINGS_H
#define VRRL_ATTACH_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapping {
    uint64_t begin;
    uint64_t end;
    bool readable;
    bool writable;
    bool executable;
    bool is_private;
    /** "[stack]", the file, or empty. */
    const char *name;
};

struct mappings {
    struct mapping *all;
    size_t len;
    /** The names lie here. */
    char *text;
};

/** Take \a text, which malloc() gave, for the contents of such a file.  \return false when memory
 *  is short */
bool mappings_parse(char *text, struct mappings *mappings);

/** \return false with errno */
bool mappings_read(pid_t pid, struct mappings *mappings);
void mappings_free(struct mappings *mappings);

/** What an address lies in.  \return NULL: in none */
const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address);

#endif
