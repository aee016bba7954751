/*
 * Ways in which the host learns that an epoch it asked for has come.
 *
 * Each asks for it, publishes while it does not know yet, then learns, and publishes again.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "opencl_host.h"

#define EPOCH_AT (VYRE_CONTROL_EPOCH * 4)

static uint32_t epoch_back;

static void publish(struct megakernel *megakernel)
{
    write_batch(megakernel);
    require(clEnqueueWriteBuffer(megakernel->queue, megakernel->ring, CL_TRUE, 0, RING_BYTES,
                                 megakernel->slots, 0, NULL, NULL),
            "write");
    say_batch(megakernel);
}

/** Of another slot, on another queue: nothing becomes known by it. */
static void publish_aside(struct megakernel *megakernel, cl_command_queue aside)
{
    const uint32_t at = SLOTS - 1;
    megakernel->slots[at][VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
    megakernel->slots[at][VYRE_SLOT_OPCODE] = VYRE_OP_NOP;
    megakernel->slots[at][VYRE_SLOT_PRIORITY] = VYRE_PRIORITY_NORMAL;
    megakernel->slots[at][VYRE_SLOT_ARG0]++;
    require(clEnqueueWriteBuffer(aside, megakernel->ring, CL_TRUE, at * VYRE_SLOT_BYTES,
                                 VYRE_SLOT_BYTES, megakernel->slots[at], 0, NULL, NULL),
            "write aside");
    say_slot(megakernel, at);
}

static cl_event ask(struct megakernel *megakernel)
{
    cl_event event;
    require(clEnqueueReadBuffer(megakernel->queue, megakernel->control, CL_FALSE, EPOCH_AT,
                                sizeof(epoch_back), &epoch_back, 0, NULL, &event),
            "read");
    return event;
}

static void by_finish(struct megakernel *megakernel, cl_event event)
{
    (void)event;
    require(clFinish(megakernel->queue), "finish");
}

static void by_wait(struct megakernel *megakernel, cl_event event)
{
    (void)megakernel;
    require(clWaitForEvents(1, &event), "wait");
}

static void by_status(struct megakernel *megakernel, cl_event event)
{
    cl_int status = CL_QUEUED;
    require(clFlush(megakernel->queue), "flush");
    while (status != CL_COMPLETE) {
        require(
            clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status), &status, NULL),
            "status");
        sched_yield();
    }
}

static void CL_CALLBACK set(cl_event event, cl_int status, void *called)
{
    (void)event;
    (void)status;
    atomic_store((_Atomic int *)called, 1);
}

static void by_callback(struct megakernel *megakernel, cl_event event)
{
    _Atomic int called = 0;
    require(clSetEventCallback(event, CL_COMPLETE, set, &called), "callback");
    require(clFlush(megakernel->queue), "flush");
    while (!atomic_load(&called))
        sched_yield();
}

/** What comes later on an in-order queue shows it. */
static void by_later_read(struct megakernel *megakernel, cl_event event)
{
    uint32_t word;
    (void)event;
    require(clEnqueueReadBuffer(megakernel->queue, megakernel->io_queue, CL_TRUE, 0, sizeof(word),
                                &word, 0, NULL, NULL),
            "read");
}

static void by_marker(struct megakernel *megakernel, cl_event event)
{
    cl_event marker;
    (void)event;
    require(clEnqueueMarkerWithWaitList(megakernel->queue, 0, NULL, &marker), "marker");
    require(clWaitForEvents(1, &marker), "wait");
    require(clReleaseEvent(marker), "release");
}

static void by_barrier(struct megakernel *megakernel, cl_event event)
{
    cl_event barrier;
    (void)event;
    require(clEnqueueBarrierWithWaitList(megakernel->queue, 0, NULL, &barrier), "barrier");
    by_status(megakernel, barrier);
    require(clReleaseEvent(barrier), "release");
}

static void learn(struct opencl *opencl, cl_command_queue queue,
                  void (*way)(struct megakernel *megakernel, cl_event event))
{
    struct megakernel megakernel;
    cl_int result;
    cl_command_queue aside =
        clCreateCommandQueueWithProperties(opencl->context, opencl->device, NULL, &result);
    require(result, "queue");
    megakernel_make(&megakernel, opencl);
    megakernel.queue = queue;
    publish(&megakernel);
    for (unsigned i = 0; i < 3; i++) {
        launch(&megakernel);
        require(clEnqueueBarrierWithWaitList(queue, 0, NULL, NULL), "barrier");
        cl_event event = ask(&megakernel);
        publish_aside(&megakernel, aside);
        way(&megakernel, event);
        require_true(epoch_back == megakernel.batches, "the batch did not run");
        megakernel.epoch = epoch_back;
        publish(&megakernel);
        require(clReleaseEvent(event), "release");
    }
}

