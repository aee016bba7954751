/* What is known of another process: read of this one, which is one as well. */
#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/memory.h"
#include "attach/objects.h"
#include "attach/padding.h"
#include "attach/proc.h"
#include "attach/stack.h"
#include "attach/stub.h"
#include "attach/target.h"
#include "run_suite.h"

static struct target target;

/** This process as one that is attached to. */
static void open_self(void)
{
    target = (struct target){.pid = getpid()};
    ck_assert(memory_open(getpid(), &target.memory));
    ck_assert(mappings_read(getpid(), &target.mappings));
    ck_assert_int_eq(objects_read(&target.memory, &target.objects), OBJECTS_WELL);
    target.libc = objects_by_soname(&target.objects, "libc.so.6");
    ck_assert_ptr_nonnull(target.libc);
}

static void close_self(void)
{
    target_close(&target);
}

START_TEST(reads_maps)
{
    static const char text[] = "1000-3000 r-xp 00000000 fe:00 12 /usr/bin/a name with spaces\n"
                               "3000-4000 rw-s 00002000 fe:00 12                 /dev/shm/x\n"
                               "not a line\n"
                               "7ffff000-80000000 ---p 00000000 00:00 0 \n";
    struct mappings mappings;
    ck_assert(mappings_parse(strdup(text), &mappings));
    ck_assert_uint_eq(mappings.len, 3);
    ck_assert_str_eq(mappings.all[0].name, "/usr/bin/a name with spaces");
    ck_assert(mappings.all[0].executable && mappings.all[0].readable && !mappings.all[0].writable);
    ck_assert(mappings.all[0].is_private && !mappings.all[1].is_private);
    ck_assert_str_eq(mappings.all[2].name, "");
    ck_assert_ptr_eq(mappings_find(&mappings, 0x1000), &mappings.all[0]);
    ck_assert_ptr_eq(mappings_find(&mappings, 0x2fff), &mappings.all[0]);
    ck_assert_ptr_eq(mappings_find(&mappings, 0x3000), &mappings.all[1]);
    ck_assert_ptr_null(mappings_find(&mappings, 0x4000));
    ck_assert_ptr_null(mappings_find(&mappings, 0));
    mappings_free(&mappings);
}
END_TEST

START_TEST(reads_numbers_of_a_status)
{
    static const char text[] = "Name:\tTgid: 7\nTgid:\t42\nSigBlk:\t00ff\n";
    uint64_t number = 0;
    ck_assert(proc_number(text, "Tgid", 10, &number));
    ck_assert_uint_eq(number, 42);
    ck_assert(proc_number(text, "SigBlk", 16, &number));
    ck_assert_uint_eq(number, 255);
    ck_assert(!proc_number(text, "Name", 10, &number));
    ck_assert(!proc_number(text, "Pid", 10, &number));
}
END_TEST

START_TEST(finds_functions_where_the_loader_does)
{
    const char *const names[] = {"dlopen", "dlerror", "__errno_location", "malloc"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        /* A sanitizer has functions of its own. */
        void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
        ck_assert_uint_eq(object_function(target.libc, names[i]),
                          (uint64_t)(uintptr_t)dlsym(libc, names[i]));
        dlclose(libc);
    }
    ck_assert_uint_eq(object_function(target.libc, "no_such_function"), 0);
    ck_assert_ptr_eq(objects_find(&target.objects, (uint64_t)(uintptr_t)open_self),
                     &target.objects.all[0]);
}
END_TEST

START_TEST(finds_references_of_the_program)
{
    const char *const names[] = {"no_such_function", "raise", "qsort", NULL};
    struct reference references[8];
    size_t len = objects_references(&target.objects, names, references, 8);
    ck_assert_uint_ge(len, 2);
    ck_assert_str_eq(references[0].name, "raise");
    bool found = false;
    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_eq(references[i].at % sizeof(uint64_t), 0);
        found = found || (references[i].object == &target.objects.all[0] &&
                          strcmp(references[i].name, "qsort") == 0 &&
                          *(void **)(uintptr_t)references[i].at == (void *)(uintptr_t)qsort);
    }
    ck_assert(found);
    ck_assert_uint_eq(objects_references(&target.objects, names, references, 1), 1);
}
END_TEST

