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
#define BARRIERS_MAX 16u

/** A read-back that the host does not know to be complete yet. */
struct expected {
    struct opencl_read read;
    cl_command_queue queue;
    cl_event event;
    uint64_t order;
};

/** An event of a command that was enqueued behind reads, or when a megakernel had been launched. */
struct behind {
    cl_event event;
    cl_command_queue queue;
    uint64_t order;
    struct gpu_order launches;
};

static _Atomic(void *) remembered;

struct completions {
    struct opencl_memory memory;
    /** Commands that were enqueued. */
    uint64_t order;
    /** Oldest first. */
    struct expected reads[READS_MAX];
    unsigned reads_len;
    /** Each at the place of its event; of two with one place the later. */
    struct behind events[EVENTS_MAX];
    /** What comes later on these queues comes behind these launches, of queues that are not in
     *  order; of too many the oldest is forgotten. */
    struct gpu_launches barriers[BARRIERS_MAX];
    unsigned barriers_next;
};

static struct completions *lock_known(void)
{
    if (atomic_load_explicit(&remembered, memory_order_acquire) == NULL)
        return NULL;
    return opencl_lock(&remembered, sizeof(struct completions));
}

static struct behind *place_of(struct completions *known, cl_event event)
{
    uint64_t hash = (uint64_t)(uintptr_t)event * UINT64_C(0x9E3779B97F4A7C15);
    return &known->events[(hash >> 32) % EVENTS_MAX];
}

static void add_launches(struct gpu_order *order, uintptr_t queue, uint32_t first, uint32_t last)
{
    if (order->len < GPU_ORDER_MAX)
        order->behind[order->len++] = (struct gpu_launches){queue, first, last};
}

void opencl_read_begin(struct opencl_read *read, const struct gpu_order *order,
                       const struct opencl_place *place, const struct opencl_rectangle *rectangle)
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
        gpu_readback_begin(&read->readback, place->buffer, order, read->rectangle.buffer_at, count);
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

RECORDER_OFTEN void opencl_order(cl_command_queue queue, cl_uint waits_len, const cl_event *waits,
                                 struct gpu_order *order)
{
    order->len = 0;
    if (!gpu_is_watched())
        return;
    int saved = errno;
    opencl_tell_running();
    uint32_t last = gpu_last_launch();
    if (last == 0) {
        errno = saved;
        return;
    }
    bool in_order = is_in_order(queue);
    if (in_order)
        add_launches(order, (uintptr_t)queue, 0, last);
    struct completions *known = in_order && waits_len == 0 ? NULL : lock_known();
    for (unsigned i = 0; known != NULL && !in_order && i < BARRIERS_MAX; i++)
        if (known->barriers[i].queue == (uintptr_t)queue)
            add_launches(order, (uintptr_t)queue, 0, known->barriers[i].last);
    for (cl_uint i = 0; known != NULL && waits != NULL && i < waits_len; i++) {
        const struct behind *behind = place_of(known, waits[i]);
        for (unsigned j = 0; behind->event == waits[i] && j < behind->launches.len; j++) {
            const struct gpu_launches *launches = &behind->launches.behind[j];
            add_launches(order, launches->queue, launches->first, launches->last);
        }
    }
    if (known != NULL)
        opencl_unlock(known);
    errno = saved;
}

/** Of a command that waits for all that is on its queue. */
static void order_behind_all(cl_command_queue queue, struct gpu_order *order)
{
    uint32_t last = gpu_last_launch();
    order->len = 0;
    if (last > 0)
        add_launches(order, (uintptr_t)queue, 0, last);
}

/** A command was enqueued that those behind it on its queue wait for. */
static void remember_barrier(cl_command_queue queue, const struct gpu_order *order)
{
    struct completions *known =
        order->len == 0 || is_in_order(queue) ? NULL : opencl_lock(&remembered, sizeof(*known));
    if (known == NULL)
        return;
    unsigned at = 0;
    while (at < BARRIERS_MAX && known->barriers[at].queue != (uintptr_t)queue)
        at++;
    if (at == BARRIERS_MAX)
        at = known->barriers_next++ % BARRIERS_MAX;
    known->barriers[at] = order->behind[0];
    opencl_unlock(known);
}

void opencl_order_launch(cl_command_queue queue, const struct gpu_submit *submit,
                         struct gpu_order *order)
{
    if (submit->number > 0)
        add_launches(order, (uintptr_t)queue, submit->number, submit->number);
}

