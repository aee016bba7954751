#include "capture/gpu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "capture/recorder.h"
#include "vyre/vyre_protocol.h"

/** Control buffers that are known at a time; a process has one for each of its megakernels. */
#define CONTROL_BUFFERS_MAX 64

static _Atomic uintptr_t control_buffers[CONTROL_BUFFERS_MAX];

static bool is_control(uintptr_t buffer)
{
    for (unsigned i = 0; i < CONTROL_BUFFERS_MAX; i++)
        if (atomic_load_explicit(&control_buffers[i], memory_order_relaxed) == buffer)
            return true;
    return false;
}

static bool is_megakernel(const struct gpu_buffer buffers[GPU_MEGAKERNEL_BUFFERS])
{
    size_t control = buffers[VYRE_KERNEL_ARG_CONTROL].bytes;
    size_t ring = buffers[VYRE_KERNEL_ARG_RING].bytes;
    return control >= VYRE_CONTROL_WORDS_MIN * sizeof(uint32_t) &&
           control % sizeof(uint32_t) == 0 && ring > 0 && ring % VYRE_SLOT_BYTES == 0 &&
           buffers[VYRE_KERNEL_ARG_DEBUG_LOG].bytes == VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t) &&
           buffers[VYRE_KERNEL_ARG_IO_QUEUE].bytes == VYRE_IO_QUEUE_WORDS * sizeof(uint32_t);
}

void gpu_kernel_launched(const struct gpu_buffer buffers[GPU_MEGAKERNEL_BUFFERS])
{
    uintptr_t control = buffers[VYRE_KERNEL_ARG_CONTROL].handle;
    if (!is_megakernel(buffers) || is_control(control))
        return;
    for (unsigned i = 0; i < CONTROL_BUFFERS_MAX; i++) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&control_buffers[i], &none, control))
            return;
    }
}

void gpu_bytes_came_back(uintptr_t buffer, size_t offset, const void *bytes, size_t count,
                         uint32_t look)
{
    const size_t at = VYRE_CONTROL_EPOCH * sizeof(uint32_t);
    uint32_t epoch;
    if (bytes == NULL || offset > at || count < sizeof(epoch) ||
        at - offset > count - sizeof(epoch) || !is_control(buffer))
        return;
    memcpy(&epoch, (const uint8_t *)bytes + (at - offset), sizeof(epoch));
    recorder_saw_epoch(look, epoch);
}

void gpu_buffer_gone(uintptr_t buffer)
{
    for (unsigned i = 0; i < CONTROL_BUFFERS_MAX; i++) {
        uintptr_t expected = buffer;
        atomic_compare_exchange_strong(&control_buffers[i], &expected, 0);
    }
}
