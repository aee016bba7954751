/**
 * \file settings.h
 * \brief What the environment asks of the recorder: VRRL_LOG, VRRL_CAPACITY, VRRL_DISABLE,
 *        VRRL_VERBOSE, VRRL_NO_SESSION, VRRL_KERNEL, VRRL_CONTROL_ARG, VRRL_RING_ARG,
 *        VRRL_PUBLISH_SYMBOL (publish_symbol.h).
 */
#ifndef VRRL_CAPTURE_SETTINGS_H
#define VRRL_CAPTURE_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "panel/panel.h"

#define SETTINGS_KERNEL_BYTES 256
/** An argument of a kernel beyond it is not looked at. */
#define SETTINGS_ARGUMENTS_MAX 64

struct settings {
    /** VRRL_LOG, made absolute; empty when it is not set. */
    char log[PATH_MAX];
    uint64_t capacity;
    bool disabled;
    bool verbose;
    /** Record the bare log only. */
    bool no_session;
    /** Read the control buffer once, at a launch. */
    bool checkpoint;
    /** Name of the kernel that is the megakernel, whatever its buffers look like; empty: it is
     *  recognised by them. */
    char kernel[SETTINGS_KERNEL_BYTES];
    /** Arguments of a megakernel that are its control buffer and its ring. */
    uint32_t control_argument;
    uint32_t ring_argument;
    /** A setting that cannot be used, as a sentence; NULL when all are good. */
    const char *fault;
};

/** Read the environment as it is now. */
void settings_read(struct settings *settings);

/** What is asked for in the panel; everything else stays as the environment said. */
void settings_of_request(struct settings *settings, const struct panel_request *request);

/** Write the name of this process's log (session/log_name.h).
 *  \param second  put the process id before the suffix: the name itself is another's
 *  \return false when it does not fit */
bool settings_log_name(const struct settings *settings, bool second, char out[PATH_MAX]);

#endif
