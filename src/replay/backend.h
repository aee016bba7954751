/**
 * \file backend.h
 * \brief Where slots are run: one table of functions for each place.
 *
 * A replay opens a backend, loads the first buffers, and then for each batch
 * publishes its slots, submits them and observes what came of it.  Whoever
 * returns false has set the error, and is then only closed.  One thread at a time.
 */
#ifndef VRRL_REPLAY_BACKEND_H
#define VRRL_REPLAY_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/error.h"
#include "vyre/vyre_protocol.h"

/** The first contents: this control buffer, and ring, debug log and IO queue all 0. */
struct backend_image {
    const uint32_t *control;
    uint32_t control_words;
    uint32_t ring_slots;
};

/** The buffers as they are; memory of the backend, valid until its next call. */
struct backend_view {
    const uint32_t *control;
    const uint32_t *ring;
    /** VYRE_DEBUG_LOG_WORDS words. */
    const uint32_t *debug_log;
};

struct backend {
    /** As it is printed. */
    const char *name;

    /**
     * \param device  number or part of a name, NULL for the first device
     * \param[out] device_name  as it is printed
     * \param[out] state  released with close(), only when true was returned
     */
    bool (*open)(const char *device, char device_name[256], void **state,
                 struct replay_error *error);

    /** Set up the buffers; once. */
    bool (*load)(void *state, const struct backend_image *image, struct replay_error *error);

    /** Put a slot of 16 words into the ring, at an index below ring_slots. */
    void (*publish)(void *state, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS]);

    /** Run every slot that is PUBLISHED. */
    bool (*submit)(void *state, struct replay_error *error);

    /** Wait for it and read the buffers back. */
    bool (*observe)(void *state, struct backend_view *view, struct replay_error *error);

    void (*close)(void *state);
};

/** The megakernel on an OpenCL device. */
extern const struct backend backend_opencl;

/** The reference interpreter, in the order of publishing; knows no devices. */
extern const struct backend backend_reference;

#endif
