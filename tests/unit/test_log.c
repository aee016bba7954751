/* Appending to a log and reading it back, by one thread. */
#include <stdlib.h>
#include <string.h>

#include "log/writer.h"
#include "test_log_support.h"

static void append(struct vrrl_writer *writer, uint32_t slot)
{
    struct vrrl_record record = pattern(slot, 100 + slot);
    ck_assert_int_eq(vrrl_append(writer, &record), 0);
}

static void append_range(struct vrrl_writer *writer, uint32_t first, uint32_t end)
{
    for (uint32_t slot = first; slot < end; slot++)
        append(writer, slot);
}

static struct log_place take(struct vrrl_writer *writer)
{
    struct log_place place;
    ck_assert_int_eq(log_take(writer, &place), 0);
    return place;
}

static bool commit(struct vrrl_writer *writer, const struct log_place *place, uint32_t slot)
{
    struct vrrl_record record = pattern(slot, 0);
    return log_commit(writer, place, &record);
}

START_TEST(what_was_appended_is_read_back)
{
    struct vrrl_writer *writer = created("log.vrrl", 8);
    ck_assert_uint_eq(vrrl_capacity(writer), 8);
    struct vrrl_record written = {
        .timestamp_ns = UINT64_C(0x1122334455667788),
        .slot_idx = 0xFFFFFFFF,
        .tenant_id = 28,
        .opcode = 0x80000001,
        .args = {1, 0x80000000, 3, 0xFFFFFFFF},
        .epoch = 77,
        .failure = {1, 2, 3, 4},
        .place = 5,
    };
    ck_assert_int_eq(vrrl_append(writer, &written), 0);
    ck_assert_int_eq(vrrl_sync(writer), 0);
    vrrl_writer_close(writer);

    struct vrrl_record read[2];
    ck_assert_uint_eq(read_log("log.vrrl", read, 2), 1);
    ck_assert_uint_eq(read[0].timestamp_ns, written.timestamp_ns);
    ck_assert_uint_eq(read[0].slot_idx, written.slot_idx);
    ck_assert_uint_eq(read[0].tenant_id, written.tenant_id);
    ck_assert_uint_eq(read[0].opcode, written.opcode);
    ck_assert_mem_eq(read[0].args, written.args, sizeof(written.args));
    ck_assert_uint_eq(read[0].epoch, written.epoch);
    /* Evidence and place are the reader's to tell. */
    ck_assert_uint_eq(read[0].failure.slot_status, 0);
    ck_assert_uint_eq(read[0].failure.output_digest, 0);
    ck_assert_uint_eq(read[0].place, 0);

    struct vrrl_info info = info_of("log.vrrl");
    ck_assert_uint_eq(info.version, 1);
    ck_assert_uint_eq(info.flags, 0);
    ck_assert_uint_eq(info.capacity, 8);
    ck_assert_uint_eq(info.cursor, 1);
    ck_assert_uint_eq(info.live, 1);
    ck_assert_uint_eq(info.gaps, 0);
    ck_assert_uint_eq(info.lost, 0);
    ck_assert(!info.wrapped);
    ck_assert(!info.cursor_behind);
    ck_assert_uint_eq(info.first_timestamp_ns, written.timestamp_ns);
    ck_assert_uint_eq(info.last_timestamp_ns, written.timestamp_ns);
}
END_TEST

START_TEST(a_timestamp_of_zero_stands_for_now)
{
    struct vrrl_writer *writer = created("log.vrrl", 2);
    struct vrrl_record record = {.slot_idx = 1};
    uint64_t before = log_clock_realtime();
    ck_assert_int_eq(vrrl_append(writer, &record), 0);
    uint64_t after = log_clock_realtime();
    vrrl_writer_close(writer);
    ck_assert_uint_eq(record.timestamp_ns, 0);
    ck_assert_uint_eq(read_log("log.vrrl", &record, 1), 1);
    ck_assert_uint_ge(record.timestamp_ns + 100000, before);
    ck_assert_uint_le(record.timestamp_ns, after + 100000);
}
END_TEST

