/**
 * \file shim.h
 * \brief Where the shim is.
 */
#ifndef VRRL_SHIM_H
#define VRRL_SHIM_H

#include <limits.h>
#include <stdbool.h>

/** Find the shim of a build tree beside an uninstalled command, or the installed one.
 *  \return false after a message */
bool shim_find(char shim[PATH_MAX]);

#endif
