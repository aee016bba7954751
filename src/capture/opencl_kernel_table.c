#include "capture/opencl_kernel_table.h"

#include <string.h>

#define KERNELS_MAX 2048u

static _Atomic(void *) remembered;

struct kernels {
    struct opencl_memory memory;
    unsigned len;
    /** Numbers of kernels, from 1, by their handles. */
    uint16_t numbers[2 * KERNELS_MAX];
    struct kernel list[KERNELS_MAX];
    /** Numbers that are free again. */
    uint16_t free[KERNELS_MAX];
    unsigned free_len;
};

RECORDER_OFTEN struct kernels *opencl_kernels_lock(void)
{
    return opencl_lock(&remembered, sizeof(struct kernels));
}

static unsigned home_of(cl_kernel kernel)
{
    return (unsigned)((uint64_t)(uintptr_t)kernel * UINT64_C(0x9E3779B97F4A7C15) >> 48) %
           (2 * KERNELS_MAX);
}

/** Where the number of a kernel is, or would go. */
static unsigned find_at(const struct kernels *kernels, cl_kernel kernel)
{
    unsigned at = home_of(kernel);
    while (kernels->numbers[at] != 0 && kernels->list[kernels->numbers[at] - 1].kernel != kernel)
        at = (at + 1) % (2 * KERNELS_MAX);
    return at;
}

RECORDER_OFTEN struct kernel *opencl_kernels_find(struct kernels *kernels, cl_kernel kernel)
{
    unsigned number = kernels->numbers[find_at(kernels, kernel)];
    return number == 0 ? NULL : &kernels->list[number - 1];
}

void opencl_kernels_forget(struct kernels *kernels, cl_kernel kernel)
{
    unsigned gap = find_at(kernels, kernel);
    if (kernels->numbers[gap] == 0)
        return;
    kernels->list[kernels->numbers[gap] - 1].kernel = NULL;
    kernels->free[kernels->free_len++] = kernels->numbers[gap];
    const unsigned size = 2 * KERNELS_MAX;
    for (unsigned at = (gap + 1) % size; kernels->numbers[at] != 0; at = (at + 1) % size) {
        unsigned home = home_of(kernels->list[kernels->numbers[at] - 1].kernel);
        bool stays = gap <= at ? gap < home && home <= at : gap < home || home <= at;
        if (stays)
            continue;
        kernels->numbers[gap] = kernels->numbers[at];
        gap = at;
    }
    kernels->numbers[gap] = 0;
}

struct kernel *opencl_kernels_add(struct kernels *kernels, cl_kernel kernel)
{
    opencl_kernels_forget(kernels, kernel);
    unsigned number = 0;
    if (kernels->free_len > 0)
        number = kernels->free[--kernels->free_len];
    else if (kernels->len < KERNELS_MAX)
        number = ++kernels->len;
    if (number == 0)
        return NULL;
    struct kernel *added = &kernels->list[number - 1];
    memset(added, 0, offsetof(struct kernel, values));
    added->kernel = kernel;
    added->references = 1;
    kernels->numbers[find_at(kernels, kernel)] = (uint16_t)number;
    return added;
}
