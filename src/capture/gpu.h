/**
 * \file gpu.h
 * \brief What a GPU API does, in words of no API: bytes went up into a buffer, a kernel was
 *        launched on buffers, bytes came back.
 *
 * The hooks of an API tell it here, and this core alone knows which buffers are a
 * megakernel's, what was published, and which epoch the host has seen.  Each word comes in
 * two halves, around the call of the API: \c _begin before it, when a publish must take its
 * place in the log, and \c _end after it.  A begin is always followed by its end, on any
 * thread.
 *
 * Thread safe; not signal safe, as GPU APIs are not.  No call waits for the GPU.  A process
 * that never launches a megakernel gets no log, and a buffer that cannot be a ring
 * costs a look at its first bytes.  After fork the child begins with nothing known.
 *
 * A buffer is told by a handle that is unique while it lives: of a part of one (sub-buffer,
 * pointer into shared virtual memory) the API's hooks give the whole one's handle and
 * an offset.  All offsets and counts are bytes.
 */
#ifndef VRRL_CAPTURE_GPU_H
#define VRRL_CAPTURE_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/recorder.h"

/** Whether buffers and kernels are to be remembered: something may be recorded one day.  What
 *  happens to them is not told while nothing is watched. */
bool gpu_is_remembered(void);

/** Whether anything here is of use: false while nothing is or will be recorded, and hooks then
 *  pass their calls on without a look.  A load and a compare. */
bool gpu_is_watched(void);

/** The API may give this handle to another kernel from now on. */
void gpu_kernel_gone(uintptr_t kernel);

enum gpu_memory {
    /** The host's stores reach it through calls of the API. */
    GPU_MEMORY_DEVICE,
    /** The GPU sees the host's stores as they are made (fine-grained shared virtual memory). */
    GPU_MEMORY_SHARED,
};

/**
 * A buffer was made.
 *
 * \param host  where the host sees it without mapping it (shared virtual memory, or memory of the
 *        host that the buffer uses), else NULL
 */
void gpu_buffer_made(uintptr_t buffer, size_t bytes, enum gpu_memory memory, const void *host);

/** The API may give this handle to another buffer from now on. */
void gpu_buffer_gone(uintptr_t buffer);

/** A piece of an upload: contiguous on both sides. */
struct gpu_piece {
    size_t offset;
    const void *bytes;
    size_t count;
};

#define GPU_ORDER_MAX 4u

/** Launches of megakernels, by their numbers among all, that are on a queue. */
struct gpu_launches {
    uintptr_t queue;
    uint32_t first;
    uint32_t last;
};

/** The launches that a command comes behind: when it is complete, they are.  Others may run beside
 *  it. */
struct gpu_order {
    unsigned len;
    struct gpu_launches behind[GPU_ORDER_MAX];
};

/** The number of the last launch of a megakernel, 0 before the first. */
uint32_t gpu_last_launch(void);

/** Stands for what is known of all buffers: another number whenever there may be more.  0: as long
 *  as nothing is. */
uint64_t gpu_known(void);

/** The host knows that a command of this order is complete. */
void gpu_completed(const struct gpu_order *order);

/** Bytes that go up together, in one call. */
struct gpu_upload {
    uintptr_t buffer;
    /** A launch of the ring's megakernel may run beside it. */
    bool beside;
    /** Publishes that it makes, if it goes into a ring. */
    struct batch publishes;
    /** Among all uploads; 0 when it goes into no ring. */
    uint32_t number;
    size_t offset;
    size_t count;
    /** Running total of the log once its publishes have their places. */
    uint64_t position;
};

/** Bytes are about to go up.  They are read here, and must be the ones that will go.
 *
 *  \param order  NULL: nothing runs beside it, as with a new buffer */
void gpu_upload_begin(struct gpu_upload *upload, uintptr_t buffer, const struct gpu_order *order,
                      const struct gpu_piece *pieces, size_t pieces_len);

/** \param made  whether the API took the call */
void gpu_upload_end(struct gpu_upload *upload, bool made);

/** As an upload of a pattern, over and over. */
void gpu_fill_begin(struct gpu_upload *upload, uintptr_t buffer, const struct gpu_order *order,
                    size_t offset, size_t count, const void *pattern, size_t pattern_bytes);

/** As an upload of bytes that another buffer holds, if it is known what it holds.  A megakernel's
 *  buffer that is copied elsewhere is seen when it is read back from there. */
