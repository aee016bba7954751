/**
 * \file session_dump.h
 * \brief `vrrl dump` of what only the session knows.
 */
#ifndef VRRL_SESSION_DUMP_H
#define VRRL_SESSION_DUMP_H

#include <stdbool.h>

#include "cli/record_filter.h"

/** Print the whole slots of the records that pass.  \return the exit status */
int session_dump_slots(const char *path, const struct record_filter *filter, bool json);

/** Print the launches of the megakernel.  \return the exit status */
int session_dump_submits(const char *path, bool json);

/** Print what the host read back.  \return the exit status */
int session_dump_observations(const char *path, bool json);

#endif
