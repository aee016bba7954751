#include "config.h"

#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** How the process was before child_run() changed it; the command gets it so. */
struct signal_state {
    sigset_t mask;
    struct sigaction on_child;
};

static void hold_signals(struct signal_state *before)
{
    sigset_t all;
    sigfillset(&all);
    // A fault of our own must kill us, not wait.
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        sigdelset(&all, faults[i]);
    }
    sigprocmask(SIG_BLOCK, &all, &before->mask);
    // Inherited as ignored, it would let the kernel reap the command without us.
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, &before->on_child);
}

/** What still waits for us was meant for a command that has ended. */
static void drop_pending_signals(void)
{
    const struct timespec no_time = {0};
    sigset_t all;
    sigfillset(&all);
    while (sigtimedwait(&all, NULL, &no_time) > 0) {
    }
}

static void release_signals(const struct signal_state *before)
{
    sigaction(SIGCHLD, &before->on_child, NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static void execute(const char *file, char **argv, const struct child_variable *variables,
                    const struct signal_state *signals, int report)
{
    int error = 0;
    for (const struct child_variable *v = variables; v->name != NULL; v++) {
        if (setenv(v->name, v->value, 1) != 0) {
            error = errno;
        }
    }
    if (error == 0) {
        release_signals(signals);
        // execvp() runs a file without a magic number by the shell, as shells do.
        execvp(file, argv);
        error = errno;
    }
    // Has room for so little, always; there is nobody else to tell.
    (void)!write(report, &error, sizeof(error));
    _exit(126);
}

/** Stop as the command stopped; returns when someone continues us. */
static void stop_too(int stop_signal)
{
    // SIGSTOP would stop us even where no shell is there to continue us; SIGTSTP does not.
    int own = stop_signal == SIGSTOP ? SIGTSTP : stop_signal;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction inherited;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, own);
    sigaction(own, &standard, &inherited);
    raise(own);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    sigprocmask(SIG_BLOCK, &one, NULL);
    sigaction(own, &inherited, NULL);
}

/** Take note of all that happened to the command. \return whether it ended */
static bool reap(pid_t child, int *status)
{
    while (waitpid(child, status, WNOHANG | WUNTRACED) == child) {
        if (WIFEXITED(*status) || WIFSIGNALED(*status)) {
            return true;
        }
        stop_too(WSTOPSIG(*status));
    }
    return false;
}

/** Whether the command should get a signal of ours that it does not have yet. */
static bool passed_on(const siginfo_t *signal, pid_t child)
{
    // Of positive code are the kernel's: the terminal's go to the whole group.
    bool sent = signal->si_code <= 0 && signal->si_pid != child;
    switch (signal->si_signo) {
    case SIGCHLD:
        return false;
    case SIGHUP:
        // A lost terminal tells the leader of its session alone.
        return sent || getsid(0) == getpid();
    case SIGALRM:
        // A timer that was set before we were executed is the command's.
        return true;
    default:
        return sent;
    }
}

static void wait_and_forward(pid_t child, int *status)
{
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        siginfo_t signal;
        if (sigwaitinfo(&all, &signal) < 0) {
            continue;
        }
        if (reap(child, status)) {
            return;
        }
        if (passed_on(&signal, child)) {
            kill(child, signal.si_signo);
        }
    }
}

int child_run(const char *file, char **argv, const struct child_variable *variables, int *status)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        return errno;
    }
    struct signal_state before;
    hold_signals(&before);
    pid_t child = fork();
    if (child == 0) {
        execute(file, argv, variables, &before, report[1]);
    }
    int error = child < 0 ? errno : 0;
    close(report[1]);
    if (child > 0) {
        // End of file: the report was closed by a successful exec.
        ssize_t got;
        int failure;
        do {
            got = read(report[0], &failure, sizeof(failure));
        } while (got < 0 && errno == EINTR);
        if (got == (ssize_t)sizeof(failure)) {
            error = failure;
            waitpid(child, status, 0);
        } else {
            wait_and_forward(child, status);
            drop_pending_signals();
        }
    }
    close(report[0]);
    release_signals(&before);
    return error;
}

int child_repeat_end(int status)
{
    if (!WIFSIGNALED(status)) {
        return WEXITSTATUS(status);
    }
    int signal_number = WTERMSIG(status);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    prctl(PR_SET_DUMPABLE, 0);
    sigaction(signal_number, &standard, NULL);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal_number);
    return 128 + signal_number;
}
