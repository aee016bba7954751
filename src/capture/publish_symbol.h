/**
 * \file publish_symbol.h
 * \brief Publish functions that the user names (VRRL_PUBLISH_SYMBOL), of any order of arguments.
 *
 * `NAME(ring,len,slot,tenant,opcode,args,nargs)` tells the function's parameters in its own order,
 * `_` for one that is of no matter, and none for a floating-point one; ring, len (its bytes) and
 * slot must be among them. The rest is read off the slot that the call leaves in the ring. `->
 * CONDITION` says when a call succeeded: `ret==N`, `ret!=N`, `ret>N`, `ret>=N`, `ret<N`, `ret<=N`
 * over its 32-bit result, or `always`; without it `ret==0`. Several are separated by ';'.
 *
 * The references to the function in all objects are pointed at a stub (references.h). Parameters
 * are integers and pointers, in registers or on the stack (System V ABI of x86-64, AAPCS64 of
 * AArch64); the stub hands on 32 words of the stack.
 */
#ifndef VRRL_CAPTURE_PUBLISH_SYMBOL_H
#define VRRL_CAPTURE_PUBLISH_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

#define PUBLISH_SYMBOLS_MAX 8

/** Read what was asked for.  \return false when it is not understood */
bool publish_symbols_read(const char *text);

/** Read what was asked for while the process runs: what was named before stays as it was.
 *  \return NULL, or why it cannot be done */
const char *publish_symbols_add(const char *text);

/** Whether any was asked for. */
bool publish_symbols_asked(void);

/* For publish_entry.S alone. */

/** Room for what a call needs from before until after. */
#define PUBLISH_STATE_BYTES 512

/** \param registers  integer parameters in registers; \a stack  those behind them
 *  \return the original */
void *publish_symbol_before(uint64_t number, const uint64_t *registers, const uint64_t *stack,
                            void *state);
void publish_symbol_after(uint64_t result, void *state);

#endif
