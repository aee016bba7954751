/* How a log comes to be, and the clock of its records. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/files.h"
#include "log/writer.h"
#include "test_log_support.h"

START_TEST(a_new_log_is_whole_private_and_alone)
{
    vrrl_writer_close(created("log.vrrl", 1000));
    struct stat status;
    ck_assert_int_eq(stat("log.vrrl", &status), 0);
    ck_assert_uint_eq((uint64_t)status.st_size, log_file_bytes(1000));
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    /* No holes, so that no store into the map can fail. */
    ck_assert_uint_ge((uint64_t)status.st_blocks * 512, log_file_bytes(1000));
    ck_assert_uint_eq(count_files(), 1);
    ck_assert_uint_eq(info_of("log.vrrl").live, 0);
}
END_TEST

START_TEST(an_existing_log_is_not_replaced)
{
    struct vrrl_writer *writer = created("log.vrrl", 2);
    struct vrrl_record record = pattern(1, 1);
    vrrl_append(writer, &record);
    vrrl_writer_close(writer);
    struct vrrl_writer *none = (void *)1;
    ck_assert_int_eq(vrrl_create("log.vrrl", 2, &none), VRRL_E_EXISTS);
    ck_assert_ptr_eq(none, (void *)1);
    CHECK_SLOTS("log.vrrl", 1);
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(a_name_that_was_taken_meanwhile_is_kept)
{
    char unfinished[PATH_MAX];
    int file = log_create_unfinished("log.vrrl", 0600, unfinished);
    ck_assert_int_ge(file, 0);
    ck_assert_str_ne(unfinished, "log.vrrl");
    store_file("log.vrrl", "other", 5);
    ck_assert_int_eq(log_give_name(unfinished, "log.vrrl"), VRRL_E_EXISTS);
    close(file);
    ck_assert_uint_eq(count_files(), 1);
    size_t length;
    uint8_t *bytes = load_file("log.vrrl", &length);
    ck_assert_mem_eq(bytes, "other", 5);
    free(bytes);
}
END_TEST

START_TEST(what_a_killed_creator_left_is_no_hindrance)
{
    char unfinished[PATH_MAX];
    close(log_create_unfinished("log.vrrl", 0600, unfinished));
    vrrl_writer_close(created("log.vrrl", 2));
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(capacities_out_of_range_are_refused)
{
    struct vrrl_writer *writer;
    ck_assert_int_eq(vrrl_create("log.vrrl", 0, &writer), VRRL_E_CAPACITY_ZERO);
    ck_assert_int_eq(vrrl_create("log.vrrl", VRRL_CAPACITY_MAX + 1, &writer), VRRL_E_CAPACITY_OVER);
    ck_assert_int_eq(vrrl_create("log.vrrl", UINT64_MAX, &writer), VRRL_E_CAPACITY_OVER);
    ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(below_a_file_size_limit_nothing_is_made_and_nobody_killed)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct rlimit limit = {4096, 4096};
        struct vrrl_writer *writer;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        if (vrrl_create("log.vrrl", 1000, &writer) != VRRL_E_NO_SPACE)
            _exit(2);
        if (vrrl_create("small.vrrl", 63, &writer) != 0)
            _exit(3);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_uint_eq(count_files(), 1);
    ck_assert_int_eq(access("small.vrrl", F_OK), 0);
}
END_TEST

START_TEST(folders_that_cannot_be_written)
{
    struct vrrl_writer *writer;
    ck_assert_int_eq(vrrl_create("no/such/folder/log.vrrl", 2, &writer), VRRL_E_IO);
    ck_assert_int_eq(errno, ENOENT);
    /* Nobody may create files there, the superuser included. */
    ck_assert_int_eq(vrrl_create("/proc/self/log.vrrl", 2, &writer), VRRL_E_IO);
}
END_TEST

static void check_refused(const char *path, int error)
{
    struct vrrl_writer *writer;
    struct vrrl_reader *reader;
    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_open(path, &writer), error);
    ck_assert_int_eq(vrrl_reader_open(path, &reader), error);
    ck_assert_int_eq(vrrl_verify(path, &verdict), error);
}

START_TEST(what_is_no_file_is_refused_without_blocking)
{
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(mkdir("folder", 0700), 0);
    check_refused("fifo", VRRL_E_NOT_REGULAR);
    check_refused("folder", VRRL_E_NOT_REGULAR);
    check_refused("/dev/null", VRRL_E_NOT_REGULAR);
    check_refused("missing", VRRL_E_NOT_FOUND);
}
END_TEST

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int file = 0; file < 256; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

START_TEST(a_writer_keeps_no_descriptor)
{
    unsigned before = open_descriptors();
    struct vrrl_writer *writer = created("log.vrrl", 2);
    ck_assert_uint_eq(open_descriptors(), before);
    vrrl_writer_close(writer);
    writer = opened("log.vrrl");
    ck_assert_uint_eq(open_descriptors(), before);
    vrrl_writer_close(writer);
    struct vrrl_reader *reader;
    store_file("bad.vrrl", "bad", 3);
    ck_assert_int_eq(vrrl_reader_open("bad.vrrl", &reader), VRRL_E_TRUNCATED_HEADER);
    ck_assert_int_eq(vrrl_open("bad.vrrl", &writer), VRRL_E_TRUNCATED_HEADER);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(the_clock_follows_the_wall_clock)
{
    enum {
        READINGS = 20001
    };
    static int64_t off[READINGS];
    struct vrrl_writer *writer = created("log.vrrl", 2);
    uint64_t before = 0;
    unsigned backwards = 0;
    for (int i = 0; i < READINGS; i++) {
        uint64_t earlier = log_clock_realtime();
        uint64_t now = log_now(writer);
        uint64_t later = log_clock_realtime();
        /* How far outside of the two readings around it; in between, it is right. */
        off[i] = now < earlier ? (int64_t)(earlier - now)
                 : now > later ? (int64_t)(now - later)
                               : 0;
        backwards += now + 1000 < before;
        before = now;
        if (i % 1000 == 0)
            usleep(3000);
    }
    vrrl_writer_close(writer);
    qsort(off, READINGS, sizeof(off[0]), compare);
    ck_assert_msg(off[READINGS / 2] <= 1000, "median %lld ns off", (long long)off[READINGS / 2]);
    ck_assert_msg(off[READINGS * 99 / 100] <= 20000, "99%%: %lld ns off",
                  (long long)off[READINGS * 99 / 100]);
    ck_assert_uint_le(backwards, READINGS / 100);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("files and clock");
    tcase_add_test(tests, a_new_log_is_whole_private_and_alone);
    tcase_add_test(tests, an_existing_log_is_not_replaced);
    tcase_add_test(tests, a_name_that_was_taken_meanwhile_is_kept);
    tcase_add_test(tests, what_a_killed_creator_left_is_no_hindrance);
    tcase_add_test(tests, capacities_out_of_range_are_refused);
    tcase_add_test(tests, below_a_file_size_limit_nothing_is_made_and_nobody_killed);
    tcase_add_test(tests, folders_that_cannot_be_written);
    tcase_add_test(tests, what_is_no_file_is_refused_without_blocking);
    tcase_add_test(tests, a_writer_keeps_no_descriptor);
    tcase_add_test(tests, the_clock_follows_the_wall_clock);
    return run_log_suite(tests);
}
