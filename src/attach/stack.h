/**
 * \file stack.h
 * \brief Whether a thread, as its stack tells, may hold a lock of the C library.
 *
 * Every word between the stack's pointer and its end is looked at, so that what is left over from
 * earlier calls counts too: the answer may be no where it could be yes, and not the other way
 * round.
 */
#ifndef VRRL_ATTACH_STACK_H
#define VRRL_ATTACH_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/target.h"

struct stack_look {
    /** It could be read to its end. */
    bool is_known;
    /** A signal handler runs: what it interrupted may be anything. */
    bool in_handler;
    /** The C library, the dynamic linker or another malloc() has called back into other code. */
    bool in_callback;
};

/** What is mapped must have been read since the thread began (target_look_again()).
 *  \param at  the stack's pointer
 *  \param link  AArch64: where the function returns to; else 0 */
struct stack_look stack_look(const struct target *target, uint64_t at, uint64_t link);

/** Whether a function was called from right before an address. */
bool stack_is_return_address(const struct target *target, uint64_t address);

#endif
