/* The parts of the command that need no process: options, filters, times, where programs are. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "cli/host.h"
#include "cli/options.h"
#include "cli/record_filter.h"
#include "cli/record_format.h"
#include "run_suite.h"

START_TEST(numbers_are_whole_and_bounded)
{
    uint64_t value = 77;
    ck_assert(option_number("0", 10, &value) && value == 0);
    ck_assert(option_number("10", 10, &value) && value == 10);
    ck_assert(option_number("0x1F", UINT32_MAX, &value) && value == 31);
    ck_assert(option_number("18446744073709551615", UINT64_MAX, &value) && value == UINT64_MAX);
    value = 77;
    const char *bad[] = {"",   "11",  "-1", "+1", " 1",   "1 ",
                         "1x", "1.0", "x",  "0x", "0x-1", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!option_number(bad[i], 10, &value), "'%s' was taken", bad[i]);
    }
    ck_assert_uint_eq(value, 77);
}
END_TEST

START_TEST(ranges_have_one_end_or_two)
{
    uint32_t first = 7;
    uint32_t last = 7;
    ck_assert(option_range("5", &first, &last) && first == 5 && last == 5);
    ck_assert(option_range("5-9", &first, &last) && first == 5 && last == 9);
    ck_assert(option_range("0x10-4294967295", &first, &last));
    ck_assert(first == 16 && last == UINT32_MAX);
    const char *bad[] = {"", "-", "5-", "-5", "9-5", "1-2-3", "5--9", "4294967296", "0-4294967296"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!option_range(bad[i], &first, &last), "'%s' was taken", bad[i]);
    }
    ck_assert(first == 16 && last == UINT32_MAX);
}
END_TEST

START_TEST(filters_pass_what_each_of_them_lets_pass)
{
    struct record_filter filter;
    record_filter_init(&filter);
    const struct vrrl_record record = {.slot_idx = 5, .tenant_id = 2, .opcode = 7, .epoch = 3};
    ck_assert(record_filter_passes(&filter, &record));
    ck_assert(record_filter_add(&filter.tenants, &filter.tenants_len, 1));
    ck_assert(!record_filter_passes(&filter, &record));
    ck_assert(record_filter_add(&filter.tenants, &filter.tenants_len, 2));
    ck_assert(record_filter_passes(&filter, &record));
    ck_assert(record_filter_add(&filter.opcodes, &filter.opcodes_len, 6));
    ck_assert(!record_filter_passes(&filter, &record));
    ck_assert(record_filter_add(&filter.opcodes, &filter.opcodes_len, 7));
    filter.slot_first = filter.slot_last = 5;
    filter.epoch_first = 3;
    ck_assert(record_filter_passes(&filter, &record));
    filter.epoch_first = 4;
    ck_assert(!record_filter_passes(&filter, &record));
    filter.epoch_first = 0;
    filter.epoch_last = 2;
    ck_assert(!record_filter_passes(&filter, &record));
    filter.epoch_last = 3;
    filter.slot_last = 4;
    ck_assert(!record_filter_passes(&filter, &record));
    record_filter_free(&filter);
}
END_TEST

START_TEST(times_are_utc_to_the_nanosecond)
{
    char out[TIME_TEXT_SIZE];
    ck_assert_str_eq(time_text(0, out), "-");
    ck_assert_str_eq(time_text(1, out), "1970-01-01T00:00:00.000000001Z");
    ck_assert_str_eq(time_text(1000000000, out), "1970-01-01T00:00:01.000000000Z");
    ck_assert_str_eq(time_text(UINT64_C(1700000000123456789), out),
                     "2023-11-14T22:13:20.123456789Z");
    ck_assert_str_eq(time_text(UINT64_MAX, out), "2554-07-21T23:34:33.709551615Z");
}
END_TEST

START_TEST(programs_are_found_as_execvp_finds_them)
{
    char path[PATH_MAX];
    ck_assert_int_eq(setenv("PATH", "/nowhere:/usr/bin:/bin", 1), 0);
    ck_assert_int_eq(host_find("sh", path), 0);
    ck_assert_str_eq(path, "/usr/bin/sh");
    ck_assert_int_eq(host_find("/bin/sh", path), 0);
    ck_assert_str_eq(path, "/bin/sh");
    ck_assert_int_eq(host_find("no-such-program", path), ENOENT);
    ck_assert_int_eq(host_find("", path), ENOENT);
    ck_assert_int_eq(host_find("/", path), EISDIR);
    ck_assert_int_eq(host_find("/etc/passwd", path), EACCES);
    ck_assert_int_eq(setenv("PATH", "/etc:", 1), 0);
    ck_assert_int_eq(host_find("passwd", path), EACCES);
    ck_assert_int_eq(host_find("sh", path), ENOENT);
    ck_assert_ptr_null(host_refuses_preload("/bin/sh"));
    ck_assert_ptr_null(host_refuses_preload("/etc/passwd"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *cases = tcase_create("parts");
    tcase_add_test(cases, numbers_are_whole_and_bounded);
    tcase_add_test(cases, ranges_have_one_end_or_two);
    tcase_add_test(cases, filters_pass_what_each_of_them_lets_pass);
    tcase_add_test(cases, times_are_utc_to_the_nanosecond);
    tcase_add_test(cases, programs_are_found_as_execvp_finds_them);
    suite_add_tcase(suite, cases);
    return run_suite(suite, CK_FORK_GETENV);
}