void gpu_copy_begin(struct gpu_upload *upload, const struct gpu_order *order, uintptr_t from,
                    size_t from_offset, uintptr_t to, size_t to_offset, size_t count);

/** The host has a buffer mapped for writing, at this address, or has it no more (NULL).  A ring
 *  that is launched on meanwhile is looked at there. */
void gpu_buffer_mapped(uintptr_t buffer, const void *host);

/** Bytes of a buffer were changed by something that is not known. */
void gpu_bytes_lost(uintptr_t buffer, size_t offset, size_t count);

enum gpu_argument_kind {
    GPU_ARGUMENT_UNSET,
    GPU_ARGUMENT_BUFFER,
    GPU_ARGUMENT_VALUE,
    GPU_ARGUMENT_LOCAL,
    /** Set to something that has no bytes. */
    GPU_ARGUMENT_OTHER,
};

struct gpu_argument {
    enum gpu_argument_kind kind;
    /** BUFFER */
    uintptr_t buffer;
    size_t offset;
    /** BUFFER: of the range from the offset; VALUE and LOCAL: of the argument. */
    size_t bytes;
    /** VALUE */
    const void *value;
};

/** A program, as the API knows it.  All texts are terminated, "" where not known. */
struct gpu_program {
    const char *api;
    const char *platform;
    const char *device;
    const char *driver;
    const char *options;
    /** enum session_program_form */
    unsigned form;
    const void *code;
    size_t code_bytes;
};

#define GPU_MEGAKERNEL_BUFFERS 4

struct gpu_launch {
    /** Unique while the kernel lives, as a buffer's handle is. */
    uintptr_t kernel;
    const char *kernel_name;
    uintptr_t queue;
    const struct gpu_argument *arguments;
    unsigned arguments_len;
    unsigned dimensions;
    size_t global_offset[3];
    size_t global_size[3];
    /** All 0: chosen by the driver. */
    size_t local_size[3];
    /** Called inside gpu_launch_begin(), once for each kernel that is recorded: it calls
     *  \a take exactly once with the program, whose memory is its own. */
    void (*tell_program)(const struct gpu_launch *launch,
                         void (*take)(void *taker, const struct gpu_program *program), void *taker);
};

/** A launch of a megakernel, or none. */
struct gpu_submit {
    /** Number of the megakernel, from 1; 0: none. */
    unsigned megakernel;
    uint64_t launch;
    /** Among all of megakernels. */
    uint32_t number;
    /** Number of the journal entry with kernel and arguments. */
    uint64_t kernel_entry;
    uint64_t position;
    uint64_t time_ns;
    /** Of the recording that it began in. */
    uint32_t serial;
    /** It is of no megakernel, and told again, with the same arguments, it would be for nothing as
     *  long as gpu_known() is this; 0: it must be told. */
    uint64_t in_vain;
};

/*
 * What the arguments of a launch hold, read once because the user asked for it: when it is wanted,
 * the API waits until nothing is in flight, shows each buffer, and ends when all were shown.
 */
bool gpu_checkpoint_wanted(const struct gpu_launch *launch);
void gpu_checkpoint_seen(const struct gpu_launch *launch, const struct gpu_argument *argument,
                         const void *bytes);
void gpu_checkpoint_end(void);

/** A kernel is about to be launched.  The first launch of a megakernel records what went up into
 *  its ring before. */
void gpu_launch_begin(struct gpu_submit *submit, const struct gpu_launch *launch);
void gpu_launch_end(struct gpu_submit *submit, const struct gpu_launch *launch, bool made);

/** Bytes that are on their way to the host. */
struct gpu_readback {
    uintptr_t buffer;
    size_t offset;
    size_t count;
    /** recorder_look_at_epoch(), from before they began to come. */
    uint32_t look;
    /** Uploads, and launches of any megakernel, that were enqueued before. */
    uint32_t uploads;
    uint32_t launches;
    struct gpu_order order;
    /** Of those launches some may have been running meanwhile. */
    bool beside;
};

/** Bytes are about to come back.  \return false when nobody is interested: the hooks need not
 *  remember it */
bool gpu_readback_begin(struct gpu_readback *readback, uintptr_t buffer,
                        const struct gpu_order *order, size_t offset, size_t count);

/**
 * The host knows now that they have come.
 *
 * \param pieces  where they lie in the host's memory; the host has not written there since
 */
void gpu_readback_end(const struct gpu_readback *readback, const struct gpu_piece *pieces,
                      size_t pieces_len);

#endif
