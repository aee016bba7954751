/**
 * \file replay_options.h
 * \brief The command line of `vrrl replay`.
 */
#ifndef VRRL_REPLAY_OPTIONS_H
#define VRRL_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/excerpt.h"
#include "replay/handlers.h"
#include "replay/replay.h"

struct replay_request {
    const char *path;
    struct excerpt_choice choice;
    struct replay_options options;
    const char *handlers_path;
    struct handlers handlers;
    /** It was asked for by name. */
    bool recorded_kernel;
    /** One launch for the whole run. */
    bool resident;
    unsigned timeout_s;
    /** Run it so many times against itself; 0: once, against something else. */
    uint32_t runs;
    bool json;
};

/**
 * \param[out] request  what is not set is 0; handlers are not read yet
 * \return the exit status when there is nothing left to do, or -1
 */
int replay_options_parse(int argc, char **argv, struct replay_request *request);

#endif
