/**
 * \file opencl_host.h
 * \brief A host that writes its ring by hand: what its many ways share.
 *
 * Linked to OpenCL alone.  It prints a line for each slot that it publishes: slot, tenant, opcode,
 * the epoch it has seen, and the first four args.  A call that fails ends the program.
 */
#ifndef OPENCL_HOST_H
#define OPENCL_HOST_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <stdbool.h>
#include <stdint.h>

#include "vyre_protocol.h"

#define SLOTS 8u
#define RING_BYTES (SLOTS * VYRE_SLOT_BYTES)
/** Slots of one batch: three additions and a fence. */
#define BATCH 4u
/** Where a ring or a control buffer lies in a larger one. */
#define PART_AT 4096u

/** What all megakernels of the process share. */
struct opencl {
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
};

struct megakernel {
    struct opencl *opencl;
    cl_command_queue queue;
    cl_kernel kernel;
    cl_mem control;
    cl_mem ring;
    cl_mem debug_log;
    cl_mem io_queue;
    /** The host's own copy of the ring. */
    uint32_t slots[SLOTS][VYRE_SLOT_WORDS];
    uint32_t control_words[VYRE_CONTROL_WORDS_MIN];
    uint32_t slots_len;
    uint32_t batches;
    /** The epoch that the host has seen. */
    uint32_t epoch;
};

void require(cl_int result, const char *what);
void require_true(bool holds, const char *what);

/** Open the first device, and build the megakernel's source. */
void opencl_open(struct opencl *opencl, const char *kernel_path);

/** A megakernel with fresh buffers; its ring is empty. */
void megakernel_make(struct megakernel *megakernel, struct opencl *opencl);

/** The same, but for the ring: the caller makes it, and sets argument 1. */
void megakernel_make_without_ring(struct megakernel *megakernel, struct opencl *opencl);

/** A buffer with these contents, written by clEnqueueWriteBuffer. */
cl_mem make_buffer(struct opencl *opencl, const void *bytes, size_t count);

void set_ring(struct megakernel *megakernel, cl_mem ring);

/** Write the next batch into the host's copy of the ring. */
void write_batch(struct megakernel *megakernel);

/** The slots of the batch go up now. */
void say_batch(const struct megakernel *megakernel);
void say_slot(const struct megakernel *megakernel, uint32_t slot);

void launch(struct megakernel *megakernel);

/** Read the epoch back, and wait for it. */
void see_epoch(struct megakernel *megakernel);

/** All the ways, by name; in a file for each list. */
struct way {
    const char *name;
    void (*run)(struct opencl *opencl);
};
extern const struct way upload_ways[];
extern const struct way memory_ways[];
extern const struct way completion_ways[];
extern const struct way command_ways[];
extern const struct way mixed_ways[];

/** As a plugin it is no program. */
#ifndef OPENCL_HOST_MAIN
#define OPENCL_HOST_MAIN main
#endif
int OPENCL_HOST_MAIN(int argc, char **argv);

#endif
