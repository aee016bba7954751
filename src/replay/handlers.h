/**
 * \file handlers.h
 * \brief Functions for user opcodes, which the built-in megakernel calls (doc/handlers.md).
 */
#ifndef VRRL_REPLAY_HANDLERS_H
#define VRRL_REPLAY_HANDLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"
#include "vyre/vyre_protocol.h"

struct handlers {
    /** OpenCL C of the user, and after it the function that calls its functions; "" without any. */
    char *source;
    /** Opcodes that have a function, ascending. */
    uint32_t *opcodes;
    size_t len;
};

/**
 * Find the handlers in the text of a file: functions that are named vyre_op_ and eight hexadecimal
 * digits in lower case.
 *
 * \param path  for the messages of the compiler; NULL: there are no handlers
 * \param[out] handlers  released with handlers_free(), only when true was returned
 */
bool handlers_read(const char *path, struct handlers *handlers, struct replay_error *error);

/** Whether the built-in megakernel with these handlers runs all operations of a slot.
 *  \param[out] opcode  the first that it does not */
bool handlers_know(const struct handlers *handlers, const uint32_t slot[VYRE_SLOT_WORDS],
                   uint32_t *opcode);

void handlers_free(struct handlers *handlers);

#endif
