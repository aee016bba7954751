/* Many threads on a small log: nothing torn, nothing foreign, nothing out of order. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log/writer.h"
#include "test_log_support.h"

#define THREADS 8
#define CAPACITY 64

struct stress {
    struct vrrl_writer *writer;
    atomic_bool stop;
    atomic_ullong taken;
    atomic_ullong dropped;
};

struct appender {
    struct stress *stress;
    uint32_t thread;
    uint32_t appended;
    pthread_t id;
};

static void *append_until_stopped(void *argument)
{
    struct appender *appender = argument;
    struct stress *stress = appender->stress;
    unsigned long long taken = 0;
    unsigned long long dropped = 0;
    while (!atomic_load_explicit(&stress->stop, memory_order_relaxed)) {
        struct log_place place;
        if (log_take(stress->writer, &place) != 0)
            continue;
        taken++;
        struct vrrl_record record =
            signed_record(appender->thread, appender->appended, log_now(stress->writer));
        /* Now and then a publish fails. */
        if (appender->appended % 97 == 96) {
            log_abandon(stress->writer, &place);
            appender->appended++;
            continue;
        }
        if (!log_commit(stress->writer, &place, &record))
            dropped++;
        appender->appended++;
    }
    atomic_fetch_add(&stress->taken, taken);
    atomic_fetch_add(&stress->dropped, dropped);
    return NULL;
}

struct watcher {
    struct stress *stress;
    const char *path;
    unsigned long long records;
    unsigned long long torn;
    unsigned long long disordered;
    unsigned long long overruns;
    int error;
    struct vrrl_record first_torn;
};

static void watch_block(struct watcher *watcher, const struct vrrl_record *records, size_t count,
                        int64_t last[THREADS])
{
    for (size_t i = 0; i < count; i++) {
        watcher->records++;
        if (!is_signed(&records[i]) || records[i].tenant_id >= THREADS) {
            if (watcher->torn++ == 0)
                watcher->first_torn = records[i];
            continue;
        }
        int64_t *before = &last[records[i].tenant_id];
        watcher->disordered += (int64_t)records[i].args[0] <= *before;
        *before = records[i].args[0];
    }
}

/** Follows the log, and opens it anew now and then. */
static void *watch_until_stopped(void *argument)
{
    struct watcher *watcher = argument;
    while (!atomic_load(&watcher->stress->stop) && watcher->error == 0) {
        struct vrrl_reader *reader;
        int64_t last[THREADS];
        memset(last, -1, sizeof(last));
        watcher->error = vrrl_reader_open(watcher->path, &reader);
        if (watcher->error != 0)
            break;
        for (int turn = 0; turn < 50 && watcher->error == 0; turn++) {
            struct vrrl_record records[CAPACITY];
            size_t count = vrrl_read(reader, records, CAPACITY);
            bool overrun;
            watcher->error = vrrl_follow(reader, &overrun);
            /* An overrun inside a read begins anew there. */
            if (watcher->error == 0 && overrun) {
                watcher->overruns++;
                memset(last, -1, sizeof(last));
            }
            unsigned long long disordered = watcher->disordered;
            watch_block(watcher, records, count, last);
            if (overrun) {
                watcher->disordered = disordered;
                memset(last, -1, sizeof(last));
            }
        }
        vrrl_reader_close(reader);
    }
    return NULL;
}

static void check_at_rest(const char *path, const struct stress *stress)
{
    struct vrrl_record records[CAPACITY + 1];
    size_t count = read_log(path, records, CAPACITY + 1);
    struct vrrl_info info = info_of(path);
    ck_assert_uint_eq(count, info.live);
    /* Gaps alone behind the cursor look like places that were never written. */
    ck_assert_uint_eq(info.live + info.gaps, info.wrapped ? CAPACITY : info.cursor);
    int64_t last[THREADS];
    memset(last, -1, sizeof(last));
    for (size_t i = 0; i < count; i++) {
        ck_assert(is_signed(&records[i]));
        ck_assert_uint_lt(records[i].tenant_id, THREADS);
        ck_assert_msg((int64_t)records[i].args[0] > last[records[i].tenant_id],
                      "thread %u: %u after %lld at place %llu, cursor %llu", records[i].tenant_id,
                      records[i].args[0], (long long)last[records[i].tenant_id],
                      (unsigned long long)records[i].place, (unsigned long long)info.cursor);
        last[records[i].tenant_id] = records[i].args[0];
    }
    ck_assert_uint_eq(log_total(stress->writer) % CAPACITY, info.cursor);
    /* All places are free and of one lap, or the count of laps has gone astray. */
    uint64_t lap = log_total(stress->writer) / CAPACITY;
    for (uint64_t place = 0; place < CAPACITY; place++)
        ck_assert_uint_eq(atomic_load(&stress->writer->owners[place]),
                          (place < info.cursor ? lap + 1 : lap) << 2);
}

