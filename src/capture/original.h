/**
 * \file original.h
 * \brief The functions behind the hooks.
 *
 * Each API has a table that names symbol, replacement and original once.  An
 * original is looked up when the shim is loaded, or at its first call if its library
 * came later.
 */
#ifndef VRRL_CAPTURE_ORIGINAL_H
#define VRRL_CAPTURE_ORIGINAL_H

#include <stdatomic.h>
#include <stddef.h>

struct hook {
    const char *name;
    /** The function of this name in the shim. */
    void *replacement;
    _Atomic(void *) original;
};

struct hook_table {
    struct hook *hooks;
    size_t len;
};

/** The tables of all APIs; the last is NULL. */
extern const struct hook_table *const hook_tables[];

extern const struct hook_table runtime_hook_table;
extern const struct hook_table opencl_hook_table;
extern const struct hook_table confinement_hook_table;
/** Its length is known once the settings were read. */
extern struct hook_table publish_symbol_hook_table;

/** The hook of a symbol.  \return NULL when it is not hooked */
struct hook *hook_find(const char *name);

/** Find the function that the host would have called without the shim: the next one in the
 *  order of lookup, else that of any library that is loaded.  \return NULL when there is none */
void *original_find(struct hook *hook);

static inline void *original_of(struct hook *hook)
{
    void *original = atomic_load_explicit(&hook->original, memory_order_acquire);
    return original != NULL ? original : original_find(hook);
}

#endif
