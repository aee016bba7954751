#include "attach/by_stop.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach/proc.h"
#include "attach/stack.h"
#include "attach/thread.h"

#define BETWEEN_TRIES_NS 500000
#define POLL_NS 20000
/** How long a thread that was sent through the stub is waited for beyond the time. */
#define GRACE_NS UINT64_C(1000000000)

static void sleep_ns(long ns)
{
    const struct timespec time = {0, ns};
    nanosleep(&time, NULL);
}

/** Only a thread that runs can be in the program's own code; one that waits is in the kernel. */
static bool is_running(pid_t pid, pid_t thread)
{
    char file[48];
    snprintf(file, sizeof(file), "task/%d/stat", (int)thread);
    char *text = proc_read(pid, file, NULL);
    const char *behind = text == NULL ? NULL : strrchr(text, ')');
    bool runs = behind != NULL && strncmp(behind, ") R", 3) == 0;
    free(text);
    return runs;
}

static bool is_in_program(const struct target *target, uint64_t address)
{
    const struct mapping *mapping = mappings_find(&target->mappings, address);
    return mapping != NULL && mapping->executable &&
           objects_find(&target->objects, address) == &target->objects.all[0];
}

#if defined(__x86_64__)

/** The address to go on at lies on the thread's stack, beyond what it may use unsaid. */
static bool write_return(struct injection *injection, const struct thread_place *from,
                         struct thread_place *to)
{
    to->stack = from->stack - STUB_RED_ZONE - sizeof(uint64_t);
    return memory_store(&injection->target->memory, to->stack, from->counter);
}

static void close_detour(struct injection *injection, pid_t thread)
{
    (void)injection;
    (void)thread;
}

/** The kernel compares returns with calls, and the stub's would be none. */
static const char *objection_of_machine(const struct injection *injection)
{
    char *status = proc_read(injection->target->pid, "status", NULL);
    char *features = status == NULL ? NULL : strstr(status, "x86_Thread_features:");
    bool has_shadow = false;
    if (features != NULL) {
        features[strcspn(features, "\n")] = '\0';
        has_shadow = strstr(features, "shstk") != NULL;
    }
    free(status);
    return has_shadow ? "it has a shadow stack" : NULL;
}

#else

/** Bytes that a branch goes, in both directions. */
#define BRANCH_BYTES ((int64_t)128 << 20)

static bool write_return(struct injection *injection, const struct thread_place *from,
                         struct thread_place *to)
{
    uint64_t at = injection->place.stub + (uint64_t)(stub_resume - stub_begin);
    int64_t way = (int64_t)(from->counter - at);
    uint32_t branch = 0x14000000u | ((uint32_t)(way / 4) & 0x03FFFFFFu);
    to->stack = from->stack;
    injection->parameters.resume = from->counter;
    return way >= -BRANCH_BYTES && way < BRANCH_BYTES &&
           memory_store(&injection->target->memory, injection->place.stub + STUB_RESUME,
                        from->counter) &&
           memory_write(&injection->target->memory, at, &branch, sizeof(branch));
}

/** Whether the thread has left the stub, as one that waits in the kernel has. */
static bool has_left(const struct injection *injection, pid_t thread)
{
    struct thread_place place;
    uint64_t begin = injection->place.stub;
    uint64_t end = begin + (uint64_t)(stub_end - stub_begin);
    if (!is_running(injection->target->pid, thread))
        return true;
    if (thread_stop(thread) != STOPPED)
        return false;
    bool read = thread_place(thread, &place);
    thread_release(thread);
    return read && (place.counter < begin || place.counter >= end);
}

/** Say in the stub that nobody is on its way, so that the branch may be written anew. */
static void close_detour(struct injection *injection, pid_t thread)
{
    for (int i = 0; i < 100; i++) {
        if (has_left(injection, thread)) {
            injection->parameters.resume = 0;
            memory_store(&injection->target->memory, injection->place.stub + STUB_RESUME, 0);
            return;
        }
        sleep_ns(BETWEEN_TRIES_NS);
    }
}

static const char *objection_of_machine(const struct injection *injection)
{
    return injection->parameters.resume == 0
               ? NULL
               : "a vrrl that was killed may have left a thread on its way";
}

#endif

/** Send a stopped thread through the stub.  \return false when that is not safe here and now, or
 *  with errno not allowed */
