#include "log/clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

#define ANCHOR_NS UINT64_C(1000000)
#define CALIBRATION_NS UINT64_C(100000)
#define BASE_MAX_NS UINT64_C(10000000000)

/** A reading of both clocks that an interrupt made longer than this is of no use. */
#define READING_CYCLES_MAX 1000
#define READING_TRIES 3

/** The kernel gave the counter its trust: it compared it with other clocks for us. */
static bool kernel_trusts_counter(void)
{
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;
    if (!__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) || (edx & (1u << 8)) == 0)
        return false;
    char name[8] = {0};
    int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                    O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, name, sizeof(name) - 1);
    close(file);
    return got >= 4 && strcmp(name, "tsc\n") == 0;
}

/** \return false when every try was interrupted; \a realtime_ns is right all the same. */
static bool read_both(uint64_t *counter, uint64_t *realtime_ns)
{
    for (int try = 0; try < READING_TRIES; try++) {
        uint64_t before = __rdtsc();
        *realtime_ns = log_clock_realtime();
        uint64_t length = __rdtsc() - before;
        *counter = before + length / 2;
        if (length <= READING_CYCLES_MAX)
            return true;
    }
    return false;
}

static void set_anchor(struct log_clock *clock, uint64_t counter, uint64_t ns, uint64_t rate)
{
    uint32_t generation = atomic_load_explicit(&clock->generation, memory_order_relaxed);
    atomic_store_explicit(&clock->generation, generation + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&clock->counter, counter, memory_order_release);
    atomic_store_explicit(&clock->realtime_ns, ns, memory_order_release);
    atomic_store_explicit(&clock->rate, rate, memory_order_release);
    atomic_store_explicit(&clock->generation, generation + 2, memory_order_release);
}

void log_clock_start(struct log_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
    atomic_flag_clear(&clock->renewing);
    if (!kernel_trusts_counter())
        return;
    uint64_t counter;
    uint64_t ns;
    if (!read_both(&clock->base_counter, &clock->base_ns))
        return;
    do {
        if (!read_both(&counter, &ns))
            return;
    } while (ns - clock->base_ns < CALIBRATION_NS);
    /* A clock that was set inside these 100 µs would give a rate of nonsense. */
    if (ns < clock->base_ns || ns - clock->base_ns > 1000 * CALIBRATION_NS)
        return;
    uint64_t cycles = counter - clock->base_counter;
    uint64_t rate = (uint64_t)(((unsigned __int128)(ns - clock->base_ns) << 32) / cycles);
    if (rate == 0)
        return;
    set_anchor(clock, counter, ns, rate);
    clock->anchor_cycles = (ANCHOR_NS << 32) / rate;
}

uint64_t log_clock_renew(struct log_clock *clock)
{
    if (atomic_flag_test_and_set_explicit(&clock->renewing, memory_order_acquire))
        return log_clock_realtime();
    uint64_t counter;
    uint64_t ns;
    if (!read_both(&counter, &ns)) {
        atomic_flag_clear_explicit(&clock->renewing, memory_order_release);
        return ns;
    }
    uint64_t rate = atomic_load_explicit(&clock->rate, memory_order_relaxed);
    uint64_t cycles = counter - clock->base_counter;
    uint64_t passed = ns - clock->base_ns;
    uint64_t measured = rate;
    if (cycles != 0)
        measured = (uint64_t)(((unsigned __int128)passed << 32) / cycles);
    /* Slewing stays below 500 ppm (adjtimex(2)); anything else is a step, and no rate. */
    uint64_t difference = measured > rate ? measured - rate : rate - measured;
    bool step = difference > rate / 1000;
    if (!step)
        rate = measured;
    if (step || passed > BASE_MAX_NS) {
        clock->base_counter = counter;
        clock->base_ns = ns;
    }
    set_anchor(clock, counter, ns, rate);
    atomic_flag_clear_explicit(&clock->renewing, memory_order_release);
    return ns;
}

#else

void log_clock_start(struct log_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
}

uint64_t log_clock_renew(struct log_clock *clock)
{
    (void)clock;
    return log_clock_realtime();
}

#endif
