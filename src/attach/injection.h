/**
 * \file injection.h
 * \brief The stub in the process, from before it is armed until the shim is loaded or everything is
 *        put back.
 */
#ifndef VRRL_ATTACH_INJECTION_H
#define VRRL_ATTACH_INJECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/attach.h"
#include "attach/padding.h"
#include "attach/stub.h"
#include "attach/target.h"

/** A reference that the stub can stand before. */
struct trap {
    uint64_t at;
    /** What it held. */
    uint64_t original;
    unsigned entry;
    bool is_set;
};

struct injection {
    struct target *target;
    /** The file of the shim. */
    const char *shim;
    /** What the process is told of it: the file, or the name of the one in memory (carry.h). */
    const char *name;
    struct place place;
    struct stub_parameters parameters;
    struct trap traps[STUB_ENTRIES];
    size_t traps_len;
    /** On the monotonic clock. */
    uint64_t deadline_ns;
    /** Why the shim was not loaded. */
    char reason[512];
};

uint64_t injection_now_ns(void);

/** Choose references and room; nothing is written.  \return false with \a error */
bool injection_plan(struct target *target, const struct attach_request *request,
                    struct injection *injection, struct attach_error *error);

/** Put stub and path in place, with nothing that leads to them.  \return false with errno */
bool injection_write(struct injection *injection);

/** Read what the stub tells, and do what it waits for.  \return false when the process is gone */
bool injection_read(struct injection *injection, struct stub_words *words);

/** \return false with errno */
bool injection_set_state(const struct injection *injection, uint32_t state);

/** The stub's end: 0, or -1 with why the shim was not loaded. */
int injection_finish(const struct injection *injection, const struct stub_words *words,
                     struct attach_error *error);

#endif
