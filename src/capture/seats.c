#include "capture/seats.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct seat seats[SEATS_MAX];

static unsigned home_of(uintptr_t thread)
{
    return (unsigned)((uint64_t)thread * UINT64_C(0x9E3779B97F4A7C15) >> 48) % SEATS_MAX;
}

struct seat *seat_of_this_thread(void)
{
    uintptr_t self = (uintptr_t)pthread_self();
    unsigned home = home_of(self);
    for (unsigned i = 0; i < SEATS_MAX; i++) {
        struct seat *seat = &seats[(home + i) % SEATS_MAX];
        uintptr_t thread = atomic_load_explicit(&seat->thread, memory_order_acquire);
        if (thread == 0 && atomic_compare_exchange_strong(&seat->thread, &thread, self))
            return seat;
        if (thread == self) {
            atomic_store_explicit(&seat->inside, 0, memory_order_relaxed);
            return seat;
        }
    }
    return NULL;
}

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0);
}

void seats_prepare(void)
{
    membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool seats_barrier(void)
{
    return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

bool seats_have_left(uint32_t serial)
{
    for (unsigned i = 0; i < SEATS_MAX; i++) {
        uint32_t inside = atomic_load_explicit(&seats[i].inside, memory_order_acquire);
        if (inside != 0 && inside <= serial)
            return false;
    }
    return true;
}

void seats_keep_own(void)
{
    uintptr_t self = (uintptr_t)pthread_self();
    for (unsigned i = 0; i < SEATS_MAX; i++)
        if (atomic_load(&seats[i].thread) != self)
            atomic_store(&seats[i].inside, 0);
}
