/**
 * \file dynamic_symbols.h
 * \brief dlsym() and dlvsym() as the host calls them.
 *
 * The shim exports both (dynamic_entry.S).  What is asked for that is no hooked function is
 * asked of the dynamic linker by a jump, with the host's return address in place: so RTLD_NEXT and
 * RTLD_DEFAULT mean what they meant.  Asked for a hooked function they give the hook where an
 * unrecorded process would get the hook's original, and otherwise what it would get: NULL too.
 *
 * Known limit: before the shim's own constructor, which comes after those of the libraries that
 * the host is linked to, the dynamic linker answers alone.
 */
#ifndef VRRL_CAPTURE_DYNAMIC_SYMBOLS_H
#define VRRL_CAPTURE_DYNAMIC_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/original.h"

/** dlsym() and dlvsym(), for a shim that came late: they are no functions of the host's to be found
 *  as hooks by dlsym(), and so in none of hook_tables. */
extern const struct hook_table dynamic_hook_table;

/** Fill in the originals of that table. */
void dynamic_find_originals(void);

/** dlsym() of the dynamic linker, by the shim itself. */
void *dynamic_symbol(void *handle, const char *name);

/** What a call is answered with. */
struct dynamic_answer {
    void *address;
    /** 0: the dynamic linker is to answer. */
    size_t answered;
};

/** Answer a call; \a caller is where it returns to.  For dynamic_entry.S alone. */
struct dynamic_answer dynamic_asked(void *handle, const char *name, const void *caller);
struct dynamic_answer dynamic_asked_version(void *handle, const char *name, const void *caller,
                                            const char *version);

/** Where to jump; set before dynamic_asked() returns. */
extern void *dynamic_dlsym;
extern void *dynamic_dlvsym;

#endif
