/**
 * \file clock.h
 * \brief The wall clock of the appends, from the time stamp counter where that can be trusted.
 *
 * clock_gettime() would be four fifths of an append.  Where the kernel itself
 * keeps time by the invariant TSC, time is taken from an anchor (counter, wall
 * clock, rate) that is renewed each millisecond of use, and so stays within 1 µs of
 * CLOCK_REALTIME, but for one such interval after a clock step.  Elsewhere it is
 * CLOCK_REALTIME.
 */
#ifndef VRRL_LOG_CLOCK_H
#define VRRL_LOG_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct log_clock {
    /** Cycles that an anchor is used for; 0: the counter is not trusted. */
    uint64_t anchor_cycles;
    /** Odd while the anchor is being replaced. */
    _Atomic uint32_t generation;
    _Atomic uint64_t counter;
    _Atomic uint64_t realtime_ns;
    /** Nanoseconds a cycle, 32.32 fixed point. */
    _Atomic uint64_t rate;
    /** Held by the thread that renews the anchor; nobody waits for it. */
    atomic_flag renewing;
    /** Older anchor that the rate is measured against; only for who holds \c renewing. */
    uint64_t base_counter;
    uint64_t base_ns;
};

/** Decide whether the counter can be trusted and set the first anchor.  Makes system
 *  calls, and spins for 100 µs where it can.  Not thread safe. */
void log_clock_start(struct log_clock *clock);

/** Replace the anchor.  \return now, as log_clock_now(). */
uint64_t log_clock_renew(struct log_clock *clock);

static inline uint64_t log_clock_realtime(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** Nanoseconds since the UNIX epoch.  Thread and signal safe, no system call. */
static inline uint64_t log_clock_now(struct log_clock *clock)
{
#if defined(__x86_64__)
    uint32_t generation = atomic_load_explicit(&clock->generation, memory_order_acquire);
    uint64_t counter = atomic_load_explicit(&clock->counter, memory_order_acquire);
    uint64_t realtime_ns = atomic_load_explicit(&clock->realtime_ns, memory_order_acquire);
    uint64_t rate = atomic_load_explicit(&clock->rate, memory_order_acquire);
    uint64_t elapsed = __rdtsc() - counter;
    if (elapsed < clock->anchor_cycles && (generation & 1) == 0 &&
        atomic_load_explicit(&clock->generation, memory_order_relaxed) == generation)
        return realtime_ns + (elapsed * rate >> 32);
    if (clock->anchor_cycles != 0)
        return log_clock_renew(clock);
#else
    (void)clock;
#endif
    return log_clock_realtime();
}

#endif