START_TEST(a_log_that_wraps_keeps_the_newest)
{
    struct vrrl_writer *writer = created("log.vrrl", 3);
    append_range(writer, 0, 3);
    CHECK_SLOTS("log.vrrl", 0, 1, 2);
    struct vrrl_info info = info_of("log.vrrl");
    ck_assert_uint_eq(info.cursor, 0);
    ck_assert(info.wrapped);
    append_range(writer, 3, 5);
    CHECK_SLOTS("log.vrrl", 2, 3, 4);
    info = info_of("log.vrrl");
    ck_assert_uint_eq(info.cursor, 2);
    ck_assert_uint_eq(info.first_timestamp_ns, 1000002);
    ck_assert_uint_eq(info.last_timestamp_ns, 1000004);
    append_range(writer, 5, 1000);
    CHECK_SLOTS("log.vrrl", 997, 998, 999);
    ck_assert_uint_eq(log_total(writer), 1000);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(capacity_one_keeps_the_last)
{
    struct vrrl_writer *writer = created("log.vrrl", 1);
    append_range(writer, 0, 3);
    CHECK_SLOTS("log.vrrl", 2);
    struct log_place place = take(writer);
    struct vrrl_record nested = pattern(9, 0);
    ck_assert_int_eq(vrrl_append(writer, &nested), VRRL_E_BUSY);
    ck_assert(commit(writer, &place, 3));
    CHECK_SLOTS("log.vrrl", 3);
    ck_assert(!info_of("log.vrrl").cursor_behind);
    vrrl_writer_close(writer);
    writer = opened("log.vrrl");
    append(writer, 4);
    CHECK_SLOTS("log.vrrl", 4);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(an_abandoned_place_is_a_gap)
{
    struct vrrl_writer *writer = created("log.vrrl", 4);
    append(writer, 0);
    struct log_place place = take(writer);
    log_abandon(writer, &place);
    append(writer, 2);
    CHECK_SLOTS("log.vrrl", 0, 2);
    struct vrrl_info info = info_of("log.vrrl");
    ck_assert_uint_eq(info.live, 2);
    ck_assert_uint_eq(info.gaps, 1);
    ck_assert_uint_eq(info.cursor, 3);
    ck_assert(!info.wrapped);

    /* The gap goes when its place is written in the next lap; an old record becomes one. */
    append_range(writer, 3, 5);
    place = take(writer);
    ck_assert_uint_eq(place.index, 1);
    ck_assert(commit(writer, &place, 5));
    place = take(writer);
    log_abandon(writer, &place);
    CHECK_SLOTS("log.vrrl", 3, 4, 5);
    info = info_of("log.vrrl");
    ck_assert_uint_eq(info.gaps, 1);
    ck_assert(info.wrapped);

    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_verify("log.vrrl", &verdict), 0);
    ck_assert(verdict.sound);
    ck_assert_uint_eq(verdict.info.gaps, 1);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(a_place_is_empty_until_it_is_committed)
{
    struct vrrl_writer *writer = created("log.vrrl", 3);
    append_range(writer, 0, 3);
    struct log_place place = take(writer);
    /* The cursor has left it, and the old record is gone: so a crash leaves it. */
    CHECK_SLOTS("log.vrrl", 1, 2);
    ck_assert_uint_eq(info_of("log.vrrl").cursor, 1);
    ck_assert(commit(writer, &place, 3));
    CHECK_SLOTS("log.vrrl", 1, 2, 3);
    vrrl_writer_close(writer);
}
END_TEST

/* Places are taken before and committed after a publish: the order is that of the taking. */
START_TEST(order_is_that_of_the_taking)
{
    struct vrrl_writer *writer = created("log.vrrl", 8);
    struct log_place outer = take(writer);
    struct log_place inner = take(writer);
    append(writer, 2);
    ck_assert(commit(writer, &inner, 1));
    ck_assert(commit(writer, &outer, 0));
    ck_assert_uint_eq(outer.sequence, 0);
    ck_assert_uint_eq(inner.sequence, 1);
    CHECK_SLOTS("log.vrrl", 0, 1, 2);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(a_lapped_record_is_dropped)
{
    struct vrrl_writer *writer = created("log.vrrl", 4);
    struct log_place slow = take(writer);
    append_range(writer, 1, 4);
    /* The others come to its place and pass on. */
    append_range(writer, 4, 6);
    struct vrrl_info info = info_of("log.vrrl");
    ck_assert_uint_eq(info.live, 3);
    ck_assert_uint_eq(info.gaps, 1);
    ck_assert(!commit(writer, &slow, 99));
    CHECK_SLOTS("log.vrrl", 3, 4, 5);
    /* The place is written again in the next lap. */
    append_range(writer, 6, 8);
    CHECK_SLOTS("log.vrrl", 4, 5, 6, 7);
    ck_assert_uint_eq(log_total(writer), 9);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(an_abandoned_lapped_place_serves_again)
{
    struct vrrl_writer *writer = created("log.vrrl", 2);
    struct log_place slow = take(writer);
    append_range(writer, 1, 20);
    log_abandon(writer, &slow);
    append_range(writer, 20, 22);
    CHECK_SLOTS("log.vrrl", 20, 21);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(busy_when_every_place_is_owned)
{
    enum {
        CAPACITY = 5
    };
    struct vrrl_writer *writer = created("log.vrrl", CAPACITY);
    struct log_place places[CAPACITY];
    struct log_place none;
    for (uint32_t i = 0; i < CAPACITY; i++)
        places[i] = take(writer);
    ck_assert_int_eq(log_take(writer, &none), VRRL_E_BUSY);
    struct vrrl_record record = pattern(9, 0);
    ck_assert_int_eq(vrrl_append(writer, &record), VRRL_E_BUSY);
    /* The owners are not harmed by those who asked in vain. */
    for (uint32_t i = 0; i < CAPACITY; i++)
        ck_assert(commit(writer, &places[i], i));
    CHECK_SLOTS("log.vrrl", 0, 1, 2, 3, 4);
    append(writer, 5);
    CHECK_SLOTS("log.vrrl", 1, 2, 3, 4, 5);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(notes_chain_places)
{
    struct vrrl_writer *writer = created("log.vrrl", 8);
    append_range(writer, 0, 10);
    struct log_place first = take(writer);
    struct log_place second = take(writer);
    log_leave_note(writer, &second, first.index);
    uint64_t note;
    struct log_place found = log_find_place(writer, second.index, &note);
    ck_assert_uint_eq(note, first.index);
    ck_assert_uint_eq(found.index, second.index);
    ck_assert_uint_eq(found.sequence, second.sequence);
    found = log_find_place(writer, first.index, &note);
    ck_assert(commit(writer, &found, 10));
    ck_assert(commit(writer, &second, 11));
    CHECK_SLOTS("log.vrrl", 4, 5, 6, 7, 8, 9, 10, 11);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(a_log_is_continued)
{
    struct vrrl_writer *writer = created("log.vrrl", 4);
    append_range(writer, 0, 3);
    vrrl_writer_close(writer);
    writer = opened("log.vrrl");
    ck_assert_uint_eq(vrrl_capacity(writer), 4);
    ck_assert_uint_eq(log_total(writer), 3);
    append_range(writer, 3, 6);
    vrrl_writer_close(writer);
    CHECK_SLOTS("log.vrrl", 2, 3, 4, 5);
    writer = opened("log.vrrl");
    /* All that a wrapped log tells is that it came round at least once. */
    ck_assert_uint_eq(log_total(writer), 6);
    ck_assert_uint_eq(take(writer).sequence, 6);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(another_total_is_continued)
{
    struct vrrl_writer *writer = created("log.vrrl", 4);
    append_range(writer, 0, 6);
    vrrl_writer_close(writer);
    writer = opened("log.vrrl");
    log_set_total(writer, UINT64_C(4000000002));
    ck_assert_uint_eq(log_total(writer), UINT64_C(4000000002));
    struct log_place place = take(writer);
    ck_assert_uint_eq(place.index, 2);
    ck_assert_uint_eq(place.sequence, UINT64_C(4000000002));
    ck_assert(commit(writer, &place, 6));
    append_range(writer, 7, 20);
    ck_assert_uint_eq(log_total(writer), UINT64_C(4000000016));
    CHECK_SLOTS("log.vrrl", 16, 17, 18, 19);
    vrrl_writer_close(writer);
}
END_TEST

START_TEST(reading_in_small_steps_and_again)
{
    struct vrrl_writer *writer = created("log.vrrl", 100);
    append_range(writer, 0, 130);
    vrrl_writer_close(writer);
    struct vrrl_reader *reader;
    ck_assert_int_eq(vrrl_reader_open("log.vrrl", &reader), 0);
    for (int turn = 0; turn < 2; turn++) {
        struct vrrl_record records[7];
        uint32_t expected = 30;
        size_t count;
        while ((count = vrrl_read(reader, records, 7)) > 0) {
            for (size_t i = 0; i < count; i++) {
                ck_assert_uint_eq(records[i].slot_idx, expected);
                ck_assert_uint_eq(records[i].place, expected % 100);
                expected++;
            }
        }
        ck_assert_uint_eq(expected, 130);
        vrrl_rewind(reader);
    }
    vrrl_reader_close(reader);
}
END_TEST

START_TEST(a_clock_that_was_set_back_is_counted)
{
    struct vrrl_writer *writer = created("log.vrrl", 8);
    static const uint64_t seconds[] = {100, 101, 50, 51, 51, 20, 120};
    for (uint32_t i = 0; i < 7; i++) {
        struct vrrl_record record = pattern(i, 0);
        record.timestamp_ns = seconds[i] * 1000000000;
        ck_assert_int_eq(vrrl_append(writer, &record), 0);
    }
    vrrl_writer_close(writer);
    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_verify("log.vrrl", &verdict), 0);
    ck_assert(verdict.sound);
    ck_assert_uint_eq(verdict.clock_set_back, 2);
}
END_TEST

START_TEST(every_error_says_what_to_do)
{
    for (int error = VRRL_E_BUSY; error < 0; error++) {
        const char *text = vrrl_strerror(error);
        ck_assert_ptr_nonnull(strstr(text, "Fix: "));
        ck_assert_int_eq(text[strlen(text) - 1], '.');
    }
    ck_assert_ptr_nonnull(strstr(vrrl_strerror(-9999), "Fix: "));
    ck_assert_str_eq(vrrl_strerror(VRRL_E_CAPACITY_ZERO),
                     "replay log capacity must be > 0. Fix: construct with at least one slot.");
    vrrl_writer_close(NULL);
    vrrl_reader_close(NULL);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("append and read");
    tcase_add_test(tests, what_was_appended_is_read_back);
    tcase_add_test(tests, a_timestamp_of_zero_stands_for_now);
    tcase_add_test(tests, a_log_that_wraps_keeps_the_newest);
    tcase_add_test(tests, capacity_one_keeps_the_last);
    tcase_add_test(tests, an_abandoned_place_is_a_gap);
    tcase_add_test(tests, a_place_is_empty_until_it_is_committed);
    tcase_add_test(tests, order_is_that_of_the_taking);
    tcase_add_test(tests, a_lapped_record_is_dropped);
    tcase_add_test(tests, an_abandoned_lapped_place_serves_again);
    tcase_add_test(tests, busy_when_every_place_is_owned);
    tcase_add_test(tests, notes_chain_places);
    tcase_add_test(tests, a_log_is_continued);
    tcase_add_test(tests, another_total_is_continued);
    tcase_add_test(tests, reading_in_small_steps_and_again);
    tcase_add_test(tests, a_clock_that_was_set_back_is_counted);
    tcase_add_test(tests, every_error_says_what_to_do);
    return run_log_suite(tests);
}
