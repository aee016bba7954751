/* Reading a log while it is written, step by step. */
#include <unistd.h>

#include "log/writer.h"
#include "test_log_support.h"

#define CAPACITY 8

static struct vrrl_writer *writer;
static struct vrrl_reader *reader;

static void append_range(uint32_t first, uint32_t end)
{
    for (uint32_t slot = first; slot < end; slot++) {
        struct vrrl_record record = pattern(slot, 0);
        ck_assert_int_eq(vrrl_append(writer, &record), 0);
    }
}

static struct log_place take(void)
{
    struct log_place place;
    ck_assert_int_eq(log_take(writer, &place), 0);
    return place;
}

static void commit(const struct log_place *place, uint32_t slot)
{
    struct vrrl_record record = pattern(slot, 0);
    ck_assert(log_commit(writer, place, &record));
}

static bool follow(void)
{
    bool overrun;
    ck_assert_int_eq(vrrl_follow(reader, &overrun), 0);
    return overrun;
}

/** Read all there is: the slots first … end - 1. */
static void expect_range(uint32_t first, uint32_t end)
{
    struct vrrl_record records[CAPACITY + 1];
    size_t count = vrrl_read(reader, records, CAPACITY + 1);
    ck_assert_uint_eq(count, end - first);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_uint_eq(records[i].slot_idx, first + i);
}

static void begin(uint32_t records)
{
    writer = created("log.vrrl", CAPACITY);
    append_range(0, records);
    ck_assert_int_eq(vrrl_reader_open("log.vrrl", &reader), 0);
}

static void end(void)
{
    vrrl_reader_close(reader);
    vrrl_writer_close(writer);
}

START_TEST(new_records_are_taken_up)
{
    begin(3);
    expect_range(0, 3);
    expect_range(0, 0);
    ck_assert(!follow());
    expect_range(0, 0);
    append_range(3, 5);
    expect_range(0, 0);
    ck_assert(!follow());
    expect_range(3, 5);
    /* Round the end, again and again, and never a whole lap behind. */
    for (uint32_t i = 5; i < 40; i += 5) {
        append_range(i, i + 5);
        ck_assert(!follow());
        expect_range(i, i + 5);
    }
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    ck_assert_uint_eq(info.cursor, 40 % CAPACITY);
    ck_assert(info.wrapped);
    end();
}
END_TEST

START_TEST(what_was_not_read_yet_comes_first)
{
    begin(2);
    append_range(2, 4);
    ck_assert(!follow());
    append_range(4, 6);
    ck_assert(!follow());
    expect_range(0, 6);
    end();
}
END_TEST

START_TEST(an_empty_log_is_followed)
{
    begin(0);
    ck_assert(!follow());
    expect_range(0, 0);
    append_range(0, 1);
    ck_assert(!follow());
    expect_range(0, 1);
    end();
}
END_TEST

START_TEST(an_empty_log_that_fills_at_once)
{
    begin(0);
    append_range(0, CAPACITY);
    ck_assert(!follow());
    expect_range(0, CAPACITY);
    end();
}
END_TEST

START_TEST(an_empty_log_that_wraps_at_once)
{
    begin(0);
    append_range(0, CAPACITY + 3);
    ck_assert(follow());
    expect_range(3, CAPACITY + 3);
    ck_assert(!follow());
    end();
}
END_TEST

START_TEST(a_place_in_the_making_is_waited_for_once)
{
    begin(2);
    expect_range(0, 2);
    struct log_place slow = take();
    append_range(3, 5);
    ck_assert(!follow());
    expect_range(0, 0);
    commit(&slow, 2);
    ck_assert(!follow());
    expect_range(2, 5);

    /* The next one is never finished: a gap from the second look on. */
    slow = take();
    append_range(6, 8);
    ck_assert(!follow());
    expect_range(0, 0);
    ck_assert(!follow());
    expect_range(6, 8);
    log_abandon(writer, &slow);
    ck_assert(!follow());
    expect_range(0, 0);
    end();
}
END_TEST

START_TEST(two_places_in_the_making_are_waited_for_in_turn)
{
    begin(1);
    expect_range(0, 1);
    struct log_place gap = take();
    struct log_place slow = take();
    append_range(3, 4);
    ck_assert(!follow());
    expect_range(0, 0);
    ck_assert(!follow());
    expect_range(0, 0);
    commit(&slow, 2);
    ck_assert(!follow());
    expect_range(2, 4);
    log_abandon(writer, &gap);
    end();
}
END_TEST

START_TEST(an_overrun_is_told_and_reading_goes_on_with_the_oldest)
{
    begin(3);
    expect_range(0, 3);
    append_range(3, 3 + CAPACITY + 2);
    ck_assert(follow());
    expect_range(5, 13);
    ck_assert(!follow());
    expect_range(0, 0);
    append_range(13, 14);
    ck_assert(!follow());
    expect_range(13, 14);
    end();
}
END_TEST

