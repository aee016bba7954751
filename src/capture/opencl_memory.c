#include "capture/opencl_memory.h"

#include <sys/mman.h>

#include "capture/recorder.h"

static void *make(_Atomic(void *) *known, size_t bytes)
{
    void *made = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED)
        return NULL;
    void *others = NULL;
    if (madvise(made, bytes, MADV_WIPEONFORK) == 0 &&
        atomic_compare_exchange_strong(known, &others, made))
        return made;
    munmap(made, bytes);
    return others;
}

RECORDER_OFTEN void *opencl_lock(_Atomic(void *) *known, size_t bytes)
{
    void *memory = atomic_load_explicit(known, memory_order_acquire);
    if (memory == NULL)
        memory = make(known, bytes);
    if (memory != NULL)
        pthread_mutex_lock(&((struct opencl_memory *)memory)->lock);
    return memory;
}
