/*
 * Command buffers (cl_khr_command_buffer 0.9): what was recorded into one is told to the core each
 * time when it is enqueued.
 *
 * Not seen are kernels whose arguments are changed in a finished command buffer
 * (cl_khr_command_buffer_mutable_dispatch): they are taken for launched as they were recorded.
 */
#include "capture/opencl_extensions.h"

#include <CL/cl_ext.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/opencl_launches.h"
#include "capture/opencl_memory.h"

#define COMMAND_BUFFERS_MAX 256u
/** Of cl_double16. */
#define PATTERN_MAX 128u

enum command_kind {
    COMMAND_LAUNCH,
    COMMAND_COPY,
    COMMAND_FILL,
    COMMAND_LOSE,
};

struct command {
    struct command *next;
    /** Of the mapping that it lies in. */
    size_t map_bytes;
    enum command_kind kind;
    /** Where it writes; of a copy also what it reads. */
    struct opencl_place to;
    struct opencl_place from;
    struct opencl_rectangle rectangle;
    size_t pattern_bytes;
    uint8_t pattern[PATTERN_MAX];
    /** Of launches only, the others have no room for it. */
    struct opencl_launch described[];
};

struct command_buffer {
    cl_command_buffer_khr handle;
    cl_command_queue queue;
    uint32_t references;
    struct command *first;
    struct command *last;
};

static _Atomic(void *) remembered;

struct command_buffers {
    struct opencl_memory memory;
    struct command_buffer list[COMMAND_BUFFERS_MAX];
};

static struct command_buffers *lock(void)
{
    return gpu_is_remembered() ? opencl_lock(&remembered, sizeof(struct command_buffers)) : NULL;
}

static struct command_buffer *find(struct command_buffers *known, cl_command_buffer_khr handle)
{
    for (unsigned i = 0; i < COMMAND_BUFFERS_MAX; i++)
        if (known->list[i].handle == handle)
            return &known->list[i];
    return NULL;
}

static void forget(struct command_buffer *buffer)
{
    for (struct command *next, *one = buffer->first; one != NULL; one = next) {
        next = one->next;
        munmap(one, one->map_bytes);
    }
    *buffer = (struct command_buffer){0};
}

static struct command *make_command(enum command_kind kind)
{
    size_t bytes = sizeof(struct command);
    if (kind == COMMAND_LAUNCH)
        bytes += sizeof(struct opencl_launch);
    struct command *made =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        return NULL;
    made->map_bytes = bytes;
    made->kind = kind;
    return made;
}

/** Append a command, which may be NULL. */
static void add(cl_command_buffer_khr handle, struct command *command)
{
    struct command_buffers *known = command == NULL ? NULL : lock();
    struct command_buffer *buffer = known == NULL ? NULL : find(known, handle);
    if (buffer == NULL) {
        if (command != NULL)
            munmap(command, command->map_bytes);
    } else {
        *(buffer->last == NULL ? &buffer->first : &buffer->last->next) = command;
        buffer->last = command;
    }
    if (known != NULL)
        opencl_unlock(known);
}

/** The function behind a hook of this file, of its type. */
#define ORIGINAL(name) ((name##_fn)original_of(hook_of(#name)))

static struct hook *hook_of(const char *name)
{
    struct hook *hook = opencl_command_buffer_hooks;
    while (strcmp(hook->name, name) != 0)
        hook++;
    return hook;
}

static cl_command_buffer_khr CL_API_CALL create(cl_uint queues_len, const cl_command_queue *queues,
                                                const cl_command_buffer_properties_khr *properties,
                                                cl_int *error)
{
    cl_command_buffer_khr made =
        ORIGINAL(clCreateCommandBufferKHR)(queues_len, queues, properties, error);
    int saved = errno;
    struct command_buffers *known = made == NULL ? NULL : lock();
    if (known != NULL) {
        struct command_buffer *buffer = find(known, made);
        if (buffer != NULL)
            forget(buffer);
        else
            buffer = find(known, NULL);
        if (buffer != NULL)
            *buffer = (struct command_buffer){.handle = made, .queue = queues[0], .references = 1};
        opencl_unlock(known);
    }
    errno = saved;
    return made;
}

static cl_int CL_API_CALL retain(cl_command_buffer_khr handle)
{
    cl_int result = ORIGINAL(clRetainCommandBufferKHR)(handle);
    int saved = errno;
    struct command_buffers *known = result == CL_SUCCESS ? lock() : NULL;
    struct command_buffer *buffer = known == NULL ? NULL : find(known, handle);
    if (buffer != NULL)
        buffer->references++;
    if (known != NULL)
        opencl_unlock(known);
    errno = saved;
    return result;
}

