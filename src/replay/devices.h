/**
 * \file devices.h
 * \brief The OpenCL devices of this computer.
 */
#ifndef VRRL_REPLAY_DEVICES_H
#define VRRL_REPLAY_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/error.h"

/** One device; its number is its place in the list. */
struct replay_device {
    /** A cl_device_id. */
    struct _cl_device_id *id;
    char platform[128];
    char name[256];
    /** "CPU", "GPU", "accelerator" or "other". */
    const char *type;
    /** As the driver says it, e.g. "OpenCL 3.0 CUDA". */
    char version[128];
    uint64_t memory_bytes;
};

/**
 * List the devices of all platforms.
 *
 * \param[out] devices  released with free()
 * \param[out] len      at least 1
 * \return false when there is no platform, or none has a device
 */
bool devices_list(struct replay_device **devices, size_t *len, struct replay_error *error);

/**
 * Find a device in a list.
 *
 * \param choice  a number, or a part of a device's or its platform's name in any
 *                case that only one device has; NULL for the first device
 * \return NULL when there is none or more than one
 */
const struct replay_device *devices_find(const struct replay_device *devices, size_t len,
                                         const char *choice, struct replay_error *error);

#endif
