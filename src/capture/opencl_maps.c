/*
 * Buffers that are mapped: what was written there goes up when they are unmapped.
 */
#include "capture/opencl.h"
#include "capture/opencl_memory.h"

#define MAPS_MAX 256u
#define MAP_WRITES (CL_MAP_WRITE | CL_MAP_WRITE_INVALIDATE_REGION)

/** A region that is mapped for writing. */
struct region {
    const void *host;
    struct opencl_place place;
    size_t count;
};

static _Atomic(void *) remembered;

struct maps {
    struct opencl_memory memory;
    struct region regions[MAPS_MAX];
    unsigned len;
};

static void mapped(const void *host, const struct opencl_place *place, size_t count)
{
    struct maps *maps = opencl_lock(&remembered, sizeof(*maps));
    if (maps == NULL)
        return;
    if (maps->len < MAPS_MAX)
        maps->regions[maps->len++] = (struct region){host, *place, count};
    opencl_unlock(maps);
    /* Whole buffers only: the core looks at any of its bytes. */
    if (place->offset == 0 && count == place->bytes)
        gpu_buffer_mapped(place->buffer, host);
}

static bool take_region(const void *host, struct region *region)
{
    if (atomic_load_explicit(&remembered, memory_order_acquire) == NULL)
        return false;
    struct maps *maps = opencl_lock(&remembered, sizeof(*maps));
    bool found = false;
    for (unsigned i = 0; i < maps->len && !found; i++) {
        if (maps->regions[i].host != host)
            continue;
        *region = maps->regions[i];
        maps->regions[i] = maps->regions[--maps->len];
        found = true;
    }
    opencl_unlock(maps);
    return found;
}

/** What comes after a map that succeeded. */
static void end_map(struct opencl_read *read, const struct gpu_order *order,
                    const struct opencl_place *place, const void *host, size_t count,
                    cl_map_flags flags, cl_command_queue queue, bool blocking,
                    const cl_event *event)
{
    int saved = errno;
    if ((flags & CL_MAP_READ) != 0) {
        read->rectangle.host_at = (uintptr_t)host;
        opencl_read_enqueued(read, queue, blocking, event);
    } else {
        opencl_enqueued(queue, order, blocking, event);
    }
    if ((flags & MAP_WRITES) != 0)
        mapped(host, place, count);
    errno = saved;
}

OPENCL_HOOK void *CL_API_CALL clEnqueueMapBuffer(cl_command_queue queue, cl_mem memory,
                                                 cl_bool blocking, cl_map_flags flags,
                                                 size_t offset, size_t count, cl_uint waits_len,
                                                 const cl_event *waits, cl_event *event,
                                                 cl_int *error)
{
    OPENCL_PASS_ON(clEnqueueMapBuffer, NULL)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct opencl_read read;
    struct opencl_place place;
    bool known = gpu_is_watched() && opencl_find_memory(memory, &place);
    if (known) {
        const struct opencl_rectangle line = opencl_line(offset, NULL, count);
        opencl_read_begin(&read, &order, &place, &line);
        place.offset += offset;
        place.bytes -= offset <= place.bytes ? offset : place.bytes;
    }
    void *host =
        original(queue, memory, blocking, flags, offset, count, waits_len, waits, event, error);
    if (known && host != NULL)
        end_map(&read, &order, &place, host, count, flags, queue, blocking, event);
    return host;
}

/** The bytes of a region go up, before it is unmapped. */
static bool begin_unmap(struct gpu_upload *upload, const struct gpu_order *order, const void *host)
{
    struct region region;
    int saved = errno;
    bool found = gpu_is_watched() && take_region(host, &region);
    if (found) {
        gpu_buffer_mapped(region.place.buffer, NULL);
        gpu_upload_begin(upload, region.place.buffer, order,
                         &(struct gpu_piece){region.place.offset, host, region.count}, 1);
    }
    errno = saved;
    return found;
}

static void end_unmap(struct gpu_upload *upload, bool begun, cl_int result, cl_command_queue queue,
                      const struct gpu_order *order, const cl_event *event)
{
    int saved = errno;
    if (begun)
        gpu_upload_end(upload, result == CL_SUCCESS);
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, order, false, event);
    errno = saved;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem memory,
                                                       void *host, cl_uint waits_len,
                                                       const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueUnmapMemObject, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    bool begun = begin_unmap(&upload, &order, host);
    cl_int result = original(queue, memory, host, waits_len, waits, event);
    end_unmap(&upload, begun, result, queue, &order, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueSVMMap(cl_command_queue queue, cl_bool blocking,
                                               cl_map_flags flags, void *address, size_t count,
                                               cl_uint waits_len, const cl_event *waits,
                                               cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueSVMMap, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct opencl_read read;
    struct opencl_place place;
    bool known = gpu_is_watched() && opencl_find_svm(address, &place) && count <= place.bytes;
    if (known) {
        const struct opencl_rectangle line = opencl_line(0, address, count);
        opencl_read_begin(&read, &order, &place, &line);
    }
    cl_int result = original(queue, blocking, flags, address, count, waits_len, waits, event);
    if (known && result == CL_SUCCESS)
        end_map(&read, &order, &place, address, count, flags, queue, blocking, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueSVMUnmap(cl_command_queue queue, void *address,
                                                 cl_uint waits_len, const cl_event *waits,
                                                 cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueSVMUnmap, CL_INVALID_PLATFORM)
    struct gpu_order order;
    opencl_order(queue, waits_len, waits, &order);
    struct gpu_upload upload;
    bool begun = begin_unmap(&upload, &order, address);
    cl_int result = original(queue, address, waits_len, waits, event);
    end_unmap(&upload, begun, result, queue, &order, event);
    return result;
}
