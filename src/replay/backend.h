/**
 * \file backend.h
 * \brief Where launches are run: one table of functions for each place.
 *
 * A replay opens a backend, loads programs, kernels and buffers, and then goes through a
 * timeline: slots are published, bytes are written, kernels are submitted, and what came of it
 * is observed.  Whoever returns false has set the error, and is then only closed.  One thread at
 * a time.
 */
#ifndef VRRL_REPLAY_BACKEND_H
#define VRRL_REPLAY_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"
#include "replay/timeline.h"
#include "vyre/vyre_protocol.h"

/** What is launched, on what; all memory is the caller's and lives as long as the backend.  All
 *  buffers are 0 at first. */
struct backend_image {
    const struct timeline_program *programs;
    uint32_t programs_len;
    /** Each with a program. */
    const struct timeline_kernel *kernels;
    uint32_t kernels_len;
    const struct timeline_buffer *buffers;
    uint32_t buffers_len;
    /** By VYRE_KERNEL_ARG_…; control and ring are there. */
    struct timeline_range roles[TIMELINE_ROLES];
    uint32_t control_words;
    uint32_t ring_slots;
    /** It is the built-in megakernel, of whose slots nothing but the status ever changes. */
    bool builtin;
};

/** The buffers as they are; memory of the backend, valid until its next call.  Aligned to 4. */
struct backend_view {
    const uint32_t *control;
    /** Of the slots, so many words apart: as last read back, and as published since.  Valid until
     *  the next observe() or close(), and publish() shows in it. */
    const uint32_t *statuses;
    size_t status_stride;
    /** VYRE_DEBUG_LOG_WORDS words; NULL without one. */
    const uint32_t *debug_log;
    /** VYRE_IO_QUEUE_WORDS words; NULL without one. */
    const uint32_t *io_queue;
};

static inline uint32_t backend_status(const struct backend_view *view, size_t slot)
{
    return view->statuses[slot * view->status_stride];
}

/** How far launches are to come while they are fed. */
struct backend_goal {
    /** All are complete. */
    bool ended;
    /** DONE_COUNT is that, or more. */
    bool counted;
    uint32_t done;
    /** The slots in its range that it does not show PUBLISHED are drained, unless NULL. */
    const struct timeline_observation *ring;
    /** All slots are drained that will be. */
    bool at_rest;
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

    /** Build the programs and set up the buffers; once. */
    bool (*load)(void *state, const struct backend_image *image, struct replay_error *error);

    /** Put a slot of 16 words, whatever its status, into the ring, at an index below ring_slots. */
    void (*publish)(void *state, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS]);

    /** Put bytes into a range of a buffer, which has nothing of the ring. */
    bool (*write)(void *state, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error);

    /** Launch a kernel.  One of 0 dimensions is launched as wide as the slots that are PUBLISHED
     *  need. */
    bool (*submit)(void *state, const struct timeline_submit *submit, struct replay_error *error);

    /** What was published since is to be seen by the launch that is under way.  NULL: launches see
     *  only what was published before, and end by themselves. */
    bool (*feed)(void *state, struct replay_error *error);

    /** Wait until a launch that is fed has come so far, or will not come any further.  NULL where
     *  \c feed is. */
    bool (*await)(void *state, const struct backend_goal *goal, struct replay_error *error);

    /**
     * Wait for all launches but one that is fed and read the buffers back.
     *
     * \param whole_ring  false: of the ring only slots that were published and not yet seen to be
     *                    drained
     */
    bool (*observe)(void *state, bool whole_ring, struct backend_view *view,
                    struct replay_error *error);

    /**
     * Look for a slot that was claimed and is not DONE.  Called by another thread, while one waits
     * in a call that may never end; so this one does end, soon.  NULL: there is nothing to look at.
     *
     * \return whether there is one
     */
    bool (*claimed)(void *state, uint32_t *slot);

    void (*close)(void *state);
};

/** On an OpenCL device, one launch for each submit. */
extern const struct backend backend_opencl;

/** On an OpenCL device, launches that are fed while they run, by copies in a second queue; those
 *  that are not, too. */
extern const struct backend backend_fed;

/** The built-in megakernel on an OpenCL device, one launch for the whole run, fed on the first of
 *  the ways that the device can do (resident_ways.h). */
extern const struct backend backend_resident;

/** The reference interpreter, in the order of publishing; knows no devices and no programs: it
 * drains what the launch's lanes own. */
extern const struct backend backend_reference;

#endif
