/*
 * Bytes that are written, read, filled and copied.
 */
#include "capture/opencl.h"

/** Tell the core of an upload.  \return false when there is nothing to be told */
static bool begin_upload(struct gpu_upload *upload, const struct gpu_order *order,
                         const struct opencl_place *place, const struct opencl_rectangle *rectangle)
{
    struct opencl_rectangle moved = *rectangle;
    struct opencl_pieces pieces;
    if (!opencl_fits(rectangle, place->bytes))
        return false;
    moved.buffer_at += place->offset;
    if (!opencl_cut(&moved, &pieces))
        return false;
    gpu_upload_begin(upload, place->buffer, order, pieces.list, pieces.len);
    opencl_free_pieces(&pieces);
    return true;
}

/** What comes after a command that writes a buffer. */
static void end_upload(struct gpu_upload *upload, bool begun, cl_int result, cl_command_queue queue,
                       const struct gpu_order *order, bool blocking, const cl_event *event)
{
    int saved = errno;
    if (begun)
        gpu_upload_end(upload, result == CL_SUCCESS);
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, order, blocking, event);
    errno = saved;
}

RECORDER_OFTEN OPENCL_HOOK cl_int CL_API_CALL clEnqueueWriteBuffer(
    cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t count,
    const void *bytes, cl_uint waits_len, const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueWriteBuffer, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    struct opencl_place place;
    bool begun = bytes != NULL && gpu_is_watched() && opencl_find_memory(memory, &place);
    if (begun) {
        const struct opencl_rectangle line = opencl_line(offset, bytes, count);
        begun = begin_upload(&upload, &order, &place, &line);
    }
    cl_int result =
        original(queue, memory, blocking, offset, count, bytes, waits_len, waits, event);
    end_upload(&upload, begun, result, queue, &order, blocking, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueWriteBufferRect(
    cl_command_queue queue, cl_mem memory, cl_bool blocking, const size_t *buffer_origin,
    const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
    size_t host_row, size_t host_slice, const void *bytes, cl_uint waits_len, const cl_event *waits,
    cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueWriteBufferRect, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    struct opencl_place place;
    bool begun = bytes != NULL && buffer_origin != NULL && host_origin != NULL && region != NULL &&
                 gpu_is_watched() && opencl_find_memory(memory, &place);
    if (begun) {
        const struct opencl_rectangle rectangle =
            opencl_rectangle_of(buffer_origin, host_origin, region, buffer_row, buffer_slice,
                                host_row, host_slice, bytes);
        begun = begin_upload(&upload, &order, &place, &rectangle);
    }
    cl_int result =
        original(queue, memory, blocking, buffer_origin, host_origin, region, buffer_row,
                 buffer_slice, host_row, host_slice, bytes, waits_len, waits, event);
    end_upload(&upload, begun, result, queue, &order, blocking, event);
    return result;
}

static void end_read(const struct opencl_read *read, bool begun, cl_int result,
                     cl_command_queue queue, const struct gpu_order *order, bool blocking,
                     const cl_event *event)
{
    int saved = errno;
    if (begun && result == CL_SUCCESS)
        opencl_read_enqueued(read, queue, blocking, event);
    else if (result == CL_SUCCESS)
        opencl_enqueued(queue, order, blocking, event);
    errno = saved;
}

RECORDER_OFTEN OPENCL_HOOK cl_int CL_API_CALL clEnqueueReadBuffer(
    cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t count,
    void *bytes, cl_uint waits_len, const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueReadBuffer, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct opencl_read read;
    struct opencl_place place;
    bool begun = bytes != NULL && gpu_is_watched() && opencl_find_memory(memory, &place);
    if (begun) {
        const struct opencl_rectangle line = opencl_line(offset, bytes, count);
        opencl_read_begin(&read, &order, &place, &line);
    }
    cl_int result =
        original(queue, memory, blocking, offset, count, bytes, waits_len, waits, event);
    end_read(&read, begun, result, queue, &order, blocking, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueReadBufferRect(
    cl_command_queue queue, cl_mem memory, cl_bool blocking, const size_t *buffer_origin,
    const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
    size_t host_row, size_t host_slice, void *bytes, cl_uint waits_len, const cl_event *waits,
    cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueReadBufferRect, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct opencl_read read;
    struct opencl_place place;
    bool begun = bytes != NULL && buffer_origin != NULL && host_origin != NULL && region != NULL &&
                 gpu_is_watched() && opencl_find_memory(memory, &place);
    if (begun) {
        const struct opencl_rectangle rectangle =
            opencl_rectangle_of(buffer_origin, host_origin, region, buffer_row, buffer_slice,
                                host_row, host_slice, bytes);
        opencl_read_begin(&read, &order, &place, &rectangle);
    }
    cl_int result =
        original(queue, memory, blocking, buffer_origin, host_origin, region, buffer_row,
                 buffer_slice, host_row, host_slice, bytes, waits_len, waits, event);
    end_read(&read, begun, result, queue, &order, blocking, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueFillBuffer(cl_command_queue queue, cl_mem memory,
                                                   const void *pattern, size_t pattern_bytes,
                                                   size_t offset, size_t count, cl_uint waits_len,
                                                   const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueFillBuffer, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    struct opencl_place place;
    bool begun = pattern != NULL && gpu_is_watched() && opencl_find_memory(memory, &place) &&
                 offset <= place.bytes && count <= place.bytes - offset;
    if (begun)
        gpu_fill_begin(&upload, place.buffer, &order, place.offset + offset, count, pattern,
                       pattern_bytes);
    cl_int result =
        original(queue, memory, pattern, pattern_bytes, offset, count, waits_len, waits, event);
    end_upload(&upload, begun, result, queue, &order, false, event);
    return result;
}

bool opencl_copy_begin(struct gpu_upload *upload, const struct gpu_order *order,
                       const struct opencl_place *from, const struct opencl_place *to,
                       const struct opencl_rectangle *rectangle)
{
    struct opencl_pieces pieces;
    if (!opencl_fits(rectangle, to->bytes) || !opencl_cut(rectangle, &pieces))
        return false;
    for (size_t i = 0; i < pieces.len; i++) {
        /* All but the last are told whole: the core knows one at a time. */
        if (i > 0)
            gpu_upload_end(upload, true);
        gpu_copy_begin(upload, order, from->buffer, from->offset + (uintptr_t)pieces.list[i].bytes,
                       to->buffer, to->offset + pieces.list[i].offset, pieces.list[i].count);
    }
    opencl_free_pieces(&pieces);
    return true;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to,
                                                   size_t from_offset, size_t to_offset,
                                                   size_t count, cl_uint waits_len,
                                                   const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueCopyBuffer, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    struct opencl_place source;
    struct opencl_place target;
    bool begun =
        gpu_is_watched() && opencl_find_memory(from, &source) && opencl_find_memory(to, &target);
    if (begun) {
        const struct opencl_rectangle line =
            opencl_line(to_offset, (const void *)from_offset, count);
        begun = opencl_copy_begin(&upload, &order, &source, &target, &line);
    }
    cl_int result =
        original(queue, from, to, from_offset, to_offset, count, waits_len, waits, event);
    end_upload(&upload, begun, result, queue, &order, false, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueCopyBufferRect(
    cl_command_queue queue, cl_mem from, cl_mem to, const size_t *from_origin,
    const size_t *to_origin, const size_t *region, size_t from_row, size_t from_slice,
    size_t to_row, size_t to_slice, cl_uint waits_len, const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueCopyBufferRect, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    struct opencl_place source;
    struct opencl_place target;
    bool begun = from_origin != NULL && to_origin != NULL && region != NULL && gpu_is_watched() &&
                 opencl_find_memory(from, &source) && opencl_find_memory(to, &target);
    if (begun) {
        const struct opencl_rectangle rectangle = opencl_rectangle_of(
            to_origin, from_origin, region, to_row, to_slice, from_row, from_slice, NULL);
        begun = opencl_copy_begin(&upload, &order, &source, &target, &rectangle);
    }
    cl_int result = original(queue, from, to, from_origin, to_origin, region, from_row, from_slice,
                             to_row, to_slice, waits_len, waits, event);
    end_upload(&upload, begun, result, queue, &order, false, event);
    return result;
}

/** Some bytes of a buffer are another's now, which is none that the core knows. */
OPENCL_HOOK cl_int CL_API_CALL clEnqueueCopyImageToBuffer(cl_command_queue queue, cl_mem image,
                                                          cl_mem memory, const size_t *origin,
                                                          const size_t *region, size_t offset,
                                                          cl_uint waits_len, const cl_event *waits,
                                                          cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueCopyImageToBuffer, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    cl_int result = original(queue, image, memory, origin, region, offset, waits_len, waits, event);
    struct opencl_place place;
    int saved = errno;
    if (result == CL_SUCCESS && gpu_is_watched() && opencl_find_memory(memory, &place) &&
        offset <= place.bytes)
        gpu_bytes_lost(place.buffer, place.offset + offset, place.bytes - offset);
    end_upload(NULL, false, result, queue, &order, false, event);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueMigrateMemObjects(
    cl_command_queue queue, cl_uint memories_len, const cl_mem *memories,
    cl_mem_migration_flags flags, cl_uint waits_len, const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueMigrateMemObjects, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    cl_int result = original(queue, memories_len, memories, flags, waits_len, waits, event);
    int saved = errno;
    if (result == CL_SUCCESS && gpu_is_watched()) {
        struct opencl_place place;
        bool lost = (flags & CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED) != 0;
        for (cl_uint i = 0; lost && i < memories_len; i++)
            if (opencl_find_memory(memories[i], &place))
                gpu_bytes_lost(place.buffer, place.offset, place.bytes);
        opencl_enqueued(queue, &order, false, event);
    }
    errno = saved;
    return result;
}

/** Bytes between two addresses, of which each may be in shared virtual memory. */
struct svm_copy {
    bool up;
    bool down;
    struct gpu_upload upload;
    struct opencl_read read;
};

static void begin_svm_copy(struct svm_copy *copy, const struct gpu_order *order, void *to,
                           const void *from, size_t count)
{
    struct opencl_place target;
    struct opencl_place source;
    copy->up = opencl_find_svm(to, &target) && count <= target.bytes;
    copy->down = false;
    bool from_svm = opencl_find_svm(from, &source) && count <= source.bytes;
    if (copy->up && from_svm) {
        gpu_copy_begin(&copy->upload, order, source.buffer, source.offset, target.buffer,
                       target.offset, count);
    } else if (copy->up) {
        gpu_upload_begin(&copy->upload, target.buffer, order,
                         &(struct gpu_piece){target.offset, from, count}, 1);
    } else if (from_svm) {
        const struct opencl_rectangle line = opencl_line(0, to, count);
        copy->down = true;
        opencl_read_begin(&copy->read, order, &source, &line);
    }
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueSVMMemcpy(cl_command_queue queue, cl_bool blocking,
                                                  void *to, const void *from, size_t count,
                                                  cl_uint waits_len, const cl_event *waits,
                                                  cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueSVMMemcpy, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct svm_copy copy = {.up = false};
    if (gpu_is_watched())
        begin_svm_copy(&copy, &order, to, from, count);
    cl_int result = original(queue, blocking, to, from, count, waits_len, waits, event);
    if (copy.down)
        end_read(&copy.read, true, result, queue, &order, blocking, event);
    else
        end_upload(&copy.upload, copy.up, result, queue, &order, blocking, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueSVMMemFill(cl_command_queue queue, void *to,
                                                   const void *pattern, size_t pattern_bytes,
                                                   size_t count, cl_uint waits_len,
                                                   const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueSVMMemFill, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    struct opencl_place place;
    bool begun =
        pattern != NULL && gpu_is_watched() && opencl_find_svm(to, &place) && count <= place.bytes;
    if (begun)
        gpu_fill_begin(&upload, place.buffer, &order, place.offset, count, pattern, pattern_bytes);
    cl_int result = original(queue, to, pattern, pattern_bytes, count, waits_len, waits, event);
    end_upload(&upload, begun, result, queue, &order, false, event);
    return result;
}
