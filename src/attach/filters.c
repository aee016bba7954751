#include "attach/filters.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attach/filter_code.h"
#include "attach/proc.h"
#include "attach/target.h"
#include "attach/thread.h"

/** Filters of one process. */
#define FILTERS_MAX 64u
/** A thread that may be stopped is looked for so many times, each 1 ms later. */
#define LOOKS 500
#define LOOK_NS 1000000

/** What the stub, the dynamic linker and the shim may call. */
static const struct call {
    const char *name;
    uint32_t number;
} calls[] = {
#define CALL(name)                                                                                 \
    {                                                                                              \
#name, SYS_##name                                                                          \
    }
    CALL(brk),          CALL(clock_gettime),  CALL(close),
    CALL(faccessat),    CALL(fallocate),      CALL(fcntl),
    CALL(flock),        CALL(fstat),          CALL(fstatfs),
    CALL(ftruncate),    CALL(futex),          CALL(getcwd),
    CALL(getdents64),   CALL(geteuid),        CALL(getpid),
    CALL(getrandom),    CALL(gettid),         CALL(getuid),
    CALL(ioctl),        CALL(kill),           CALL(linkat),
    CALL(lseek),        CALL(madvise),        CALL(membarrier),
    CALL(memfd_create), CALL(mkdirat),        CALL(mmap),
    CALL(mprotect),     CALL(mremap),         CALL(munmap),
    CALL(nanosleep),    CALL(newfstatat),     CALL(openat),
    CALL(pread64),      CALL(prlimit64),      CALL(pwrite64),
    CALL(read),         CALL(readlinkat),     CALL(renameat),
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(sched_getaffinity),
    CALL(sched_yield),  CALL(statfs),         CALL(sysinfo),
    CALL(uname),        CALL(unlinkat),       CALL(write),
#if defined(__x86_64__)
    CALL(access),       CALL(getrlimit),      CALL(link),
    CALL(mkdir),        CALL(open),           CALL(readlink),
    CALL(rename),       CALL(rmdir),          CALL(stat),
    CALL(lstat),        CALL(unlink),
#endif
#undef CALL
};

struct filters {
    size_t len;
    size_t instructions[FILTERS_MAX];
    struct sock_filter *code[FILTERS_MAX];
};

static void free_filters(struct filters *filters)
{
    for (size_t i = 0; i < filters->len; i++)
        free(filters->code[i]);
    filters->len = 0;
}

/** How many a thread is under; before Linux 5.9 it is told only that there are some. */
static uint64_t count(pid_t pid, const char *file)
{
    uint64_t filters = 0;
    uint64_t mode = 0;
    char *status = proc_read(pid, file, NULL);
    if (status != NULL && !proc_number(status, "Seccomp_filters", 10, &filters) &&
        proc_number(status, "Seccomp", 10, &mode) && mode != 0)
        filters = 1;
    free(status);
    return filters;
}

/** A thread that runs, or waits in a call that goes on by itself when the thread was stopped. */
static bool may_be_stopped(pid_t pid, pid_t thread)
{
    static const long waits[] = {
        SYS_futex,
        SYS_nanosleep,
        SYS_clock_nanosleep,
        SYS_ppoll,
        SYS_pselect6,
        SYS_wait4,
        SYS_rt_sigsuspend,
#if defined(__x86_64__)
        SYS_poll,
        SYS_select,
        SYS_pause,
#endif
    };
    char file[48];
    snprintf(file, sizeof(file), "task/%d/syscall", (int)thread);
    char *text = proc_read(pid, file, NULL);
    bool may = text != NULL && strncmp(text, "running", strlen("running")) == 0;
    long call = text == NULL || may ? -1 : strtol(text, NULL, 10);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        may = may || call == waits[i];
    free(text);
    return may;
}

/** Those of a stopped thread, the last one first.  \return 0 or an errno */
static int read_filters(pid_t thread, struct filters *filters)
{
    for (filters->len = 0; filters->len < FILTERS_MAX; filters->len++) {
        struct sock_filter *code = calloc(BPF_MAXINSNS, sizeof(*code));
        long got = code == NULL
                       ? -1
                       : ptrace(PTRACE_SECCOMP_GET_FILTER, thread, (void *)filters->len, code);
        if (got < 0) {
            int error = errno;
            free(code);
            return error == ENOENT && filters->len > 0 ? 0 : error;
        }
        filters->code[filters->len] = code;
        filters->instructions[filters->len] = (size_t)got;
    }
    return E2BIG;
}

/** \return 0, EAGAIN, or an errno */
static int read_of_thread(pid_t thread, struct filters *filters)
{
    enum stop stop = thread_stop(thread);
    if (stop != STOPPED)
        return stop == STOP_FORBIDDEN ? errno : EAGAIN;
    int error = read_filters(thread, filters);
    thread_release(thread);
    if (error != 0)
        free_filters(filters);
    return error;
}

/** One thread tells of all, where they are under as many.  \return 0 or an errno */
static int read_of_any(pid_t pid, struct filters *filters)
{
    char path[32];
    int error = EAGAIN;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return errno;
    for (const struct dirent *entry; error == EAGAIN && (entry = readdir(threads)) != NULL;) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        if (thread > 0 && may_be_stopped(pid, thread))
            error = read_of_thread(thread, filters);
    }
    closedir(threads);
    return error;
}

static bool are_alike(pid_t pid, uint64_t filters)
{
    char path[32];
    bool alike = true;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (const struct dirent *entry; threads != NULL && (entry = readdir(threads)) != NULL;) {
        char file[300];
        snprintf(file, sizeof(file), "task/%s/status", entry->d_name);
        alike = alike && (entry->d_name[0] == '.' || count(pid, file) == filters);
    }
    if (threads != NULL)
        closedir(threads);
    return alike;
}

/** \return what one of the filters may end the process for, NULL: nothing */
static const char *find_harm(const struct filters *filters)
{
    for (size_t i = 0; i < filters->len; i++)
        for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
            if (!filter_code_spares(filters->code[i], filters->instructions[i], calls[c].number))
                return calls[c].name;
    return NULL;
}

static bool fail_unread(pid_t pid, const char *why, struct attach_error *error)
{
    target_fail(
        error, pid,
        "a filter of system calls (seccomp) that vrrl is not under may end it when it loads "
        "a library, and cannot be read: %s. Fix: run vrrl as root, under no filter and while the "
        "job "
        "publishes, or in the job's container, or start the job with 'vrrl record'.",
        why);
    return false;
}

bool filters_check(pid_t pid, struct attach_error *error)
{
    struct filters filters = {.len = 0};
    uint64_t theirs = count(pid, "status");
    if (theirs <= count(getpid(), "status"))
        return true;
    if (!are_alike(pid, theirs))
        return fail_unread(pid, "its threads are under different ones", error);
    int failed = EAGAIN;
    for (int i = 0; i < LOOKS && failed == EAGAIN; i++) {
        if (i > 0)
            nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
        failed = read_of_any(pid, &filters);
    }
    if (failed != 0)
        return fail_unread(pid,
                           failed == EAGAIN
                               ? "its threads wait in calls that would not go on after a stop"
                               : strerror(failed),
                           error);
    const char *harm = find_harm(&filters);
    free_filters(&filters);
    if (harm != NULL)
        target_fail(
            error, pid,
            "a filter of system calls (seccomp) may end it for %s(), which loading the shim "
            "or recording can take. Fix: have the filter refuse that by an error number, or "
            "allow it, or start the job with 'vrrl record'.",
            harm);
    return harm == NULL;
}