START_TEST(finds_room_that_nobody_uses)
{
    struct place place;
    struct place again;
    ck_assert(padding_find(&target, NULL, 0, "/a/shim.so", 20, &place));
    ck_assert(!place.is_there);
    const struct mapping *text = mappings_find(&target.mappings, place.stub);
    const struct mapping *data = mappings_find(&target.mappings, place.words);
    ck_assert(text != NULL && text->executable && !text->writable);
    ck_assert(data != NULL && data->writable && !data->executable);
    ck_assert_uint_le(place.stub + (uint64_t)(stub_end - stub_begin), text->end);
    /* Written there, it is found again. */
    struct stub_parameters parameters = {.words = place.words, .path = place.path};
    stub_prepare(&parameters);
    ck_assert(
        memory_write(&target.memory, place.stub, stub_begin, (size_t)(stub_end - stub_begin)));
    ck_assert(memory_write(&target.memory, place.stub, &parameters, sizeof(parameters)));
    ck_assert(memory_write(&target.memory, place.path, "/a/shim.so", 11));
    ck_assert(padding_find(&target, NULL, 0, "/a/shim.so", 20, &again));
    ck_assert(again.is_there);
    ck_assert_uint_eq(again.stub, place.stub);
    ck_assert_uint_eq(again.words, place.words);
    ck_assert_uint_eq(again.path, place.path);
    /* Other code there is another build's, and stays. */
    ck_assert(memory_write(&target.memory, place.stub + STUB_PARAMETERS_BYTES, "x", 1));
    if (padding_find(&target, NULL, 0, "/a/shim.so", 20, &again))
        ck_assert(!again.is_there && again.stub != place.stub);
}
END_TEST

START_TEST(reads_only_what_is_there)
{
    char text[8] = "";
    static const char here[] = "here";
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_int_eq(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    ck_assert_uint_eq(
        memory_read_some(&target.memory, (uint64_t)(uintptr_t)(pages + 4000), pages, 500), 96);
    ck_assert(memory_read_string(&target.memory, (uint64_t)(uintptr_t)here, text, sizeof(text)));
    ck_assert_str_eq(text, "here");
    ck_assert(!memory_read_string(&target.memory, 0, text, sizeof(text)));
    ck_assert(!memory_read_string(&target.memory, (uint64_t)(uintptr_t)here, text, 3));
    ck_assert(!memory_store(&target.memory, (uint64_t)(uintptr_t)pages + 4, 1));
    munmap(pages, 8192);
}
END_TEST

#define STORES 200000
static _Alignas(64) uint64_t stored;
static bool torn;

static void *watch(void *opaque)
{
    (void)opaque;
    for (;;) {
        uint64_t value = __atomic_load_n(&stored, __ATOMIC_RELAXED);
        if (value == 1)
            return NULL;
        if (value != 0 && value != UINT64_MAX)
            __atomic_store_n(&torn, true, __ATOMIC_RELAXED);
    }
}

START_TEST(no_thread_sees_a_part_of_a_store)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, NULL), 0);
    for (unsigned i = 0; i < STORES; i++)
        ck_assert(memory_store(&target.memory, (uint64_t)(uintptr_t)&stored,
                               i % 2 == 0 ? UINT64_MAX : 0));
    ck_assert(memory_store(&target.memory, (uint64_t)(uintptr_t)&stored, 1));
    pthread_join(thread, NULL);
    ck_assert(!__atomic_load_n(&torn, __ATOMIC_RELAXED));
}
END_TEST

static struct stack_look seen;
/** Of a stack that is to be looked at: set by its thread, which waits until it is 0 again. */
static _Atomic uint64_t to_look_at;

/** Looks as another process does, while the thread waits. */
static void *look(void *opaque)
{
    (void)opaque;
    while (to_look_at == 0)
        usleep(100);
    ck_assert(target_look_again(&target));
    seen = stack_look(&target, to_look_at, 0);
    to_look_at = 0;
    return NULL;
}

__attribute__((noinline)) static void wait_here(void)
{
    const struct timespec pause = {0, 100000};
    to_look_at = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    while (to_look_at != 0)
        nanosleep(&pause, NULL);
}

static void on_signal(int number)
{
    (void)number;
    wait_here();
}

static int compare(const void *one, const void *other)
{
    if (to_look_at == 0 && !seen.is_known)
        wait_here();
    return *(const int *)one - *(const int *)other;
}

