/*
 * Which commands the host knows to be complete, and so which bytes it has seen.
 *
 * On an in-order queue what completes completes all that was enqueued before it.
 */
#include <stdlib.h>
#include <string.h>

#include "capture/opencl.h"
#include "capture/opencl_memory.h"

#define READS_MAX 256u
#define EVENTS_MAX 1024u

/** A read-back that the host does not know to be complete yet. */
struct expected {
    struct opencl_read read;
    cl_command_queue queue;
    cl_event event;
    bool in_order;
    uint64_t order;
};

/** An event of a command that was enqueued behind reads. */
struct behind {
    cl_event event;
    cl_command_queue queue;
    uint64_t order;
};

static _Atomic(void *) remembered;

struct completions {
    struct opencl_memory memory;
    /** Commands that were enqueued. */
    uint64_t order;
    /** Oldest first. */
    struct expected reads[READS_MAX];
    unsigned reads_len;
    /** In a circle. */
    struct behind events[EVENTS_MAX];
    unsigned events_next;
};

static struct completions *lock_known(void)
{
    if (atomic_load_explicit(&remembered, memory_order_acquire) == NULL)
        return NULL;
    return opencl_lock(&remembered, sizeof(struct completions));
}

void opencl_read_begin(struct opencl_read *read, const struct opencl_place *place,
                       const struct opencl_rectangle *rectangle)
{
    const size_t *region = rectangle->region;
    read->rectangle = *rectangle;
    read->rectangle.buffer_at += place->offset;
    size_t count = region[0];
    if (region[1] > 1)
        count += (region[1] - 1) * rectangle->buffer_row;
    if (region[2] > 1)
        count += (region[2] - 1) * rectangle->buffer_slice;
    read->wanted =
        gpu_readback_begin(&read->readback, place->buffer, read->rectangle.buffer_at, count);
}