START_TEST(an_overrun_by_whole_laps_is_told)
{
    begin(3);
    expect_range(0, 3);
    append_range(3, 3 + 5 * CAPACITY);
    ck_assert(follow());
    expect_range(3 + 4 * CAPACITY, 3 + 5 * CAPACITY);
    end();
}
END_TEST

START_TEST(an_overrun_in_the_middle_of_reading)
{
    begin(CAPACITY);
    struct vrrl_record records[2];
    ck_assert_uint_eq(vrrl_read(reader, records, 2), 2);
    append_range(CAPACITY, CAPACITY + 4);
    /* The places 2 and 3 are gone; what is left begins at 4. */
    expect_range(4, CAPACITY + 4);
    ck_assert(follow());
    ck_assert(!follow());
    end();
}
END_TEST

START_TEST(an_overrun_over_a_gap)
{
    begin(2);
    struct log_place gap = take();
    log_abandon(writer, &gap);
    append_range(3, 2 + CAPACITY);
    vrrl_reader_close(reader);
    /* The oldest place is the gap: it would not change when it is overwritten. */
    ck_assert_int_eq(vrrl_reader_open("log.vrrl", &reader), 0);
    append_range(2 + CAPACITY, 5 + CAPACITY);
    expect_range(5, 5 + CAPACITY);
    ck_assert(follow());
    end();
}
END_TEST

START_TEST(rewinding_a_log_that_went_on)
{
    begin(CAPACITY);
    expect_range(0, CAPACITY);
    append_range(CAPACITY, CAPACITY + 3);
    vrrl_rewind(reader);
    expect_range(3, CAPACITY + 3);
    end();
}
END_TEST

START_TEST(a_cursor_left_behind_is_followed)
{
    struct vrrl_record records[CAPACITY] = {pattern(0, 0), pattern(1, 0), pattern(2, 0)};
    store_log("log.vrrl", CAPACITY, 2, records);
    ck_assert_int_eq(vrrl_reader_open("log.vrrl", &reader), 0);
    expect_range(0, 3);
    ck_assert(!follow());
    expect_range(0, 0);
    writer = opened("log.vrrl");
    append_range(3, 5);
    ck_assert(!follow());
    expect_range(3, 5);
    end();
}
END_TEST

START_TEST(among_records_of_one_time_the_cursor_decides)
{
    struct vrrl_record records[CAPACITY] = {pattern(1, 0), {0}, pattern(2, 0)};
    records[0].timestamp_ns = records[2].timestamp_ns;
    store_log("log.vrrl", 3, 0, records);
    CHECK_SLOTS("log.vrrl", 1, 2);
    writer = opened("log.vrrl");
    append_range(3, 4);
    CHECK_SLOTS("log.vrrl", 2, 3);
    end();
}
END_TEST

START_TEST(a_log_truncated_meanwhile_is_told)
{
    begin(3);
    expect_range(0, 3);
    vrrl_writer_close(writer);
    writer = NULL;
    ck_assert_int_eq(truncate("log.vrrl", LOG_HEADER_BYTES + LOG_RECORD_BYTES), 0);
    bool overrun;
    ck_assert_int_eq(vrrl_follow(reader, &overrun), VRRL_E_TRUNCATED_RECORDS);
    end();
}
END_TEST

START_TEST(a_record_overwritten_by_something_else_is_told)
{
    begin(3);
    expect_range(0, 3);
    struct log_place place = take();
    writer->records[place.index].magic = 0x12345678;
    bool overrun;
    ck_assert_int_eq(vrrl_follow(reader, &overrun), VRRL_E_RECORD_MAGIC);
    end();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("follow");
    tcase_add_test(tests, new_records_are_taken_up);
    tcase_add_test(tests, what_was_not_read_yet_comes_first);
    tcase_add_test(tests, an_empty_log_is_followed);
    tcase_add_test(tests, an_empty_log_that_fills_at_once);
    tcase_add_test(tests, an_empty_log_that_wraps_at_once);
    tcase_add_test(tests, a_place_in_the_making_is_waited_for_once);
    tcase_add_test(tests, two_places_in_the_making_are_waited_for_in_turn);
    tcase_add_test(tests, an_overrun_is_told_and_reading_goes_on_with_the_oldest);
    tcase_add_test(tests, an_overrun_by_whole_laps_is_told);
    tcase_add_test(tests, an_overrun_in_the_middle_of_reading);
    tcase_add_test(tests, an_overrun_over_a_gap);
    tcase_add_test(tests, rewinding_a_log_that_went_on);
    tcase_add_test(tests, a_cursor_left_behind_is_followed);
    tcase_add_test(tests, among_records_of_one_time_the_cursor_decides);
    tcase_add_test(tests, a_log_truncated_meanwhile_is_told);
    tcase_add_test(tests, a_record_overwritten_by_something_else_is_told);
    return run_log_suite(tests);
}