static bool send(struct injection *injection, pid_t thread)
{
    struct thread_place from;
    const struct target *target = injection->target;
    struct thread_place to = {.counter =
                                  injection->place.stub + (uint64_t)(stub_detour - stub_begin)};
    errno = 0;
    if (!thread_place(thread, &from) || !is_in_program(target, from.counter))
        return false;
    struct stack_look look = stack_look(target, from.stack, from.link);
    if (!look.is_known || look.in_handler || look.in_callback)
        return false;
    return injection_write(injection) && injection_set_state(injection, STUB_OFF) &&
           write_return(injection, &from, &to) && thread_send(thread, &to);
}

enum try {
    SENT,
    NOT_NOW,
    FORBIDDEN,
};

static enum try try_thread(struct injection *injection, pid_t thread)
{
    enum stop stop = thread_stop(thread);
    if (stop != STOPPED)
        return stop == STOP_FORBIDDEN ? FORBIDDEN : NOT_NOW;
    injection->target->memory.stopped = thread;
    bool sent = send(injection, thread);
    int saved = errno;
    injection->target->memory.stopped = 0;
    thread_release(thread);
    errno = saved;
    if (sent)
        return SENT;
    return errno == EPERM || errno == EACCES || errno == EIO ? FORBIDDEN : NOT_NOW;
}

/** Try each thread that runs, once. */
static enum try try_threads(struct injection *injection, pid_t *thread)
{
    char path[32];
    enum try tried = NOT_NOW;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)injection->target->pid);
    DIR *threads = target_look_again(injection->target) ? opendir(path) : NULL;
    if (threads == NULL)
        return NOT_NOW;
    for (const struct dirent *entry; tried == NOT_NOW && (entry = readdir(threads)) != NULL;) {
        *thread = (pid_t)strtol(entry->d_name, NULL, 10);
        if (*thread > 0 && is_running(injection->target->pid, *thread) &&
            injection_now_ns() < injection->deadline_ns)
            tried = try_thread(injection, *thread);
    }
    closedir(threads);
    return tried;
}

static enum outcome wait_for_loading(struct injection *injection, pid_t thread,
                                     struct attach_error *error)
{
    struct stub_words words;
    uint64_t until = injection->deadline_ns + GRACE_NS;
    do {
        if (!injection_read(injection, &words)) {
            target_fail(error, injection->target->pid,
                        "it ended, or became another program, "
                        "meanwhile. Fix: give a process that runs.");
            return OUTCOME_FAILED;
        }
        if (words.state == STUB_LOADED || words.state == STUB_FAILED) {
            close_detour(injection, thread);
            return injection_finish(injection, &words, error) == 0 ? OUTCOME_LOADED
                                                                   : OUTCOME_FAILED;
        }
        sleep_ns(POLL_NS);
    } while (injection_now_ns() < until);
    target_fail(error, injection->target->pid,
                "its thread %d is loading the shim and has not come back in time. The shim may be "
                "loaded yet, and is inert until something is attached. Fix: see what the thread "
                "waits for, then attach again.",
                (int)thread);
    return OUTCOME_FAILED;
}

/** \return why no thread may be sent through, NULL when one may */
static const char *objection(const struct injection *injection)
{
    if (object_function(&injection->target->objects.all[0], "malloc") != 0)
        return "the program brings a malloc() of its own, in which it could be stopped";
    return objection_of_machine(injection);
}

enum outcome by_stop(struct injection *injection, struct attach_error *error)
{
    pid_t thread = 0;
    enum try tried = NOT_NOW;
    const char *why = objection(injection);
    while (why == NULL && tried == NOT_NOW && injection_now_ns() < injection->deadline_ns) {
        tried = try_threads(injection, &thread);
        if (tried == NOT_NOW)
            sleep_ns(BETWEEN_TRIES_NS);
    }
    if (tried == SENT)
        return wait_for_loading(injection, thread, error);
    if (tried == FORBIDDEN)
        why = strerror(errno);
    else if (why == NULL)
        why = "none of its threads was seen in the program's own code at a moment when it holds no "
              "lock of the C library";
    target_fail(
        error, injection->target->pid,
        "%s in time, and it cannot be stopped instead: %s. Nothing was changed. Fix: attach "
        "while the job publishes, or start it with 'vrrl record'.",
        injection->traps_len == 0
            ? "it has no call of a function that is recorded, which could be met"
            : "it called none of the functions that are recorded",
        why);
    return OUTCOME_NOT_THIS_WAY;
}
