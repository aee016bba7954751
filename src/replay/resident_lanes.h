/**
 * \file resident_lanes.h
 * \brief The lanes of a resident kernel: built, launched, counted.
 *
 * How slots get to them, and results back, is the business of resident_svm.c, resident_reached.c
 * and resident_copies.c.
 */
#ifndef VRRL_REPLAY_RESIDENT_LANES_H
#define VRRL_REPLAY_RESIDENT_LANES_H

#include "replay/backend.h"
#include "replay/opencl_device.h"
#include "replay/resident_mailbox.h"

/** Arguments of vyre_resident after those of every megakernel. */
#define RESIDENT_ARG_CONTROL_WORDS 4u
#define RESIDENT_ARG_RING_SLOTS 5u
#define RESIDENT_ARG_MAILBOX 6u
#define RESIDENT_ARG_PATIENCE 7u
/** Of vyre_resident_reached. */
#define RESIDENT_ARG_HOST 8u
#define RESIDENT_ARG_TAKEN 9u

/** How lanes and host meet. */
enum resident_meeting {
    /** Everything comes and goes by copies. */
    RESIDENT_BY_COPIES,
    /** In shared memory, with atomics of all devices. */
    RESIDENT_SHARED,
    /** In memory of the host that lanes load from and store to. */
    RESIDENT_IN_HOST,
};

struct resident_lanes {
    const struct opencl_device *device;
    /** Of the kernel alone: it never ends while the replay goes on. */
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    size_t group_lanes;
    /** Work-groups that are launched, and how many of them shall stay. */
    uint32_t groups;
    uint32_t groups_wanted;
    /** Of the launch; NULL when none is under way. */
    cl_event launch;
};

/**
 * Open a device, with two queues beside that of the lanes.
 *
 * \param choice, name  as of opencl_open()
 * \param[out] feed     of all commands but the lanes'; NULL at first, as \a looking
 * \param[out] looking  of claimed() alone
 * \return false also with some of them open, which the caller closes as the others
 */
bool resident_lanes_open(const char *choice, char name[256], struct opencl_device *device,
                         cl_command_queue *feed, cl_command_queue *looking,
                         struct replay_error *error);

/** Words of the protocol's buffers, by VYRE_KERNEL_ARG_…. */
void resident_lanes_words(const struct backend_image *image, size_t words[TIMELINE_ROLES]);

/**
 * Build the kernel of an image with resident.cl, and fit the lanes to device and ring: one for each
 * slot on a GPU, one for each compute unit that the host leaves on a CPU.  Sets the arguments that
 * are no buffers.
 *
 * \param lanes        all 0; released with resident_lanes_close() also when false was returned
 * \param image        of the built-in megakernel; any other is refused
 * \param patience     of resident.cl
 */
bool resident_lanes_load(struct resident_lanes *lanes, const struct opencl_device *device,
                         const struct backend_image *image, enum resident_meeting meeting,
                         uint32_t patience, struct replay_error *error);

bool resident_lanes_launch(struct resident_lanes *lanes, struct replay_error *error);

/**
 * Whether a launch that was under way has ended, as it does after SHUTDOWN.
 *
 * \param[out] ended  there is none under way any more
 * \return false when the device says that it failed
 */
bool resident_lanes_ended(struct resident_lanes *lanes, bool *ended, struct replay_error *error);

/**
 * Wait until the groups that run at a time have enlisted.
 *
 * \param enlisted  reads RESIDENT_ENLISTED
 * \param[out] groups  how many to keep
 * \return false when none came before the launch ended, or reading failed
 */
bool resident_lanes_muster(struct resident_lanes *lanes,
                           bool (*enlisted)(void *context, uint32_t *count,
                                            struct replay_error *error),
                           void *context, uint32_t *groups, struct replay_error *error);

/**
 * Pass some time before the next look at whether a round is over, which mostly takes microseconds.
 *
 * \param looks  so many were in vain
 * \return whether it is time to see if lanes have left without it
 */
bool resident_lanes_pause(uint32_t looks);

/** Waits for a launch that is under way: SHUTDOWN must be set. */
void resident_lanes_close(struct resident_lanes *lanes);

#endif