static cl_int CL_API_CALL release(cl_command_buffer_khr handle)
{
    int saved = errno;
    struct command_buffers *known = handle == NULL ? NULL : lock();
    struct command_buffer *buffer = known == NULL ? NULL : find(known, handle);
    if (buffer != NULL && --buffer->references == 0)
        forget(buffer);
    if (known != NULL)
        opencl_unlock(known);
    errno = saved;
    return ORIGINAL(clReleaseCommandBufferKHR)(handle);
}

static struct command *describe_copy(cl_mem from, cl_mem to,
                                     const struct opencl_rectangle *rectangle)
{
    struct opencl_place source;
    struct opencl_place target;
    if (!opencl_find_memory(from, &source) || !opencl_find_memory(to, &target))
        return NULL;
    struct command *made = make_command(COMMAND_COPY);
    if (made == NULL)
        return NULL;
    made->from = source;
    made->to = target;
    made->rectangle = *rectangle;
    return made;
}

static cl_int CL_API_CALL copy(cl_command_buffer_khr handle, cl_command_queue queue, cl_mem from,
                               cl_mem to, size_t from_offset, size_t to_offset, size_t count,
                               cl_uint waits_len, const cl_sync_point_khr *waits,
                               cl_sync_point_khr *point, cl_mutable_command_khr *command)
{
    cl_int result = ORIGINAL(clCommandCopyBufferKHR)(
        handle, queue, from, to, from_offset, to_offset, count, waits_len, waits, point, command);
    int saved = errno;
    const struct opencl_rectangle line = opencl_line(to_offset, (const void *)from_offset, count);
    if (result == CL_SUCCESS && gpu_is_remembered())
        add(handle, describe_copy(from, to, &line));
    errno = saved;
    return result;
}

static cl_int CL_API_CALL copy_rectangle(cl_command_buffer_khr handle, cl_command_queue queue,
                                         cl_mem from, cl_mem to, const size_t *from_origin,
                                         const size_t *to_origin, const size_t *region,
                                         size_t from_row, size_t from_slice, size_t to_row,
                                         size_t to_slice, cl_uint waits_len,
                                         const cl_sync_point_khr *waits, cl_sync_point_khr *point,
                                         cl_mutable_command_khr *command)
{
    cl_int result = ORIGINAL(clCommandCopyBufferRectKHR)(
        handle, queue, from, to, from_origin, to_origin, region, from_row, from_slice, to_row,
        to_slice, waits_len, waits, point, command);
    int saved = errno;
    if (result == CL_SUCCESS && gpu_is_remembered()) {
        const struct opencl_rectangle rectangle = opencl_rectangle_of(
            to_origin, from_origin, region, to_row, to_slice, from_row, from_slice, NULL);
        add(handle, describe_copy(from, to, &rectangle));
    }
    errno = saved;
    return result;
}

static cl_int CL_API_CALL fill(cl_command_buffer_khr handle, cl_command_queue queue, cl_mem memory,
                               const void *pattern, size_t pattern_bytes, size_t offset,
                               size_t count, cl_uint waits_len, const cl_sync_point_khr *waits,
                               cl_sync_point_khr *point, cl_mutable_command_khr *command)
{
    cl_int result =
        ORIGINAL(clCommandFillBufferKHR)(handle, queue, memory, pattern, pattern_bytes, offset,
                                         count, waits_len, waits, point, command);
    int saved = errno;
    struct opencl_place place;
    struct command *made = NULL;
    if (result == CL_SUCCESS && gpu_is_remembered() && pattern_bytes <= PATTERN_MAX &&
        opencl_find_memory(memory, &place))
        made = make_command(COMMAND_FILL);
    if (made != NULL) {
        made->to = (struct opencl_place){place.buffer, place.offset + offset, count};
        made->pattern_bytes = pattern_bytes;
        memcpy(made->pattern, pattern, pattern_bytes);
    }
    add(handle, made);
    errno = saved;
    return result;
}

static cl_int CL_API_CALL copy_image(cl_command_buffer_khr handle, cl_command_queue queue,
                                     cl_mem image, cl_mem memory, const size_t *origin,
                                     const size_t *region, size_t offset, cl_uint waits_len,
                                     const cl_sync_point_khr *waits, cl_sync_point_khr *point,
                                     cl_mutable_command_khr *command)
{
    cl_int result = ORIGINAL(clCommandCopyImageToBufferKHR)(
        handle, queue, image, memory, origin, region, offset, waits_len, waits, point, command);
    int saved = errno;
    struct opencl_place place;
    struct command *made = NULL;
    if (result == CL_SUCCESS && gpu_is_remembered() && opencl_find_memory(memory, &place))
        made = make_command(COMMAND_LOSE);
    if (made != NULL)
        made->to = place;
    add(handle, made);
    errno = saved;
    return result;
}