static bool is_in_order(cl_command_queue queue)
{
    __typeof__(&clGetCommandQueueInfo) get_info = OPENCL_ORIGINAL(clGetCommandQueueInfo);
    cl_command_queue_properties properties = CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    return get_info != NULL &&
           get_info(queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL) ==
               CL_SUCCESS &&
           (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0;
}

static void came_back(const struct opencl_read *read, bool in_order)
{
    struct opencl_pieces pieces;
    if (!opencl_cut(&read->rectangle, &pieces))
        return;
    gpu_readback_end(&read->readback, pieces.list, pieces.len, in_order);
    opencl_free_pieces(&pieces);
}

/** Take out the oldest read that is known to be complete: of this queue up to this order, or with
 *  this event. */
static bool take_complete(cl_command_queue queue, uint64_t order, cl_event event,
                          struct expected *taken)
{
    struct completions *known = lock_known();
    if (known == NULL)
        return false;
    bool found = false;
    for (unsigned i = 0; i < known->reads_len && !found; i++) {
        const struct expected *one = &known->reads[i];
        found = (event != NULL && one->event == event) ||
                (queue != NULL && one->queue == queue && one->order <= order);
        if (!found)
            continue;
        *taken = *one;
        known->reads_len--;
        memmove(&known->reads[i], &known->reads[i + 1],
                (known->reads_len - i) * sizeof(known->reads[0]));
    }
    opencl_unlock(known);
    return found;
}

static void complete(cl_command_queue queue, uint64_t order, cl_event event)
{
    struct expected taken;
    while (take_complete(queue, order, event, &taken))
        came_back(&taken.read, taken.in_order);
}

/** The host knows that a command is complete, by its event. */
static void complete_event(cl_event event)
{
    struct completions *known = event == NULL ? NULL : lock_known();
    if (known == NULL)
        return;
    cl_command_queue queue = NULL;
    uint64_t order = 0;
    for (unsigned i = 0; i < EVENTS_MAX; i++) {
        if (known->events[i].event == event && known->events[i].order > order) {
            queue = known->events[i].queue;
            order = known->events[i].order;
        }
    }
    opencl_unlock(known);
    complete(NULL, 0, event);
    if (queue != NULL && is_in_order(queue))
        complete(queue, order, NULL);
}

void opencl_read_enqueued(const struct opencl_read *read, cl_command_queue queue, bool blocking,
                          const cl_event *event)
{
    bool in_order = read->wanted && is_in_order(queue);
    if (blocking)
        opencl_enqueued(queue, true, event);
    if (read->wanted && blocking)
        came_back(read, in_order);
    if (blocking)
        return;
    struct completions *known =
        read->wanted ? opencl_lock(&remembered, sizeof(struct completions)) : NULL;
    if (known != NULL) {
        /* Of too many the oldest is forgotten: the epoch is seen later. */
        if (known->reads_len == READS_MAX)
            memmove(&known->reads[0], &known->reads[1],
                    --known->reads_len * sizeof(known->reads[0]));
        known->reads[known->reads_len++] = (struct expected){
            .read = *read,
            .queue = queue,
            .event = event == NULL ? NULL : *event,
            .in_order = in_order,
            .order = known->order + 1,
        };
        opencl_unlock(known);
    }
    opencl_enqueued(queue, false, event);
}

void opencl_enqueued(cl_command_queue queue, bool blocking, const cl_event *event)
{
    struct completions *known = lock_known();
    if (known == NULL)
        return;
    uint64_t order = ++known->order;
    bool reads = known->reads_len > 0;
    bool with_event = reads && event != NULL && *event != NULL;
    /* A read whose event was released may not be taken for a command with the same handle. */
    for (unsigned i = 0; with_event && i < known->reads_len; i++)
        if (known->reads[i].event == *event && known->reads[i].order < order)
            known->reads[i].event = NULL;
    if (with_event)
        known->events[known->events_next++ % EVENTS_MAX] = (struct behind){*event, queue, order};
    opencl_unlock(known);
    if (reads && blocking && is_in_order(queue))
        complete(queue, order, NULL);
}

OPENCL_HOOK cl_int CL_API_CALL clFinish(cl_command_queue queue)
{
    OPENCL_PASS_ON(clFinish, CL_INVALID_PLATFORM)
    cl_int result = original(queue);
    int saved = errno;
    if (result == CL_SUCCESS && queue != NULL)
        complete(queue, UINT64_MAX, NULL);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clWaitForEvents(cl_uint events_len, const cl_event *events)
{
    OPENCL_PASS_ON(clWaitForEvents, CL_INVALID_PLATFORM)
    cl_int result = original(events_len, events);
    int saved = errno;
    for (cl_uint i = 0; result == CL_SUCCESS && i < events_len; i++)
        complete_event(events[i]);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clGetEventInfo(cl_event event, cl_event_info name, size_t size,
                                              void *value, size_t *size_out)
{
    OPENCL_PASS_ON(clGetEventInfo, CL_INVALID_PLATFORM)
    cl_int result = original(event, name, size, value, size_out);
    int saved = errno;
    if (result == CL_SUCCESS && name == CL_EVENT_COMMAND_EXECUTION_STATUS && value != NULL &&
        *(const cl_int *)value == CL_COMPLETE)
        complete_event(event);
    errno = saved;
    return result;
}

static bool reads_are_expected(void)
{
    struct completions *known = lock_known();
    bool expected = known != NULL && known->reads_len > 0;
    if (known != NULL)
        opencl_unlock(known);
    return expected;
}

struct callback {
    void(CL_CALLBACK *function)(cl_event, cl_int, void *);
    void *user_data;
};

static void CL_CALLBACK call_back(cl_event event, cl_int status, void *opaque)
{
    struct callback callback = *(struct callback *)opaque;
    free(opaque);
    if (status == CL_COMPLETE)
        complete_event(event);
    callback.function(event, status, callback.user_data);
}

OPENCL_HOOK cl_int CL_API_CALL clSetEventCallback(cl_event event, cl_int type,
                                                  void(CL_CALLBACK *function)(cl_event, cl_int,
                                                                              void *),
                                                  void *user_data)
{
    OPENCL_PASS_ON(clSetEventCallback, CL_INVALID_PLATFORM)
    struct callback *callback = NULL;
    if (function != NULL && type == CL_COMPLETE && reads_are_expected())
        callback = malloc(sizeof(*callback));
    if (callback == NULL)
        return original(event, type, function, user_data);
    *callback = (struct callback){function, user_data};
    cl_int result = original(event, type, call_back, callback);
    if (result != CL_SUCCESS)
        free(callback);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueMarkerWithWaitList(cl_command_queue queue,
                                                           cl_uint waits_len, const cl_event *waits,
                                                           cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueMarkerWithWaitList, CL_INVALID_PLATFORM)
    cl_int result = original(queue, waits_len, waits, event);
    int saved = errno;
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, false, event);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueBarrierWithWaitList(cl_command_queue queue,
                                                            cl_uint waits_len,
                                                            const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueBarrierWithWaitList, CL_INVALID_PLATFORM)
    cl_int result = original(queue, waits_len, waits, event);
    int saved = errno;
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, false, event);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueMarker(cl_command_queue queue, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueMarker, CL_INVALID_PLATFORM)
    cl_int result = original(queue, event);
    int saved = errno;
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, false, event);
    errno = saved;
    return result;
}
