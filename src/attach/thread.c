#include "attach/thread.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#if defined(__aarch64__)
#include <asm/ptrace.h>
#endif
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "attach/proc.h"

/** A thread that runs stops as soon as it is on a processor. */
#define STOP_NS 50000
#define STOP_LOOKS 2000

#if defined(__x86_64__)
typedef struct user_regs_struct registers;
#else
typedef struct user_pt_regs registers;
#endif

static bool has_stopped(pid_t thread, int *status)
{
    const struct timespec time = {0, STOP_NS};
    for (int i = 0; i < STOP_LOOKS; i++) {
        pid_t got = waitpid(thread, status, __WALL | WNOHANG);
        if (got == thread)
            return WIFSTOPPED(*status);
        if (got < 0 && errno != EINTR)
            return false;
        nanosleep(&time, NULL);
    }
    return false;
}

enum stop thread_stop(pid_t thread)
{
    int status = 0;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
        return errno == ESRCH ? STOP_NOT : STOP_FORBIDDEN;
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 || !has_stopped(thread, &status))
        return STOP_NOT;
    if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) == SIGTRAP)
        return STOPPED;
    /* A signal came first, which is the job's; or the job was stopped by one before. */
    int number = status >> 16 == 0 ? WSTOPSIG(status) : 0;
    ptrace(PTRACE_DETACH, thread, NULL, (void *)(intptr_t)number);
    return STOP_NOT;
}

void thread_release(pid_t thread)
{
    ptrace(PTRACE_DETACH, thread, NULL, NULL);
}

static bool read_registers(pid_t thread, registers *all)
{
    struct iovec vector = {all, sizeof(*all)};
    return ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)NT_PRSTATUS, &vector) == 0 &&
           vector.iov_len == sizeof(*all);
}

/** The kernel would send a thread that leaves such a sequence to its beginning. */
static bool is_in_sequence(pid_t thread)
{
    struct __ptrace_rseq_configuration sequence;
    const size_t pointer_at = 8;
    if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, thread, (void *)sizeof(sequence), &sequence) !=
            (long)sizeof(sequence) ||
        sequence.rseq_abi_pointer == 0)
        return false;
    errno = 0;
    long pointer = ptrace(PTRACE_PEEKDATA, thread,
                          (void *)(uintptr_t)(sequence.rseq_abi_pointer + pointer_at), NULL);
    return errno != 0 || pointer != 0;
}

#if defined(__x86_64__)

static bool is_in_call(pid_t thread, const registers *all)
{
    (void)thread;
    return (long long)all->orig_rax >= 0;
}

static bool has_more_state(pid_t thread)
{
    (void)thread;
    return false;
}

static struct thread_place place_of(const registers *all)
{
    return (struct thread_place){.counter = all->rip, .stack = all->rsp};
}

bool thread_send(pid_t thread, const struct thread_place *place)
{
    registers all;
    struct iovec vector = {&all, sizeof(all)};
    if (!read_registers(thread, &all))
        return false;
    all.rip = place->counter;
    all.rsp = place->stack;
    return ptrace(PTRACE_SETREGSET, thread, (void *)(uintptr_t)NT_PRSTATUS, &vector) == 0;
}

#else

static bool is_in_call(pid_t thread, const registers *all)
{
    int number = -1;
    struct iovec vector = {&number, sizeof(number)};
    (void)all;
    return ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)NT_ARM_SYSTEM_CALL, &vector) != 0 ||
           number >= 0;
}

/** The stub keeps the 128-bit registers, and not what SVE adds to them. */
static bool has_more_state(pid_t thread)
{
    struct user_sve_header header;
    struct iovec vector = {&header, sizeof(header)};
    return ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)NT_ARM_SVE, &vector) == 0 &&
           (header.flags & SVE_PT_REGS_MASK) == SVE_PT_REGS_SVE;
}

static struct thread_place place_of(const registers *all)
{
    return (struct thread_place){all->pc, all->sp, all->regs[30]};
}

bool thread_send(pid_t thread, const struct thread_place *place)
{
    registers all;
    struct iovec vector = {&all, sizeof(all)};
    if (!read_registers(thread, &all))
        return false;
    all.pc = place->counter;
    all.sp = place->stack;
    return ptrace(PTRACE_SETREGSET, thread, (void *)(uintptr_t)NT_PRSTATUS, &vector) == 0;
}

#endif

bool thread_place(pid_t thread, struct thread_place *place)
{
    registers all;
    if (!read_registers(thread, &all) || is_in_call(thread, &all) || is_in_sequence(thread) ||
        has_more_state(thread))
        return false;
    *place = place_of(&all);
    return true;
}
