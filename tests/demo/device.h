/*
 * device.h - an OpenCL device that runs the megakernel.
 *
 * Everything a host of a megakernel needs of OpenCL 1.2, and nothing else.  All
 * functions that return int return 0, or -1 after a message on stderr.
 */
#ifndef DEMO_DEVICE_H
#define DEMO_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <CL/cl.h>

/* The host's copies of the four buffers that it shares with the megakernel. */
struct host_buffers {
    uint8_t *control;
    size_t control_len; /* bytes, like all lengths here */
    uint8_t *ring;
    size_t ring_len;
    uint8_t *debug_log;
    size_t debug_log_len;
    uint8_t *io_queue;
    size_t io_queue_len;
};

/* A device, the megakernel built for it, and its four buffers. */
struct device {
    char name[128];
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    cl_mem control;
    cl_mem ring;
    cl_mem debug_log;
    cl_mem io_queue;
};

/*
 * Opens device `number`, counting all devices of all platforms from 0 in the order in which
 * OpenCL lists them, and builds the kernel vyre_megakernel of a file.  Release with
 * device_close(), which lets a device pass that is all zero or was opened in part.
 */
int device_open(struct device *device, unsigned number, const char *kernel_path);

/* Makes the device's buffers, with the host's as their first contents. */
int device_load(struct device *device, const struct host_buffers *host);

/*
 * Drains the ring once: ring and debug log up, one lane for each slot, then ring, control
 * and debug log back into the host's copies.  Returns when all of that is done.
 */
int device_drain(struct device *device, struct host_buffers *host);

void device_close(struct device *device);

#endif
