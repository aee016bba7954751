/**
 * \file padding.h
 * \brief Room that nobody uses in another process: what follows a segment in its last page.
 *
 * Only in objects that stay loaded: the program, the C library, the dynamic linker, and those that
 * call the functions that are asked for. What is written there stays there.
 */
#ifndef VRRL_ATTACH_PADDING_H
#define VRRL_ATTACH_PADDING_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/target.h"

/** Where the stub lives in the process. */
struct place {
    /** Parameters and code. */
    uint64_t stub;
    uint64_t words;
    /** The path of the shim, or what it is called. */
    uint64_t path;
    /** It lies there already, of an attach before. */
    bool is_there;
};

/**
 * Find the stub that an attach before left, or room for one.
 *
 * \param references  whose objects may be used
 * \param path  of the shim, or its name, for which there must be room
 * \param more_bytes  and behind it for so much
 * \return false when there is none
 */
bool padding_find(const struct target *target, const struct reference *references,
                  size_t references_len, const char *path, size_t more_bytes, struct place *place);

#endif
