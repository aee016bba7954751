/**
 * \file opencl_memory.h
 * \brief Memory of the OpenCL hooks that fork wipes, with a lock in it that fork frees.
 */
#ifndef VRRL_CAPTURE_OPENCL_MEMORY_H
#define VRRL_CAPTURE_OPENCL_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/** The first member of what a file of hooks remembers. */
struct opencl_memory {
    pthread_mutex_t lock;
};

/**
 * Lock what \a known points to; it is made, all 0, the first time.
 *
 * \return NULL, and nothing is locked, when memory could not be had
 */
void *opencl_lock(_Atomic(void *) *known, size_t bytes);

static inline void opencl_unlock(void *memory)
{
    pthread_mutex_unlock(&((struct opencl_memory *)memory)->lock);
}

#endif
