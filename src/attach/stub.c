#include "attach/stub.h"

#include <signal.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

/** x87, SSE, AVX, AVX-512: what a function may use of what it need not keep. */
#define VECTORS 0xE7u
#define XSAVE_HEADER_END (512u + 64u)
#define OSXSAVE (1u << 27)

static uint32_t enabled_features(void)
{
    uint32_t low;
    uint32_t high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void prepare_vectors(struct stub_parameters *parameters)
{
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    uint64_t bytes = XSAVE_HEADER_END;
    uint32_t mask = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & OSXSAVE) != 0)
        mask = enabled_features() & VECTORS;
    /* Each part beyond the first two tells where it lies. */
    for (unsigned part = 2; part < 32 && mask != 0; part++) {
        if ((mask >> part & 1u) == 0 || __get_cpuid_count(0xD, part, &a, &b, &c, &d) == 0)
            continue;
        bytes = (uint64_t)a + b > bytes ? (uint64_t)a + b : bytes;
    }
    parameters->vector_bytes = bytes;
    parameters->vector_mask = mask;
}

#else

static void prepare_vectors(struct stub_parameters *parameters)
{
    parameters->vector_bytes = 0;
    parameters->vector_mask = 0;
}

#endif

void stub_prepare(struct stub_parameters *parameters)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    memcpy(parameters->magic, STUB_MAGIC, sizeof(parameters->magic));
    parameters->signals = UINT64_MAX;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        parameters->signals &= ~(UINT64_C(1) << (faults[i] - 1));
    prepare_vectors(parameters);
}
