#include "replay/ring_look.h"

#include <stdlib.h>

#include "replay/opencl_device.h"
#include "vyre/vyre_protocol.h"

bool ring_look_claimed(cl_command_queue looking, cl_mem buffer, size_t offset, uint32_t first,
                       uint32_t end, uint32_t *slot)
{
    size_t bytes = (size_t)(end - first) * VYRE_SLOT_BYTES;
    uint32_t *words = bytes > 0 ? malloc(bytes) : NULL;
    cl_event read;
    if (words == NULL ||
        clEnqueueReadBuffer(looking, buffer, CL_FALSE, offset + (size_t)first * VYRE_SLOT_BYTES,
                            bytes, words, 0, NULL, &read) != CL_SUCCESS)
        return false;
    /* A copy that is still under way keeps its memory: this process ends soon. */
    if (!opencl_wait_briefly(looking, read))
        return false;
    uint32_t number = first;
    while (number < end && words[(size_t)(number - first) * VYRE_SLOT_WORDS + VYRE_SLOT_STATUS] !=
                               VYRE_STATUS_CLAIMED)
        number++;
    free(words);
    *slot = number;
    return number < end;
}
