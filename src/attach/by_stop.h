/**
 * \file by_stop.h
 * \brief The way for a job that calls none of the functions, or in which no reference may be
 *        written.
 *
 * One thread after the other that runs is stopped for a moment, until one is in the program's own
 * code with no frame of the C library below it (stack.h), so that it holds none of its locks. Its
 * program counter alone is set, to the stub, which restores everything by itself; then it is let
 * go. A tracer that is killed while a thread is stopped lets it go by that.
 */
#ifndef VRRL_ATTACH_BY_STOP_H
#define VRRL_ATTACH_BY_STOP_H

#include "attach/by_reference.h"

enum outcome by_stop(struct injection *injection, struct attach_error *error);

#endif