static void came_back(const struct opencl_read *read)
{
    struct opencl_pieces pieces;
    if (!opencl_cut(&read->rectangle, &pieces))
        return;
    gpu_readback_end(&read->readback, pieces.list, pieces.len);
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

RECORDER_OFTEN static void complete(cl_command_queue queue, uint64_t order, cl_event event)
{
    struct expected taken;
    while (take_complete(queue, order, event, &taken))
        came_back(&taken.read);
}

/** The host knows that a command is complete, by its event. */
RECORDER_OFTEN static void complete_event(cl_event event)
{
    struct completions *known = event == NULL ? NULL : lock_known();
    if (known == NULL)
        return;
    struct behind behind = *place_of(known, event);
    opencl_unlock(known);
    if (behind.event == event)
        gpu_completed(&behind.launches);
    complete(NULL, 0, event);
    if (behind.event == event && is_in_order(behind.queue))
        complete(behind.queue, behind.order, NULL);
}

void opencl_read_enqueued(const struct opencl_read *read, cl_command_queue queue, bool blocking,
                          const cl_event *event)
{
    const struct gpu_order *order = &read->readback.order;
    if (blocking)
        opencl_enqueued(queue, order, true, event);
    if (read->wanted && blocking)
        came_back(read);
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
            .order = known->order + 1,
        };
        opencl_unlock(known);
    }
    opencl_enqueued(queue, order, false, event);
}

RECORDER_OFTEN void opencl_enqueued(cl_command_queue queue, const struct gpu_order *launches,
                                    bool blocking, const cl_event *event)
{
    if (blocking)
        gpu_completed(launches);
    struct completions *known = launches->len > 0 && gpu_is_watched()
                                    ? opencl_lock(&remembered, sizeof(struct completions))
                                    : lock_known();
    if (known == NULL)
        return;
    uint64_t order = ++known->order;
    bool reads = known->reads_len > 0;
    bool with_event = (reads || launches->len > 0) && event != NULL && *event != NULL;
    /* A read whose event was released may not be taken for a command with the same handle. */
    for (unsigned i = 0; with_event && i < known->reads_len; i++)
        if (known->reads[i].event == *event && known->reads[i].order < order)
            known->reads[i].event = NULL;
    if (with_event)
        *place_of(known, *event) = (struct behind){*event, queue, order, *launches};
    opencl_unlock(known);
    if (reads && blocking && is_in_order(queue))
        complete(queue, order, NULL);
}

RECORDER_OFTEN OPENCL_HOOK cl_int CL_API_CALL clFinish(cl_command_queue queue)
{
    OPENCL_PASS_ON(clFinish, CL_INVALID_PLATFORM)
    struct gpu_order order;
    order_behind_all(queue, &order);
    cl_int result = original(queue);
    int saved = errno;
    if (result == CL_SUCCESS && queue != NULL) {
        gpu_completed(&order);
        complete(queue, UINT64_MAX, NULL);
    }
    errno = saved;
    return result;
}

RECORDER_OFTEN OPENCL_HOOK cl_int CL_API_CALL clWaitForEvents(cl_uint events_len,
                                                              const cl_event *events)
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

static bool completion_matters(void)
{
    struct completions *known = lock_known();
    bool expected = known != NULL && (known->reads_len > 0 || gpu_last_launch() > 0);
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
    if (function != NULL && type == CL_COMPLETE && completion_matters())
        callback = malloc(sizeof(*callback));
    if (callback == NULL)
        return original(event, type, function, user_data);
    *callback = (struct callback){function, user_data};
    cl_int result = original(event, type, call_back, callback);
    if (result != CL_SUCCESS)
        free(callback);
    return result;
}

/** What the host learns by a command that does nothing itself. */
static void order_of_marker(cl_command_queue queue, cl_uint waits_len, const cl_event *waits,
                            struct gpu_order *order)
{
    if (waits_len == 0)
        order_behind_all(queue, order);
    else
        opencl_order(queue, waits_len, waits, order);
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueMarkerWithWaitList(cl_command_queue queue,
                                                           cl_uint waits_len, const cl_event *waits,
                                                           cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueMarkerWithWaitList, CL_INVALID_PLATFORM)
    struct gpu_order order;
    order_of_marker(queue, waits_len, waits, &order);
    cl_int result = original(queue, waits_len, waits, event);
    int saved = errno;
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, &order, false, event);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueBarrierWithWaitList(cl_command_queue queue,
                                                            cl_uint waits_len,
                                                            const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueBarrierWithWaitList, CL_INVALID_PLATFORM)
    struct gpu_order order;
    order_of_marker(queue, waits_len, waits, &order);
    cl_int result = original(queue, waits_len, waits, event);
    int saved = errno;
    if (result == CL_SUCCESS) {
        if (waits_len == 0)
            remember_barrier(queue, &order);
        opencl_enqueued(queue, &order, false, event);
    }
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueMarker(cl_command_queue queue, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueMarker, CL_INVALID_PLATFORM)
    struct gpu_order order;
    order_behind_all(queue, &order);
    cl_int result = original(queue, event);
    int saved = errno;
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, &order, false, event);
    errno = saved;
    return result;
}
