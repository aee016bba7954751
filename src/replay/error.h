/**
 * \file error.h
 * \brief Why a replay could not be done, in words for the user.
 */
#ifndef VRRL_REPLAY_ERROR_H
#define VRRL_REPLAY_ERROR_H

#include <stdbool.h>

/** Set by whoever returns false.  Names the thing and the cause and ends with "Fix: …". */
struct replay_error {
    char text[4096];
};

/** Set the text, cut where it is too long.  \return false, so that a function can return it */
bool replay_fail(struct replay_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Memory could not be had.  \return false */
bool replay_fail_memory(struct replay_error *error);

#endif
