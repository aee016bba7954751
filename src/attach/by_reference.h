/**
 * \file by_reference.h
 * \brief The way that stops nothing: the job comes to the stub by itself.
 *
 * For a moment some of the job's references to functions that the shim hooks lead to the stub. The
 * first call that comes in asks, and waits for the answer. Its stack is looked at: inside a signal
 * handler, which may have interrupted malloc(), the answer is no, and the next call asks. Otherwise
 * the references are put back and the answer is yes.
 *
 * A reference that was not resolved yet is resolved by the first call that goes through, which
 * puts the stub out of its way; it is put back in.
 */
#ifndef VRRL_ATTACH_BY_REFERENCE_H
#define VRRL_ATTACH_BY_REFERENCE_H

#include <stdint.h>

#include "attach/injection.h"

enum outcome {
    OUTCOME_LOADED,
    /** With an error: what was tried came to its end, and trying again is of no use. */
    OUTCOME_FAILED,
    /** Not possible here, or not in time; nothing leads to the stub any more. */
    OUTCOME_NOT_THIS_WAY,
};

/** \param until_ns  when to give up, if no thread is inside then */
enum outcome by_reference(struct injection *injection, uint64_t until_ns,
                          struct attach_error *error);

#endif
