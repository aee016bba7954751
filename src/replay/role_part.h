/**
 * \file role_part.h
 * \brief Which part of bytes that are written to a buffer lies in the range of a role.
 */
#ifndef VRRL_REPLAY_ROLE_PART_H
#define VRRL_REPLAY_ROLE_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "replay/timeline.h"

/** All in bytes. */
struct role_part {
    /** From the beginning of the role's range. */
    size_t in_role;
    /** From the beginning of what is written. */
    size_t in_written;
    size_t len;
};

/** \return whether there is such a part */
static inline bool role_part(const struct timeline_range *role, const struct timeline_range *to,
                             struct role_part *part)
{
    if (role->buffer == TIMELINE_NONE || role->buffer != to->buffer)
        return false;
    uint64_t begin = to->offset > role->offset ? to->offset : role->offset;
    uint64_t to_end = to->offset + to->bytes;
    uint64_t role_end = role->offset + role->bytes;
    uint64_t end = to_end < role_end ? to_end : role_end;
    if (begin >= end)
        return false;
    *part = (struct role_part){(size_t)(begin - role->offset), (size_t)(begin - to->offset),
                               (size_t)(end - begin)};
    return true;
}

#endif
