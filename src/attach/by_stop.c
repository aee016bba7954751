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

#define BETWEEN_TRIES_NS 1000000
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

static bool can_come_back(const struct injection *injection, uint64_t counter)
{
    (void)injection;
    (void)counter;
    return true;
}

static bool write_return(const struct injection *injection, uint64_t counter)
{
    (void)injection;
    (void)counter;
    return true;
}

#else

/** Bytes that a branch goes, in both directions. */
#define BRANCH_BYTES ((int64_t)128 << 20)

static int64_t way_back(const struct injection *injection, uint64_t counter)
{
    return (int64_t)(counter - (injection->place.stub + (uint64_t)(stub_resume - stub_begin)));
}

static bool can_come_back(const struct injection *injection, uint64_t counter)
{
    int64_t way = way_back(injection, counter);
    return way >= -BRANCH_BYTES && way < BRANCH_BYTES;
}

/** No register is free for it, so the branch is written. */
static bool write_return(const struct injection *injection, uint64_t counter)
{
    uint32_t branch = 0x14000000u | ((uint32_t)(way_back(injection, counter) / 4) & 0x03FFFFFFu);
    return memory_write(&injection->target->memory,
                        injection->place.stub + (uint64_t)(stub_resume - stub_begin), &branch,
                        sizeof(branch));
}

#endif

/** Send a stopped thread through the stub.  \return false when that is not safe here and now, or
 *  with errno not allowed */
static bool send(struct injection *injection, pid_t thread)
{
    struct thread_place place;
    const struct target *target = injection->target;
    errno = 0;
    if (!thread_place(thread, &place) || !is_in_program(target, place.counter) ||
        !can_come_back(injection, place.counter))
        return false;
    struct stack_look look = stack_look(target, place.stack, place.link);
    if (!look.is_known || look.in_handler || look.in_callback)
        return false;
    injection->parameters.resume = place.counter;
    return injection_write(injection) && write_return(injection, place.counter) &&
           injection_set_state(injection, STUB_OFF) &&
           thread_set_counter(thread, injection->place.stub + (uint64_t)(stub_detour - stub_begin));
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
    DIR *threads = opendir(path);
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

/** Whether the thread has left the stub; then the next one may be sent through. */
static bool has_left(const struct injection *injection, pid_t thread)
{
    struct thread_place place = {0};
    uint64_t begin = injection->place.stub;
    uint64_t end = begin + (uint64_t)(stub_end - stub_begin);
    enum stop stop = thread_stop(thread);
    if (stop != STOPPED)
        return false;
    bool read = thread_counter(thread, &place.counter);
    thread_release(thread);
    return read && (place.counter < begin || place.counter >= end);
}

/** Say in the stub that nobody is in its detour. */
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
    if (injection->parameters.resume != 0)
        return "a vrrl that was killed may have left a thread on its way";
    return NULL;
}

enum outcome by_stop(struct injection *injection, struct attach_error *error)
{
    pid_t thread;
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
