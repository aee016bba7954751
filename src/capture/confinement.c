#include "capture/confinement.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#include "capture/dynamic_symbols.h"
#include "capture/original.h"
#include "capture/recorder.h"

#define CONFINEMENT_HOOK __attribute__((visibility("default")))

enum {
    SIGACTION,
    SIGNAL,
    PRCTL,
    SYSCALL,
    FUNCTIONS,
};

static struct hook hooks[FUNCTIONS] = {
    [SIGACTION] = {"sigaction", sigaction, NULL},
    [SIGNAL] = {"signal", signal, NULL},
    [PRCTL] = {"prctl", prctl, NULL},
    [SYSCALL] = {"syscall", syscall, NULL},
};

const struct hook_table confinement_hook_table = {hooks, FUNCTIONS};

#define ORIGINAL(index, name) ((__typeof__(&(name)))original_of(&hooks[index]))

__attribute__((visibility("hidden"))) void *confinement_syscall;

__attribute__((visibility("hidden"))) void confinement_find_syscall(void)
{
    __atomic_store_n(&confinement_syscall, original_of(&hooks[SYSCALL]), __ATOMIC_RELEASE);
}

/** What the host wants done at SIGBUS; the one in force is never written to. */
static struct sigaction wanted[2];
static _Atomic unsigned wanted_now;
/** Ours is installed. */
static _Atomic bool watching;

static const struct sigaction *wanted_action(void)
{
    return &wanted[atomic_load_explicit(&wanted_now, memory_order_acquire) % 2];
}

static void want(const struct sigaction *action)
{
    unsigned now = atomic_load_explicit(&wanted_now, memory_order_relaxed);
    wanted[(now + 1) % 2] = *action;
    atomic_store_explicit(&wanted_now, now + 1, memory_order_release);
}

/** As the signal would have ended the process without us: by its default action, at once for one
 *  that was sent, and when the instruction is run again for one that it made itself. */
static void die_by(int number, const siginfo_t *info)
{
    const struct sigaction otherwise = {.sa_handler = SIG_DFL};
    ORIGINAL(SIGACTION, sigaction)(number, &otherwise, NULL);
    if (info->si_code <= 0)
        raise(number);
}

static void hand_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction action = *wanted_action();
    bool sent = info->si_code <= 0;
    if ((action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN && sent)
        return;
    if ((action.sa_flags & SA_SIGINFO) == 0 &&
        (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) {
        die_by(number, info);
        return;
    }
    if ((action.sa_flags & (int)SA_RESETHAND) != 0)
        want(&(struct sigaction){.sa_handler = SIG_DFL});
    if ((action.sa_flags & SA_SIGINFO) != 0)
        action.sa_sigaction(number, info, context);
    else
        action.sa_handler(number);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code > 0 && recorder_give_up_mapping((uintptr_t)info->si_addr)) {
        errno = saved;
        return;
    }
    hand_on(number, info, context);
}

/** Ours, with what of the host's decides how a handler is run. */
static int install(const struct sigaction *host)
{
    struct sigaction action = {
        .sa_sigaction = on_bus,
        .sa_flags = SA_SIGINFO | (host->sa_flags & (SA_RESTART | SA_NODEFER | SA_ONSTACK))};
    action.sa_mask = host->sa_mask;
    return ORIGINAL(SIGACTION, sigaction)(SIGBUS, &action, NULL);
}

void confinement_watch_mappings(void)
{
    struct sigaction host;
    bool before = false;
    __typeof__(&sigaction) original = ORIGINAL(SIGACTION, sigaction);
    if (original == NULL || !atomic_compare_exchange_strong(&watching, &before, true))
        return;
    if (original(SIGBUS, NULL, &host) != 0)
        return;
    want(&host);
    install(&host);
}

void confinement_leave_mappings(void)
{
    struct sigaction now;
    bool before = true;
    __typeof__(&sigaction) original = ORIGINAL(SIGACTION, sigaction);
    if (!atomic_compare_exchange_strong(&watching, &before, false))
        return;
    /* One that was installed by other means than these hooks stays. */
    if (original(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
        now.sa_sigaction == on_bus)
        original(SIGBUS, wanted_action(), NULL);
}

CONFINEMENT_HOOK int sigaction(int number, const struct sigaction *restrict action,
                               struct sigaction *restrict before)
{
    __typeof__(&sigaction) original = ORIGINAL(SIGACTION, sigaction);
    if (number != SIGBUS || !atomic_load_explicit(&watching, memory_order_acquire))
        return original(number, action, before);
    const struct sigaction host = *wanted_action();
    if (action != NULL) {
        const struct sigaction now = *action;
        want(&now);
        if (install(&now) != 0)
            return -1;
    }
    if (before != NULL)
        *before = host;
    return 0;
}

CONFINEMENT_HOOK __sighandler_t signal(int number, __sighandler_t handler)
{
    if (number != SIGBUS || !atomic_load_explicit(&watching, memory_order_acquire))
        return ORIGINAL(SIGNAL, signal)(number, handler);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct sigaction before;
    sigaddset(&action.sa_mask, number);
    return sigaction(number, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

CONFINEMENT_HOOK int prctl(int option, ...)
{
    va_list list;
    unsigned long arguments[4];
    va_start(list, option);
    for (unsigned i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_SECCOMP)
        recorder_is_confined();
    return ORIGINAL(PRCTL, prctl)(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

__attribute__((visibility("hidden"))) void confinement_seccomp_asked(unsigned long operation)
{
    if (operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER)
        recorder_is_confined();
}
