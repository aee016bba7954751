/**
 * \file direct_calls.h
 * \brief Publish functions that are called without a reference: who does so, said by name.
 *
 * A call inside the object that defines a function, a call of a hidden function, and an inlined
 * one have no place that could be pointed elsewhere. What can be found is found in the
 * instructions, in the file's symbol table, and in its debug information.
 *
 * Known limits: an AArch64 object that takes the function's address and calls that is not found;
 * nor are hidden and inlined functions in a file that was stripped, or whose debug information is
 * compressed or lies in another file.
 */
#ifndef VRRL_CAPTURE_DIRECT_CALLS_H
#define VRRL_CAPTURE_DIRECT_CALLS_H

#include <link.h>

#include "capture/elf_object.h"

/** Say which of the functions that the user named an object calls unseen, when it is looked at for
 * the first time.  Reads the object's file.  One thread at a time; not signal safe. */
void direct_calls_say(const struct dl_phdr_info *info, const struct elf_object *object);

#endif