#define LEARN(name)                                                                                \
    static void learn_##name(struct opencl *opencl)                                                \
    {                                                                                              \
        learn(opencl, opencl->queue, name);                                                        \
    }
LEARN(by_finish)
LEARN(by_wait)
LEARN(by_status)
LEARN(by_callback)
LEARN(by_later_read)
LEARN(by_marker)
LEARN(by_barrier)

/** On a queue that is out of order, other commands show nothing. */
static void out_of_order_way(struct megakernel *megakernel, cl_event event)
{
    by_later_read(megakernel, event);
    publish_aside(megakernel, megakernel->queue);
    by_wait(megakernel, event);
}

static void out_of_order(struct opencl *opencl)
{
    const cl_queue_properties properties[] = {CL_QUEUE_PROPERTIES,
                                              CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, 0};
    cl_int result;
    cl_command_queue queue =
        clCreateCommandQueueWithProperties(opencl->context, opencl->device, properties, &result);
    require(result, "out-of-order queue");
    learn(opencl, queue, out_of_order_way);
}

/** Rectangles, maps and copies of the control buffer bring epochs too. */
static void other_reads(struct opencl *opencl)
{
    struct megakernel megakernel;
    cl_int result;
    megakernel_make(&megakernel, opencl);
    cl_mem copy = make_buffer(opencl, megakernel.control_words, sizeof(megakernel.control_words));
    publish(&megakernel);
    for (unsigned i = 0; i < 3; i++) {
        const size_t buffer_origin[3] = {EPOCH_AT, 0, 0};
        const size_t host_origin[3] = {0};
        const size_t region[3] = {sizeof(epoch_back), 1, 1};
        const uint32_t *mapped;
        launch(&megakernel);
        switch (i) {
        case 0:
            require(clEnqueueReadBufferRect(megakernel.queue, megakernel.control, CL_TRUE,
                                            buffer_origin, host_origin, region, 0, 0, 0, 0,
                                            &epoch_back, 0, NULL, NULL),
                    "read rectangle");
            break;
        case 1:
            mapped = clEnqueueMapBuffer(megakernel.queue, megakernel.control, CL_FALSE, CL_MAP_READ,
                                        EPOCH_AT, 4, 0, NULL, NULL, &result);
            require(result, "map");
            require(clFinish(megakernel.queue), "finish");
            epoch_back = *mapped;
            require(clEnqueueUnmapMemObject(megakernel.queue, megakernel.control, (void *)mapped, 0,
                                            NULL, NULL),
                    "unmap");
            break;
        default:
            require(clEnqueueCopyBuffer(megakernel.queue, megakernel.control, copy, EPOCH_AT,
                                        EPOCH_AT, 4, 0, NULL, NULL),
                    "copy");
            require(clEnqueueReadBuffer(megakernel.queue, copy, CL_TRUE, EPOCH_AT, 4, &epoch_back,
                                        0, NULL, NULL),
                    "read");
        }
        require_true(epoch_back == megakernel.batches, "the batch did not run");
        megakernel.epoch = epoch_back;
        publish(&megakernel);
    }
}

/** What was read before an upload, and is known after it, says nothing of that: the same words
 * again are no new publish. */
static void late_read_of_the_ring(struct opencl *opencl)
{
    static uint32_t seen[SLOTS][VYRE_SLOT_WORDS];
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    for (unsigned i = 0; i < 3; i++) {
        write_batch(&megakernel);
        require(clEnqueueReadBuffer(megakernel.queue, megakernel.ring, CL_FALSE, 0, sizeof(seen),
                                    seen, 0, NULL, NULL),
                "read");
        for (unsigned twice = 0; twice < 2; twice++) {
            require(clEnqueueWriteBuffer(megakernel.queue, megakernel.ring, CL_FALSE, 0, RING_BYTES,
                                         megakernel.slots, 0, NULL, NULL),
                    "write");
            require(clFinish(megakernel.queue), "finish");
        }
        say_batch(&megakernel);
        launch(&megakernel);
        see_epoch(&megakernel);
    }
}

const struct way completion_ways[] = {
    {"learn-by-finish", learn_by_finish},
    {"learn-by-wait", learn_by_wait},
    {"learn-by-status", learn_by_status},
    {"learn-by-callback", learn_by_callback},
    {"learn-by-later-read", learn_by_later_read},
    {"learn-by-marker", learn_by_marker},
    {"learn-by-barrier", learn_by_barrier},
    {"learn-out-of-order", out_of_order},
    {"learn-by-other-reads", other_reads},
    {"late-read", late_read_of_the_ring},
    {NULL, NULL},
};