static cl_int CL_API_CALL launch(cl_command_buffer_khr handle, cl_command_queue queue,
                                 const cl_ndrange_kernel_command_properties_khr *properties,
                                 cl_kernel kernel, cl_uint dimensions, const size_t *global_offset,
                                 const size_t *global_size, const size_t *local_size,
                                 cl_uint waits_len, const cl_sync_point_khr *waits,
                                 cl_sync_point_khr *point, cl_mutable_command_khr *command)
{
    cl_int result = ORIGINAL(clCommandNDRangeKernelKHR)(
        handle, queue, properties, kernel, dimensions, global_offset, global_size, local_size,
        waits_len, waits, point, command);
    int saved = errno;
    struct command *made =
        result == CL_SUCCESS && gpu_is_remembered() ? make_command(COMMAND_LAUNCH) : NULL;
    const struct opencl_lanes lanes = {dimensions, global_offset, global_size, local_size};
    if (made != NULL && !opencl_describe_launch(made->described, queue, kernel, &lanes, 0)) {
        munmap(made, made->map_bytes);
        made = NULL;
    }
    add(handle, made);
    errno = saved;
    return result;
}

/** What was begun and is to be ended when the call's result is known: of each the last one.  Those
 *  before are ended at once, since what they upload may be uploaded over by the next. */
struct begun {
    bool uploading;
    struct gpu_upload upload;
    struct opencl_launch *launch;
    struct gpu_submit submit;
    /** Behind what is enqueued the whole buffer comes, its launches too. */
    cl_uint waits_len;
    const cl_event *waits;
    struct gpu_order order;
};

static void end(struct begun *begun, bool made)
{
    if (begun->uploading)
        gpu_upload_end(&begun->upload, made);
    if (begun->launch != NULL)
        gpu_launch_end(&begun->submit, &begun->launch->launch, made);
    begun->uploading = false;
    begun->launch = NULL;
}

static void begin(struct begun *begun, struct command *command, cl_command_queue queue)
{
    /* A launch is behind the upload that it needs, and the next upload behind the launch. */
    if (command->kind != COMMAND_LAUNCH || begun->launch != NULL)
        end(begun, true);
    /* Commands of one buffer are taken to run in their order. */
    opencl_order(queue, begun->waits_len, begun->waits, &begun->order);
    switch (command->kind) {
    case COMMAND_LAUNCH:
        begun->launch = command->described;
        if (begun->launch->launch.queue == 0)
            begun->launch->launch.queue = (uintptr_t)queue;
        opencl_launch_begin(&begun->submit, begun->launch);
        break;
    case COMMAND_COPY:
        begun->uploading = opencl_copy_begin(&begun->upload, &begun->order, &command->from,
                                             &command->to, &command->rectangle);
        break;
    case COMMAND_FILL:
        begun->uploading = true;
        gpu_fill_begin(&begun->upload, command->to.buffer, &begun->order, command->to.offset,
                       command->to.bytes, command->pattern, command->pattern_bytes);
        break;
    case COMMAND_LOSE:
        gpu_bytes_lost(command->to.buffer, command->to.offset, command->to.bytes);
        break;
    }
}

static cl_int CL_API_CALL enqueue(cl_uint queues_len, cl_command_queue *queues,
                                  cl_command_buffer_khr handle, cl_uint waits_len,
                                  const cl_event *waits, cl_event *event)
{
    int saved = errno;
    struct begun begun = {.waits_len = waits_len, .waits = waits};
    struct command_buffers *known = handle == NULL ? NULL : lock();
    struct command_buffer *buffer = known == NULL ? NULL : find(known, handle);
    cl_command_queue queue = queues_len > 0 && queues != NULL ? queues[0] : NULL;
    if (buffer != NULL && queue == NULL)
        queue = buffer->queue;
    for (struct command *one = buffer == NULL ? NULL : buffer->first; one != NULL; one = one->next)
        begin(&begun, one, queue);
    if (known != NULL)
        opencl_unlock(known);
    errno = saved;
    cl_int result =
        ORIGINAL(clEnqueueCommandBufferKHR)(queues_len, queues, handle, waits_len, waits, event);
    saved = errno;
    end(&begun, result == CL_SUCCESS);
    opencl_order_launch(queue, &begun.submit, &begun.order);
    if (result == CL_SUCCESS && queue != NULL)
        opencl_enqueued(queue, &begun.order, false, event);
    errno = saved;
    return result;
}

struct hook opencl_command_buffer_hooks[] = {
    {"clCreateCommandBufferKHR", create, NULL},
    {"clRetainCommandBufferKHR", retain, NULL},
    {"clReleaseCommandBufferKHR", release, NULL},
    {"clCommandCopyBufferKHR", copy, NULL},
    {"clCommandCopyBufferRectKHR", copy_rectangle, NULL},
    {"clCommandFillBufferKHR", fill, NULL},
    {"clCommandCopyImageToBufferKHR", copy_image, NULL},
    {"clCommandNDRangeKernelKHR", launch, NULL},
    {"clEnqueueCommandBufferKHR", enqueue, NULL},
    {NULL, NULL, NULL},
};