static void run_round(double seconds, struct watcher *watched)
{
    struct stress stress = {.writer = created("log.vrrl", CAPACITY)};
    struct appender appenders[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        appenders[i] = (struct appender){.stress = &stress, .thread = i};
        ck_assert_int_eq(
            pthread_create(&appenders[i].id, NULL, append_until_stopped, &appenders[i]), 0);
    }
    struct watcher watcher = {.stress = &stress, .path = "log.vrrl"};
    pthread_t watching;
    ck_assert_int_eq(pthread_create(&watching, NULL, watch_until_stopped, &watcher), 0);
    struct timespec length = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&length, NULL);
    atomic_store(&stress.stop, true);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(appenders[i].id, NULL);
    pthread_join(watching, NULL);

    ck_assert_int_eq(watcher.error, 0);
    ck_assert_msg(watcher.torn == 0,
                  "%llu of %llu records torn; first: tenant %u sequence %u timestamp %llu",
                  watcher.torn, watcher.records, watcher.first_torn.tenant_id,
                  watcher.first_torn.args[0], (unsigned long long)watcher.first_torn.timestamp_ns);
#if !defined(__SANITIZE_THREAD__)
    /* The thread sanitizer suspends threads inside of atomic operations, between the store of
     * the position and that of the cursor, and so shows readers a cursor that is laps old. */
    ck_assert_msg(watcher.disordered == 0, "%llu of %llu records out of order", watcher.disordered,
                  watcher.records);
#endif
    check_at_rest("log.vrrl", &stress);
    uint64_t total = log_total(stress.writer);
    ck_assert_uint_ge(total, atomic_load(&stress.taken));
    watched->records += watcher.records;
    watched->overruns += watcher.overruns;
    vrrl_writer_close(stress.writer);
    unlink("log.vrrl");
}

START_TEST(eight_threads_on_a_log_of_64)
{
    struct watcher watched = {0};
    double end = seconds_now() + stress_seconds();
    unsigned rounds = 0;
    do {
        run_round(0.25, &watched);
        rounds++;
        /* On a machine with much else to do the one that watches may not come to it. */
    } while (seconds_now() < end || (watched.records == 0 && seconds_now() < end + 30));
    ck_assert_uint_gt(watched.records, 0);
}
END_TEST

enum {
    EACH = 2000
};

static void *append_each(void *argument)
{
    struct appender *appender = argument;
    for (uint32_t i = 0; i < EACH; i++) {
        struct vrrl_record record = signed_record(appender->thread, i, i + 1);
        vrrl_append(appender->stress->writer, &record);
    }
    return NULL;
}

START_TEST(threads_lose_nothing_before_the_log_wraps)
{
    struct vrrl_writer *writer = created("log.vrrl", THREADS * EACH);
    struct appender appenders[THREADS];
    struct stress stress = {.writer = writer};
    for (uint32_t i = 0; i < THREADS; i++)
        appenders[i] = (struct appender){.stress = &stress, .thread = i};
    for (uint32_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&appenders[i].id, NULL, append_each, &appenders[i]), 0);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(appenders[i].id, NULL);
    ck_assert_uint_eq(log_total(writer), THREADS * EACH);
    vrrl_writer_close(writer);

    struct vrrl_info info = info_of("log.vrrl");
    ck_assert_uint_eq(info.live, THREADS * EACH);
    ck_assert_uint_eq(info.gaps, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("threads");
    tcase_add_test(tests, eight_threads_on_a_log_of_64);
    tcase_add_test(tests, threads_lose_nothing_before_the_log_wraps);
    return run_log_suite(tests);
}
