#include "capture/opencl_checkpoint.h"

#include <sys/mman.h>

/** An argument that is larger is left out; no ring is. */
#define READ_MAX ((size_t)64 << 20)

static bool read_argument(const struct gpu_argument *argument, cl_command_queue queue, void *bytes)
{
    __typeof__(&clEnqueueReadBuffer) read = OPENCL_ORIGINAL(clEnqueueReadBuffer);
    __typeof__(&clEnqueueSVMMemcpy) copy = OPENCL_ORIGINAL(clEnqueueSVMMemcpy);
    struct opencl_place place;
    if (opencl_find_memory((cl_mem)argument->buffer, &place))
        return read != NULL && read(queue, (cl_mem)argument->buffer, CL_TRUE, argument->offset,
                                    argument->bytes, bytes, 0, NULL, NULL) == CL_SUCCESS;
    const void *from = (const void *)(argument->buffer + argument->offset);
    return copy != NULL &&
           copy(queue, CL_TRUE, bytes, from, argument->bytes, 0, NULL, NULL) == CL_SUCCESS;
}

/** \return whether the core knows it now */
static bool see_argument(const struct gpu_launch *launch, const struct gpu_argument *argument,
                         cl_command_queue queue)
{
    if (argument->bytes == 0 || argument->bytes > READ_MAX)
        return false;
    void *bytes =
        mmap(NULL, argument->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return false;
    bool read = read_argument(argument, queue, bytes);
    if (read)
        gpu_checkpoint_seen(launch, argument, bytes);
    munmap(bytes, argument->bytes);
    return read;
}

void opencl_checkpoint(const struct gpu_launch *launch, cl_command_queue queue)
{
    __typeof__(&clFinish) finish = OPENCL_ORIGINAL(clFinish);
    if (!gpu_checkpoint_wanted(launch))
        return;
    bool complete = finish != NULL && finish(queue) == CL_SUCCESS;
    for (unsigned i = 0; i < launch->arguments_len && complete; i++)
        if (launch->arguments[i].kind == GPU_ARGUMENT_BUFFER)
            complete = see_argument(launch, &launch->arguments[i], queue);
    if (complete)
        gpu_checkpoint_end();
}
