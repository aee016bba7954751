/* What becomes of work that ends, stalls, crashes, or is interrupted. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replay/watch.h"
#include "run_suite.h"

static struct replay_error error;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void explain(void *context, char *text, size_t size)
{
    snprintf(text, size, "record %d", *(int *)context);
}

static int give_status(void *context, struct watch *watch)
{
    watch_begin(watch, 10, NULL, NULL);
    for (uint64_t i = 0; i < 10; i++)
        ck_assert(watch_step(watch, i));
    watch_finish(watch);
    return *(int *)context;
}

static int stall(void *context, struct watch *watch)
{
    watch_begin(watch, 10, explain, context);
    watch_step(watch, 3);
    for (;;)
        pause();
    return 0;
}

/* As long as the kernel holds the lock of a driver, explaining does not work either. */
static void stall_again(void *context, char *text, size_t size)
{
    (void)context;
    (void)text;
    (void)size;
    for (;;)
        pause();
}

static int stall_for_good(void *context, struct watch *watch)
{
    watch_begin(watch, 10, stall_again, context);
    watch_step(watch, 3);
    for (;;)
        pause();
    return 0;
}

static int crash(void *context, struct watch *watch)
{
    (void)context;
    watch_begin(watch, 10, NULL, NULL);
    watch_step(watch, 7);
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

static int sleep_long(void *context, struct watch *watch)
{
    (void)context;
    watch_begin(watch, 10, NULL, NULL);
    bool slept = watch_sleep(watch, UINT64_C(2500000000));
    watch_finish(watch);
    return slept ? 0 : 130;
}

static int sleep_for_ever(void *context, struct watch *watch)
{
    watch_begin(watch, 10, NULL, NULL);
    raise(SIGINT);
    kill(getppid(), SIGINT);
    bool slept = watch_sleep(watch, UINT64_C(3600000000000));
    watch_finish(watch);
    watch_report(watch);
    /* What is reported may be read slowly. */
    const struct timespec slowly = {.tv_sec = *(int *)context};
    nanosleep(&slowly, NULL);
    return slept ? 0 : 130;
}

static int ignore_interrupts(void *context, struct watch *watch)
{
    watch_begin(watch, 10, explain, context);
    kill(getppid(), SIGINT);
    for (;;)
        watch_step(watch, 1);
    return 0;
}

static int interrupt_twice(void *context, struct watch *watch)
{
    watch_begin(watch, 10, explain, context);
    kill(getppid(), SIGINT);
    const struct timespec time = {.tv_nsec = 200000000};
    nanosleep(&time, NULL);
    kill(getppid(), SIGINT);
    for (;;)
        pause();
    return 0;
}

static void expect_no_child(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

START_TEST(an_exit_status_comes_back)
{
    for (int value = 0; value < 3; value++) {
        int status = -1;
        ck_assert_int_eq(watch_run(give_status, &value, 1, &status, &error), WATCH_ENDED);
        ck_assert_int_eq(status, value);
        expect_no_child();
    }
}
END_TEST

START_TEST(what_stalls_is_named)
{
    int record = 17;
    int status;
    double start = now();
    ck_assert_int_eq(watch_run(stall, &record, 1, &status, &error), WATCH_FAILED);
    ck_assert_msg(strstr(error.text, "record 17 has not ended for 1 second") != NULL, "%s",
                  error.text);
    ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
    ck_assert_double_gt(now() - start, 0.9);
    expect_no_child();
}
END_TEST

START_TEST(what_stalls_for_good_is_ended)
{
    int status;
    ck_assert_int_eq(watch_run(stall_for_good, NULL, 1, &status, &error), WATCH_FAILED);
    ck_assert_msg(strstr(error.text, "3 of 10 records") != NULL, "%s", error.text);
    expect_no_child();
}
END_TEST

START_TEST(a_crash_is_told)
{
    int status;
    ck_assert_int_eq(watch_run(crash, NULL, 1, &status, &error), WATCH_FAILED);
    ck_assert_msg(strstr(error.text, "7 of 10 records") != NULL, "%s", error.text);
    ck_assert_msg(strstr(error.text, strsignal(SIGSEGV)) != NULL, "%s", error.text);
    expect_no_child();
}
END_TEST

START_TEST(to_sleep_is_no_stall)
{
    int status = -1;
    ck_assert_int_eq(watch_run(sleep_long, NULL, 1, &status, &error), WATCH_ENDED);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(an_interrupt_ends_a_sleep_and_leaves_time_to_report)
{
    int status = -1;
    int report_s = (int)WATCH_GRACE_S + 1;
    double start = now();
    ck_assert_int_eq(watch_run(sleep_for_ever, &report_s, 1, &status, &error), WATCH_ENDED);
    ck_assert_int_eq(status, 130);
    ck_assert_double_lt(now() - start, 60);
    expect_no_child();
}
END_TEST

START_TEST(an_interrupt_ends_what_does_not_listen)
{
    int record = 1;
    int status;
    ck_assert_int_eq(watch_run(ignore_interrupts, &record, 100, &status, &error),
                     WATCH_INTERRUPTED);
    expect_no_child();
}
END_TEST

START_TEST(a_second_interrupt_ends_all)
{
    int record = 1;
    int status;
    pid_t child = fork();
    if (child == 0) {
        watch_run(interrupt_twice, &record, 100, &status, &error);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
}
END_TEST

static int tell_pid(void *context, struct watch *watch)
{
    *(pid_t *)context = getpid();
    return stall(context, watch);
}

START_TEST(with_the_command_ends_the_worker)
{
    pid_t *worker =
        mmap(NULL, sizeof(*worker), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t child = fork();
    if (child == 0) {
        /* The test's own handler ends all of its group. */
        signal(SIGTERM, SIG_DFL);
        watch_run(tell_pid, worker, 100, &status, &error);
        _exit(0);
    }
    const struct timespec tick = {.tv_nsec = 10000000};
    for (int i = 0; i < 1000 && __atomic_load_n(worker, __ATOMIC_ACQUIRE) == 0; i++)
        nanosleep(&tick, NULL);
    kill(child, SIGTERM);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
    /* Gone, or a zombie that somebody else reaps. */
    char path[64];
    char state[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)*worker);
    for (int i = 0; i < 1000; i++) {
        int file = open(path, O_RDONLY);
        if (file < 0)
            break;
        ssize_t len = read(file, state, sizeof(state) - 1);
        close(file);
        if (len <= 0 || strstr(state, ") Z ") != NULL || strstr(state, ") X ") != NULL)
            break;
        ck_assert_msg(i < 999, "the worker lives: %s", state);
        nanosleep(&tick, NULL);
    }
    munmap(worker, sizeof(*worker));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("watch");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, an_exit_status_comes_back);
    tcase_add_test(tests, what_stalls_is_named);
    tcase_add_test(tests, what_stalls_for_good_is_ended);
    tcase_add_test(tests, a_crash_is_told);
    tcase_add_test(tests, to_sleep_is_no_stall);
    tcase_add_test(tests, an_interrupt_ends_a_sleep_and_leaves_time_to_report);
    tcase_add_test(tests, an_interrupt_ends_what_does_not_listen);
    tcase_add_test(tests, a_second_interrupt_ends_all);
    tcase_add_test(tests, with_the_command_ends_the_worker);

    Suite *suite = suite_create("watch");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK);
}
