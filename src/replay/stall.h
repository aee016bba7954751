/**
 * \file stall.h
 * \brief What a replay waits for.
 */
#ifndef VRRL_REPLAY_STALL_H
#define VRRL_REPLAY_STALL_H

#include <stddef.h>

#include "replay/backend.h"
#include "replay/compare.h"

/**
 * Name what is under way: the record whose slot is claimed, if the backend can tell, or those in
 * flight.  Called by another thread than the one that waits in a call of the backend.
 *
 * \param[out] text  the subject of a sentence, as "record 7 (NOP, slot 3)"
 */
void stall_describe(const struct comparison *comparison, const struct backend *backend, void *state,
                    char *text, size_t size);

#endif
