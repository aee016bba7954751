/*
 * Launches that may be under way when recording is switched on: a kernel that never stops is not
 * launched again, and nothing that goes up into its ring would be known for what it is.
 */
#include <string.h>

#include "capture/opencl_launches.h"
#include "capture/opencl_memory.h"

/** Arguments of a megakernel are buffers up to this one at least. */
#define BUFFERS_MIN 4u
#define RUNNING_MAX 64u

/** The last launch of a kernel. */
struct running {
    cl_kernel kernel;
    /** As they were set then: opencl_kernel_changes(). */
    uint32_t changes;
    cl_command_queue queue;
    cl_uint dimensions;
    size_t global_offset[3];
    size_t global_size[3];
    size_t local_size[3];
};

static _Atomic(void *) remembered;
static _Atomic uint32_t told_watch;

struct launches {
    struct opencl_memory memory;
    struct running list[RUNNING_MAX];
    unsigned next;
};

RECORDER_OFTEN void opencl_remember_launch(cl_command_queue queue, cl_kernel kernel,
                                           const struct opencl_lanes *lanes)
{
    uint32_t changes;
    if (!gpu_is_remembered() || !opencl_kernel_changes(kernel, BUFFERS_MIN, &changes))
        return;
    struct launches *launches = opencl_lock(&remembered, sizeof(*launches));
    if (launches == NULL)
        return;
    struct running *running = NULL;
    for (unsigned i = 0; i < RUNNING_MAX && running == NULL; i++)
        if (launches->list[i].kernel == kernel || launches->list[i].kernel == NULL)
            running = &launches->list[i];
    if (running == NULL)
        running = &launches->list[launches->next++ % RUNNING_MAX];
    *running = (struct running){
        .kernel = kernel, .changes = changes, .queue = queue, .dimensions = lanes->dimensions};
    opencl_copy_sizes(running->global_offset, lanes->global_offset, lanes->dimensions);
    opencl_copy_sizes(running->global_size, lanes->global_size, lanes->dimensions);
    opencl_copy_sizes(running->local_size, lanes->local_size, lanes->dimensions);
    opencl_unlock(launches);
}

static void tell(const struct running *running)
{
    struct opencl_launch described;
    struct gpu_submit submit;
    uint32_t changes;
    const struct opencl_lanes lanes = {running->dimensions, running->global_offset,
                                       running->global_size, running->local_size};
    /* Set anew since, or of another kernel with this handle: nobody knows what it runs on. */
    if (!opencl_kernel_changes(running->kernel, BUFFERS_MIN, &changes) ||
        changes != running->changes ||
        !opencl_describe_launch(&described, running->queue, running->kernel, &lanes, 0))
        return;
    opencl_launch_begin(&submit, &described);
    gpu_launch_end(&submit, &described.launch, true);
}

RECORDER_OFTEN void opencl_tell_running(void)
{
    uint32_t watch = recorder_watch();
    const struct settings *settings = recorder_settings();
    if (atomic_load_explicit(&remembered, memory_order_acquire) == NULL ||
        atomic_exchange(&told_watch, watch) == watch || !recorder_is_late())
        return;
    /* What the buffers hold before the first launch is read at the next one, which must be that. */
    if (settings == NULL || settings->checkpoint)
        return;
    struct running list[RUNNING_MAX];
    struct launches *launches = opencl_lock(&remembered, sizeof(*launches));
    if (launches == NULL)
        return;
    memcpy(list, launches->list, sizeof(list));
    opencl_unlock(launches);
    for (unsigned i = 0; i < RUNNING_MAX; i++)
        if (list[i].kernel != NULL)
            tell(&list[i]);
}

/** A queue may be gone with this reference: what ran there is not asked about it any more. */
static void forget(cl_command_queue queue)
{
    if (atomic_load_explicit(&remembered, memory_order_acquire) == NULL)
        return;
    struct launches *launches = opencl_lock(&remembered, sizeof(*launches));
    if (launches == NULL)
        return;
    for (unsigned i = 0; i < RUNNING_MAX; i++)
        if (launches->list[i].queue == queue)
            launches->list[i] = (struct running){0};
    opencl_unlock(launches);
}

OPENCL_HOOK cl_int CL_API_CALL clReleaseCommandQueue(cl_command_queue queue)
{
    OPENCL_PASS_ON(clReleaseCommandQueue, CL_INVALID_PLATFORM)
    int saved = errno;
    forget(queue);
    errno = saved;
    return original(queue);
}
