#include "capture/opencl_state.h"

#include <pthread.h>
#include <string.h>

#define KERNELS_MAX 256
#define READS_MAX 64

struct kernel {
    cl_kernel kernel;
    cl_mem buffers[GPU_MEGAKERNEL_BUFFERS];
};

/** GPU calls take locks of their own; publishes never come here. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/** Most recently used first. */
static struct kernel kernels[KERNELS_MAX];
/** Oldest first. */
static struct opencl_read reads[READS_MAX];
static unsigned reads_count;

/** Bring a kernel to the front, over the last one when it is new. */
static struct kernel *use_kernel(cl_kernel kernel)
{
    unsigned at = 0;
    while (at < KERNELS_MAX - 1 && kernels[at].kernel != kernel && kernels[at].kernel != NULL)
        at++;
    if (at == 0 && kernels[0].kernel == kernel)
        return &kernels[0];
    struct kernel used = {.kernel = kernel};
    if (kernels[at].kernel == kernel)
        used = kernels[at];
    memmove(&kernels[1], &kernels[0], at * sizeof(kernels[0]));
    kernels[0] = used;
    return &kernels[0];
}

void opencl_set_argument(cl_kernel kernel, cl_uint index, cl_mem buffer)
{
    if (index >= GPU_MEGAKERNEL_BUFFERS)
        return;
    pthread_mutex_lock(&lock);
    use_kernel(kernel)->buffers[index] = buffer;
    pthread_mutex_unlock(&lock);
}

bool opencl_arguments(cl_kernel kernel, cl_mem buffers[GPU_MEGAKERNEL_BUFFERS])
{
    pthread_mutex_lock(&lock);
    memcpy(buffers, use_kernel(kernel)->buffers, sizeof(kernels[0].buffers));
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < GPU_MEGAKERNEL_BUFFERS; i++)
        if (buffers[i] == NULL)
            return false;
    return true;
}

static void remove_read(unsigned at)
{
    reads_count--;
    memmove(&reads[at], &reads[at + 1], (reads_count - at) * sizeof(reads[0]));
}

void opencl_expect_read(const struct opencl_read *read)
{
    pthread_mutex_lock(&lock);
    if (reads_count == READS_MAX)
        remove_read(0);
    reads[reads_count++] = *read;
    pthread_mutex_unlock(&lock);
}

bool opencl_take_read(cl_command_queue queue, cl_event event, struct opencl_read *read)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (unsigned at = 0; at < reads_count && !found; at++) {
        if (queue != NULL ? reads[at].queue == queue : reads[at].event == event) {
            *read = reads[at];
            remove_read(at);
            found = true;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}
