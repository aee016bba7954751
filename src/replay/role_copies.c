#include "replay/role_copies.h"

#include <string.h>

#include "replay/role_part.h"

bool role_copies_open(struct role_copies *copies, const struct opencl_device *device,
                      cl_command_queue queue, const struct opencl_image *image,
                      uint32_t control_words, struct replay_error *error)
{
    const uint32_t lengths[TIMELINE_ROLES] = {
        [VYRE_KERNEL_ARG_CONTROL] = control_words,
        [VYRE_KERNEL_ARG_DEBUG_LOG] = VYRE_DEBUG_LOG_WORDS,
        [VYRE_KERNEL_ARG_IO_QUEUE] = VYRE_IO_QUEUE_WORDS,
    };
    size_t words = 0;
    copies->image = image;
    copies->queue = queue;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        copies->lengths[role] = image->roles[role] == NULL ? 0 : lengths[role];
        words += copies->lengths[role];
    }
    if (!pinned_make(device, queue, words * sizeof(uint32_t), &copies->memory, error))
        return false;
    uint32_t *at = copies->memory.memory;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        copies->words[role] = copies->lengths[role] > 0 ? at : NULL;
        at += copies->lengths[role];
    }
    return true;
}

bool role_copies_read(struct role_copies *copies, uint32_t role, struct replay_error *error)
{
    if (copies->words[role] == NULL)
        return true;
    cl_int code = clEnqueueReadBuffer(
        copies->queue, copies->image->roles[role], CL_FALSE, copies->image->role_offsets[role],
        copies->lengths[role] * sizeof(uint32_t), copies->words[role], 0, NULL, NULL);
    return opencl_check(code, "clEnqueueReadBuffer", error);
}

bool role_copies_read_all(struct role_copies *copies, struct replay_error *error)
{
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        if (!role_copies_read(copies, role, error))
            return false;
    return true;
}

void role_copies_show(const struct role_copies *copies, struct backend_view *view)
{
    view->control = copies->words[VYRE_KERNEL_ARG_CONTROL];
    view->debug_log = copies->words[VYRE_KERNEL_ARG_DEBUG_LOG];
    view->io_queue = copies->words[VYRE_KERNEL_ARG_IO_QUEUE];
}

void role_copies_close(struct role_copies *copies)
{
    pinned_free(&copies->memory);
}

bool role_copies_write(cl_command_queue queue, const struct timeline_range roles[TIMELINE_ROLES],
                       char *const results[TIMELINE_ROLES], const cl_mem buffers[TIMELINE_ROLES],
                       const struct timeline_range *to, const void *bytes,
                       struct replay_error *error)
{
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        struct role_part part;
        if (role == VYRE_KERNEL_ARG_RING || !role_part(&roles[role], to, &part))
            continue;
        const char *from = (const char *)bytes + part.in_written;
        memcpy(results[role] + part.in_role, from, part.len);
        cl_int code = clEnqueueWriteBuffer(queue, buffers[role], CL_TRUE, part.in_role, part.len,
                                           from, 0, NULL, NULL);
        if (!opencl_check(code, "clEnqueueWriteBuffer", error))
            return false;
    }
    return true;
}
