/**
 * \file builtin.h
 * \brief The built-in megakernel as something to launch on a timeline's buffers.
 */
#ifndef VRRL_REPLAY_BUILTIN_H
#define VRRL_REPLAY_BUILTIN_H

#include "replay/backend.h"
#include "replay/handlers.h"

/** Program, kernel and buffers. */
struct builtin {
    struct backend_image image;
    struct timeline_program program;
    struct timeline_kernel kernel;
    struct timeline_argument arguments[6];
    /** Of the whole ring; in a timeline that was made as wide as needed. */
    struct timeline_submit submit;
    /** Those of the timeline, and what it lacks. */
    struct timeline_buffer *buffers;
    char *source;
    uint32_t control_words;
    uint32_t ring_slots;
};

/**
 * \param handlers  for user opcodes, perhaps none
 * \param[out] builtin  released with builtin_free(), only when true was returned
 */
bool builtin_make(const struct timeline *timeline, const struct handlers *handlers,
                  struct builtin *builtin, struct replay_error *error);

void builtin_free(struct builtin *builtin);

#endif
