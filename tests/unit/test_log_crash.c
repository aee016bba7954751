/* Writers that are interrupted: by SIGKILL for good, by a signal handler that appends, too. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log/writer.h"
#include "test_log_support.h"

#define CHILDREN 200

/* The thread sanitizer suspends threads for long between the store of the position and that of
 * the cursor, so that a log killed there is read from a cursor that is too old. */
#if defined(__SANITIZE_THREAD__)
#define CURSOR_MAY_STAND_BACK(threads) ((threads) > 1)
#else
#define CURSOR_MAY_STAND_BACK(threads) false
#endif
#define THREADS 3

static void append_signed(struct vrrl_writer *writer, uint32_t thread, uint32_t sequence)
{
    struct vrrl_record record = signed_record(thread, sequence, log_now(writer));
    vrrl_append(writer, &record);
}

struct appender {
    struct vrrl_writer *writer;
    uint32_t thread;
};

static void *append_for_ever(void *argument)
{
    const struct appender *appender = argument;
    for (uint32_t i = 0;; i++)
        append_signed(appender->writer, appender->thread, i);
    return NULL;
}

_Noreturn static void run_child(struct vrrl_writer *writer, unsigned threads, int ready)
{
    struct appender appenders[THREADS];
    pthread_t id;
    for (uint32_t i = 0; i < threads; i++)
        appenders[i] = (struct appender){writer, i};
    for (uint32_t i = 1; i < threads; i++)
        pthread_create(&id, NULL, append_for_ever, &appenders[i]);
    if (write(ready, "", 1) != 1)
        _exit(1);
    append_for_ever(&appenders[0]);
    _exit(1);
}

/** Each thread's records ascend by one, but for what it lost to a lap or the kill. */
static void check_log(uint64_t capacity, unsigned threads)
{
    struct vrrl_record *records = calloc(capacity + 1, sizeof(*records));
    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_verify("log.vrrl", &verdict), 0);
    ck_assert(verdict.sound);
    /* The record that was being written; of several threads, one may be lapped repeatedly. */
    if (threads == 1)
        ck_assert_uint_le(verdict.info.gaps, 1);
    size_t count = read_log("log.vrrl", records, capacity + 1);
    ck_assert_uint_eq(count, verdict.info.live);
    int64_t last[THREADS];
    memset(last, -1, sizeof(last));
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(is_signed(&records[i]), "torn record at place %llu",
                      (unsigned long long)records[i].place);
        ck_assert_uint_lt(records[i].tenant_id, threads);
        int64_t *before = &last[records[i].tenant_id];
        ck_assert_msg((int64_t)records[i].args[0] > *before || CURSOR_MAY_STAND_BACK(threads),
                      "thread %u: %u after %lld at place %llu, cursor %llu", records[i].tenant_id,
                      records[i].args[0], (long long)*before, (unsigned long long)records[i].place,
                      (unsigned long long)verdict.info.cursor);
        *before = records[i].args[0];
    }
    free(records);
}

static void kill_at_a_random_moment(uint64_t capacity, unsigned threads)
{
    struct vrrl_writer *writer = created("log.vrrl", capacity);
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        run_child(writer, threads, ready[1]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    struct timespec life = {0, 200000 + rand() % 4000000};
    nanosleep(&life, NULL);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    vrrl_writer_close(writer);
    check_log(capacity, threads);

    /* Whoever comes next goes on with it. */
    writer = opened("log.vrrl");
    append_signed(writer, 0, UINT32_MAX);
    vrrl_writer_close(writer);
    struct vrrl_record *records = calloc(capacity, sizeof(*records));
    size_t count = read_log("log.vrrl", records, capacity);
    ck_assert_uint_eq(records[count - 1].args[0], UINT32_MAX);
    free(records);
    unlink("log.vrrl");
}

START_TEST(killed_at_200_random_moments)
{
    srand((unsigned)time(NULL));
    for (int i = 0; i < CHILDREN; i++)
        kill_at_a_random_moment(i % 4 == 3 ? 20000 : 64, i % 2 == 0 ? 1 : THREADS);
}
END_TEST

static struct vrrl_writer *interrupted;
static atomic_uint nested;
static volatile sig_atomic_t busy;

static void append_in_handler(int signal)
{
    (void)signal;
    struct vrrl_record record = signed_record(1, atomic_fetch_add(&nested, 1), 1);
    busy |= vrrl_append(interrupted, &record) != 0;
}

START_TEST(a_signal_handler_appends_inside_an_append)
{
    interrupted = created("log.vrrl", 1 << 20);
    struct sigaction action = {.sa_handler = append_in_handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 50}, {0, 50}};
    setitimer(ITIMER_REAL, &often, NULL);
    double end = seconds_now() + 1;
    uint32_t outer = 0;
    while (seconds_now() < end && outer < 1000000) {
        struct vrrl_record record = signed_record(0, outer++, 1);
        ck_assert_int_eq(vrrl_append(interrupted, &record), 0);
    }
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert(!busy);
    ck_assert_uint_gt(atomic_load(&nested), 100);
    uint64_t appended = (uint64_t)outer + atomic_load(&nested);
    ck_assert_uint_eq(log_total(interrupted), appended);
    vrrl_writer_close(interrupted);
    struct vrrl_info info = info_of("log.vrrl");
    ck_assert_uint_eq(info.live, appended);
    ck_assert_uint_eq(info.gaps, 0);
    struct vrrl_record *records = calloc(appended, sizeof(*records));
    ck_assert_uint_eq(read_log("log.vrrl", records, appended), appended);
    uint32_t next[2] = {0, 0};
    for (uint64_t i = 0; i < appended; i++) {
        ck_assert(is_signed(&records[i]));
        ck_assert_uint_eq(records[i].args[0], next[records[i].tenant_id]++);
    }
    free(records);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("crash and signals");
    tcase_add_test(tests, killed_at_200_random_moments);
    tcase_add_test(tests, a_signal_handler_appends_inside_an_append);
    return run_log_suite(tests);
}