static void *wait_in_thread(void *opaque)
{
    (void)opaque;
    wait_here();
    return NULL;
}

static void in_thread(void)
{
    pthread_t thread;
    /* Its stack is new, so that nothing is left on it. */
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_thread, NULL), 0);
    pthread_join(thread, NULL);
}

static void in_handler(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

static void in_callback(void)
{
    int numbers[] = {2, 1};
    qsort(numbers, 2, sizeof(numbers[0]), compare);
}

static struct stack_look look_at_stack(void (*run)(void))
{
    pthread_t looker;
    seen = (struct stack_look){.is_known = false};
    ck_assert_int_eq(pthread_create(&looker, NULL, look, NULL), 0);
    run();
    pthread_join(looker, NULL);
    ck_assert(seen.is_known);
    return seen;
}

START_TEST(sees_handlers_on_a_stack)
{
    ck_assert(!look_at_stack(in_thread).in_handler);
    ck_assert(look_at_stack(in_handler).in_handler);
}
END_TEST

START_TEST(sees_callbacks_on_a_stack)
{
    /* A sanitizer's library, which has a malloc() too, calls each thread's function. */
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    ck_assert(!look_at_stack(in_thread).in_callback);
#endif
    ck_assert(look_at_stack(in_callback).in_callback);
}
END_TEST

START_TEST(knows_where_calls_return_to)
{
    uint64_t here = (uint64_t)(uintptr_t)__builtin_return_address(0);
    ck_assert(stack_is_return_address(&target, here));
    ck_assert(!stack_is_return_address(&target, (uint64_t)(uintptr_t)&stored));
    ck_assert(!stack_is_return_address(&target, 0));
}
END_TEST

static void denied(int scope, const char *lockdown, const char *cause)
{
    struct attach_error error;
    struct restrictions restrictions = {.yama_scope = scope};
    strcpy(restrictions.lockdown, lockdown);
    target_explain_denial(7, &restrictions, &error);
    ck_assert_ptr_eq(strstr(error.text, "process 7: "), error.text);
    ck_assert_msg(strstr(error.text, cause) != NULL, "%s", error.text);
    ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
}

START_TEST(says_who_forbids)
{
    denied(1, "", "kernel.yama.ptrace_scope is 1");
    denied(2, "none", "kernel.yama.ptrace_scope is 2");
    denied(3, "", "no process may be traced on this machine");
    denied(0, "none [integrity] confidentiality", "lockdown (none [integrity] confidentiality)");
    denied(-1, "[none] integrity", "a security module or the container");
}
END_TEST

static void refused(pid_t pid, const char *cause)
{
    struct target refusing;
    struct attach_error error;
    ck_assert(!target_open(pid, "/bin/sh", &refusing, &error));
    ck_assert_msg(strstr(error.text, cause) != NULL, "%s", error.text);
    ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
}

START_TEST(refuses_what_is_no_process_to_attach_to)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    refused(child, "zombie");
    waitpid(child, NULL, 0);
    refused(child, "no such process");
    refused(getpid(), "vrrl itself");
    /* The second process of all is the kernel's, where no container hides it. */
    char *name = proc_read(2, "comm", NULL);
    if (name != NULL && strcmp(name, "kthreadd\n") == 0)
        refused(2, "thread of the kernel");
    free(name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attach");
    TCase *texts = tcase_create("texts");
    tcase_add_test(texts, reads_maps);
    tcase_add_test(texts, reads_numbers_of_a_status);
    tcase_add_test(texts, says_who_forbids);
    tcase_add_test(texts, refuses_what_is_no_process_to_attach_to);
    suite_add_tcase(suite, texts);
    TCase *self = tcase_create("self");
    tcase_add_checked_fixture(self, open_self, close_self);
    tcase_set_timeout(self, 60);
    tcase_add_test(self, finds_functions_where_the_loader_does);
    tcase_add_test(self, finds_references_of_the_program);
    tcase_add_test(self, finds_room_that_nobody_uses);
    tcase_add_test(self, reads_only_what_is_there);
    tcase_add_test(self, no_thread_sees_a_part_of_a_store);
    tcase_add_test(self, sees_handlers_on_a_stack);
    tcase_add_test(self, sees_callbacks_on_a_stack);
    tcase_add_test(self, knows_where_calls_return_to);
    suite_add_tcase(suite, self);
    return run_suite(suite, CK_FORK);
}
