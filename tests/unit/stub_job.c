#include "stub_job.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CODE_AT 4096u
#define FIRST_ENTRY STUB_PARAMETERS_BYTES

struct stub_parameters *parameters;
struct stub_words words;
struct harness_registers given;

unsigned loads;
char loaded_path[32];
int loaded_mode;
off_t loaded_file_bytes;
sigset_t loaded_signals;
void *load_result;
unsigned wakes;
const char *explanation = "why";

/** Changes whatever a function may change. */
__attribute__((noinline)) static void clobber(void)
{
#if defined(__x86_64__)
    __asm__ volatile("mov $-1, %%rax\n mov %%rax, %%rcx\n mov %%rax, %%rdx\n mov %%rax, %%rsi\n"
                     "mov %%rax, %%rdi\n mov %%rax, %%r8\n mov %%rax, %%r9\n mov %%rax, %%r10\n"
                     "mov %%rax, %%r11\n pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm1, %%xmm1\n"
                     "pcmpeqd %%xmm7, %%xmm7\n pcmpeqd %%xmm15, %%xmm15\n clc\n" ::
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0",
                           "xmm1", "xmm7", "xmm15", "cc", "memory");
    if (harness_wide != 0)
        __asm__ volatile("vzeroupper" ::: "memory");
#else
    __asm__ volatile("mov x0, #-1\n mov x1, x0\n mov x2, x0\n mov x7, x0\n mov x8, x0\n"
                     "mov x15, x0\n mov x16, x0\n mov x17, x0\n movi v0.16b, #255\n"
                     "movi v7.16b, #255\n movi v31.16b, #255\n cmp x0, xzr\n" ::
                         : "x0", "x1", "x2", "x7", "x8", "x15", "x16", "x17", "v0", "v7", "v31",
                           "cc", "memory");
#endif
}

static void *load(const char *path, int mode)
{
    loads++;
    strncpy(loaded_path, path, sizeof(loaded_path) - 1);
    loaded_mode = mode;
    loaded_file_bytes = lseek(words.file, 0, SEEK_END);
    pthread_sigmask(SIG_BLOCK, NULL, &loaded_signals);
    errno = ENOENT;
    clobber();
    return load_result;
}

static const char *explain(void)
{
    clobber();
    return explanation;
}

static void *wake(const char *unused, int mode)
{
    (void)unused;
    (void)mode;
    wakes++;
    clobber();
    return NULL;
}

void *find(void *handle, const char *name)
{
    clobber();
    return handle == load_result && strcmp(name, "wake") == 0 ? (void *)(uintptr_t)wake : NULL;
}

uint64_t address(const void *of)
{
    return (uint64_t)(uintptr_t)of;
}

void set_up(void)
{
    uint8_t *stub = harness_code + CODE_AT;
    ck_assert_int_eq(mprotect(harness_code, HARNESS_CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC),
                     0);
    memcpy(stub, stub_begin, (size_t)(stub_end - stub_begin));
    parameters = (struct stub_parameters *)(void *)stub;
    stub_prepare(parameters);
    words = (struct stub_words){.state = STUB_ARMED};
    loads = wakes = 0;
    load_result = &words;
    parameters->words = address(&words);
    parameters->function = (uint64_t)(uintptr_t)load;
    parameters->path = address("path");
    parameters->mode = 2;
    parameters->errno_location = (uint64_t)(uintptr_t)__errno_location;
    parameters->explain = (uint64_t)(uintptr_t)explain;
    for (unsigned i = 0; i < STUB_ENTRIES; i++)
        parameters->originals[i] = (uint64_t)(uintptr_t)harness_capture;
    for (size_t i = 0; i < sizeof(given); i++)
        ((uint8_t *)&given)[i] = (uint8_t)(i * 7 + 1);
    memset(&harness_captured, 0, sizeof(harness_captured));
#if defined(__x86_64__)
    harness_wide = __builtin_cpu_supports("avx") != 0 && parameters->vector_mask != 0;
#endif
    __builtin___clear_cache((char *)harness_code, (char *)harness_code + HARNESS_CODE_BYTES);
}

uint64_t entry(unsigned number)
{
    return address(parameters) + FIRST_ENTRY + (uint64_t)number * STUB_ENTRY_BYTES;
}

void check_registers(void)
{
#if defined(__x86_64__)
    const unsigned integers = 8;
    const size_t vector_bytes = harness_wide != 0 ? HARNESS_VECTOR_BYTES : 16;
#else
    const unsigned integers = 10;
    const size_t vector_bytes = 16;
#endif
    for (unsigned i = 0; i < integers; i++)
        ck_assert_uint_eq(harness_captured.integers[i], given.integers[i]);
    for (unsigned i = 0; i < HARNESS_VECTORS; i++)
        ck_assert_mem_eq(harness_captured.vectors[i], given.vectors[i], vector_bytes);
}

uint32_t state(void)
{
    return __atomic_load_n(&words.state, __ATOMIC_ACQUIRE);
}

static void pause_a_little(void)
{
    const struct timespec time = {0, 20000};
    nanosleep(&time, NULL);
}

void *answer(void *opaque)
{
    struct answerer *answerer = opaque;
    for (bool yes = false; !yes;) {
        while (state() != STUB_ASKING || words.asked == answerer->asked)
            pause_a_little();
        answerer->asked = words.asked;
        answerer->stack = words.stack;
        yes = answerer->no-- == 0;
        __atomic_store_n(&parameters->answer, answerer->asked << 1 | (yes ? 1u : 0u),
                         __ATOMIC_RELEASE);
    }
    return NULL;
}

void *answer_and_fill(void *opaque)
{
    answer(opaque);
    while (state() != STUB_FILLING)
        pause_a_little();
    if (write(words.file, "contents", 8) != 8)
        return "not to be filled";
    strcpy(words.path, "another path");
    __atomic_store_n(&words.served, 1, __ATOMIC_RELEASE);
    return NULL;
}

void call_answered_by(void *(*tracer)(void *), struct answerer *answerer)
{
    pthread_t thread;
    void *fault;
    ck_assert_int_eq(pthread_create(&thread, NULL, tracer, answerer), 0);
    while (state() == STUB_ARMED) {
        memset(&harness_captured, 0, sizeof(harness_captured));
        errno = E2BIG;
        ck_assert_uint_eq(harness_call(entry(3), &given), 77);
        ck_assert_int_eq(errno, E2BIG);
        check_registers();
        /* Too slow a tracer is asked again. */
        if (state() == STUB_OFF)
            __atomic_store_n(&words.state, STUB_ARMED, __ATOMIC_RELEASE);
    }
    pthread_join(thread, &fault);
    ck_assert_msg(fault == NULL, "%s", (const char *)fault);
}

void call_answered(struct answerer *answerer)
{
    call_answered_by(answer, answerer);
}
