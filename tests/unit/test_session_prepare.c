/* Recordings that are prepared for a process that runs, and closed in steps. */
#include <check.h>
#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include "run_suite.h"
#include "session_files.h"

/** Names in the session folder; 0 when there is none. */
static unsigned count_files(void)
{
    char path[80];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s.d", log_path);
    DIR *files = opendir(path);
    for (const struct dirent *file; files != NULL && (file = readdir(files)) != NULL;)
        count += file->d_name[0] != '.';
    if (files != NULL)
        closedir(files);
    return count;
}

START_TEST(what_was_prepared_is_recorded_into)
{
    struct recording recording;
    ck_assert_int_eq(recording_prepare(log_path, 8, true), 0);
    ck_assert_uint_eq(count_files(), 1 + JOURNAL_KINDS);
    ck_assert_int_eq(recording_prepare(log_path, 8, true), VRRL_E_EXISTS);
    ck_assert_uint_eq(count_files(), 1 + JOURNAL_KINDS);
    /* Its own capacity. */
    ck_assert_int_eq(recording_open(log_path, 100, true, &recording), 0);
    ck_assert_uint_eq(vrrl_capacity(recording.log), 8);
    ck_assert_uint_eq(recording.run, 1);
    ck_assert_int_eq(recording_open_journals(&recording), 0);
    for (uint32_t n = 0; n < 20; n++)
        append(&recording, n);
    recording_close(&recording);
    ck_assert(!recording_remove_unused(log_path));
    check_recorded(8, 8, 19, 20);
}
END_TEST

START_TEST(what_was_prepared_is_taken_away_unless_it_was_used)
{
    struct stat status;
    struct recording recording;
    ck_assert(!recording_remove_unused(log_path));
    ck_assert_int_eq(recording_prepare(log_path, 8, true), 0);
    ck_assert(recording_remove_unused(log_path));
    ck_assert_int_eq(stat(log_path, &status), -1);
    ck_assert_uint_eq(count_files(), 0);
    /* A run that published nothing was one all the same. */
    ck_assert_int_eq(recording_prepare(log_path, 8, false), 0);
    ck_assert_int_eq(recording_open(log_path, 8, true, &recording), 0);
    ck_assert(!recording_remove_unused(log_path));
    recording_close(&recording);
    ck_assert_int_eq(stat(log_path, &status), 0);
    ck_assert_int_eq(recording_prepare(log_path, 0, false), VRRL_E_EXISTS);
}
END_TEST

START_TEST(a_session_that_claims_nothing_hides_no_record)
{
    struct recording recording;
    record_run(8, 0, 3);
    FILE *slots = fopen(slots_path, "r+");
    const uint32_t none = 0;
    ck_assert_ptr_nonnull(slots);
    ck_assert_int_eq(fseek(slots, offsetof(struct session_header, runs), SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(&none, sizeof(none), 1, slots), 1);
    fclose(slots);
    ck_assert(!recording_remove_unused(log_path));
    ck_assert_int_eq(recording_open(log_path, 8, true, &recording), 0);
    ck_assert_uint_eq(log_total(recording.log), 3);
    recording_close(&recording);
}
END_TEST

START_TEST(closing_goes_in_steps)
{
    struct recording recording;
    unsigned steps = 1;
    ck_assert_int_eq(recording_open(log_path, 65536, true, &recording), 0);
    ck_assert_int_eq(recording_open_journals(&recording), 0);
    append(&recording, 1);
    for (; !recording_close_some(&recording, 1 << 20); steps++)
        ck_assert_uint_le(steps, 100);
    /* 26 MiB of journals, and 162 bytes for each of the places. */
    ck_assert_uint_ge(steps, 36);
    ck_assert_ptr_null(recording.header);
    check_recorded(65536, 1, 1, 1);
}
END_TEST

static Suite *prepare_suite(void)
{
    Suite *suite = suite_create("session prepare");
    TCase *tests = tcase_create("prepare");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, what_was_prepared_is_recorded_into);
    tcase_add_test(tests, what_was_prepared_is_taken_away_unless_it_was_used);
    tcase_add_test(tests, a_session_that_claims_nothing_hides_no_record);
    tcase_add_test(tests, closing_goes_in_steps);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return run_suite(prepare_suite(), CK_FORK_GETENV);
}
