/**
 * \file resident_reached.h
 * \brief What lanes that reach the host's memory share with the host, and how it is set up.
 *
 * Between resident_reached.c, which feeds them, and resident_reached_setup.c.
 */
#ifndef VRRL_REPLAY_RESIDENT_REACHED_H
#define VRRL_REPLAY_RESIDENT_REACHED_H

#include "replay/resident_lanes.h"

struct resident_reached {
    struct opencl_device device;
    struct resident_lanes lanes;
    /** Of all commands but the lanes'. */
    cl_command_queue feed;
    /** Of claimed() alone. */
    cl_command_queue looking;
    struct timeline_range roles[TIMELINE_ROLES];
    /** On the device. */
    cl_mem buffers[TIMELINE_ROLES];
    cl_mem mailbox;
    /** The host's memory that lanes reach, and what is where in it. */
    struct pinned reached;
    uint32_t *host;
    uint32_t *control;
    uint32_t *debug_log;
    uint32_t *unfinished;
    uint32_t *slots;
    /** Of the device: the put that lanes have taken last, of each slot. */
    cl_mem taken;
    /** Number of what is put into slots between two rounds, from 1. */
    uint32_t put;
    /** Lanes never write to it. */
    uint32_t io_queue[VYRE_IO_QUEUE_WORDS];
    /** Of the ring's slots as they are known; the PUBLISHED ones are between first and end. */
    uint32_t *statuses;
    uint32_t first;
    uint32_t end;
    uint32_t patience;
    uint32_t groups;
    uint32_t rung;
    /** A round is under way: the host's memory is the lanes'. */
    bool in_round;
    /** Of what failed where nothing can be returned. */
    bool failed;
    struct replay_error failure;
};

/** Open the device, with its queues.  \return NULL when it could not be opened */
struct resident_reached *resident_reached_make(const char *choice, char device_name[256],
                                               struct replay_error *error);

/** As of a backend (backend.h). */
bool resident_reached_load(void *opaque, const struct backend_image *image,
                           struct replay_error *error);
void resident_reached_close(void *opaque);

/** Write words into a buffer on the device, and wait until they are there. */
bool resident_reached_write(struct resident_reached *state, cl_mem buffer, uint32_t first,
                            const uint32_t *words, uint32_t len, struct replay_error *error);

#endif
