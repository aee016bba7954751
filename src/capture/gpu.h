/**
 * \file gpu.h
 * \brief What a GPU API does, in words that no API is in: a kernel was launched on buffers,
 *        bytes came back from a buffer.
 *
 * The hooks of an API tell it here; only this file's room knows which buffer is a
 * megakernel's.  Thread safe; not signal safe, as GPU APIs are not.
 */
#ifndef VRRL_CAPTURE_GPU_H
#define VRRL_CAPTURE_GPU_H

#include <stddef.h>
#include <stdint.h>

/** A buffer, by the handle that the API gives it. */
struct gpu_buffer {
    uintptr_t handle;
    size_t bytes;
};

#define GPU_MEGAKERNEL_BUFFERS 4

/** A kernel was launched whose first arguments are these buffers.  By their order and sizes
 *  (protocol.md, Kernel) it is a megakernel or not. */
void gpu_kernel_launched(const struct gpu_buffer buffers[GPU_MEGAKERNEL_BUFFERS]);

/** Bytes of a buffer lie in the host's memory now, and the host knows it.
 *  \param look  of recorder_look_at_epoch(), from before they began to come */
void gpu_bytes_came_back(uintptr_t buffer, size_t offset, const void *bytes, size_t count,
                         uint32_t look);

/** The API may give this handle to another buffer from now on. */
void gpu_buffer_gone(uintptr_t buffer);

#endif
