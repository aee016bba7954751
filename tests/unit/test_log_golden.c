/* Files that others wrote: the golden ones, damaged ones, and those of a killed seed writer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/writer.h"
#include "test_log_support.h"

static const char *golden(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof(path), "%s/%s.vrrl", GOLDEN_FOLDER, name);
    return path;
}

static void copy_golden(const char *name, const char *to)
{
    size_t length;
    uint8_t *bytes = load_file(golden(name), &length);
    store_file(to, bytes, length);
    free(bytes);
}

static void check_same_bytes(const char *path, const char *other)
{
    size_t length;
    size_t other_length;
    uint8_t *bytes = load_file(path, &length);
    uint8_t *other_bytes = load_file(other, &other_length);
    ck_assert_uint_eq(length, other_length);
    ck_assert_mem_eq(bytes, other_bytes, length);
    free(bytes);
    free(other_bytes);
}

static void check_patterns(const char *path, uint32_t first, uint32_t count, uint32_t epoch_base)
{
    struct vrrl_record *records = calloc(count + 1, sizeof(*records));
    ck_assert_uint_eq(read_log(path, records, count + 1), count);
    for (uint32_t i = 0; i < count; i++) {
        struct vrrl_record expected = pattern(first + i, epoch_base + first + i);
        ck_assert_uint_eq(records[i].timestamp_ns, expected.timestamp_ns);
        ck_assert_uint_eq(records[i].slot_idx, expected.slot_idx);
        ck_assert_uint_eq(records[i].tenant_id, 0);
        ck_assert_uint_eq(records[i].opcode, expected.opcode);
        ck_assert_mem_eq(records[i].args, expected.args, sizeof(expected.args));
        ck_assert_uint_eq(records[i].epoch, expected.epoch);
    }
    free(records);
}

static const struct {
    const char *name;
    uint64_t capacity;
    /** First record, and the one after the last, that were ever appended. */
    uint32_t first, end;
    uint32_t epoch_base;
} good[] = {
    {"empty_cap4", 4, 0, 0, 0},
    {"two_of_cap4", 4, 1, 3, 9},
    {"rollover_5_of_cap3", 3, 0, 5, 100},
    {"full_cap1024_plus17", 1024, 0, 1041, 100},
};

START_TEST(good_files_are_read_and_written_byte_for_byte)
{
    uint32_t count = good[_i].end - good[_i].first;
    uint32_t live = count < good[_i].capacity ? count : (uint32_t)good[_i].capacity;
    check_patterns(golden(good[_i].name), good[_i].end - live, live, good[_i].epoch_base);
    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_verify(golden(good[_i].name), &verdict), 0);
    ck_assert(verdict.sound);
    ck_assert_uint_eq(verdict.info.live, live);
    ck_assert_uint_eq(verdict.info.gaps, 0);
    ck_assert(!verdict.info.cursor_behind);

    struct vrrl_writer *writer = created("ours.vrrl", good[_i].capacity);
    for (uint32_t i = good[_i].first; i < good[_i].end; i++) {
        struct vrrl_record record = pattern(i, good[_i].epoch_base + i);
        ck_assert_int_eq(vrrl_append(writer, &record), 0);
    }
    vrrl_writer_close(writer);
    check_same_bytes("ours.vrrl", golden(good[_i].name));

    /* Opening a sound log changes nothing. */
    vrrl_writer_close(opened("ours.vrrl"));
    check_same_bytes("ours.vrrl", golden(good[_i].name));
}
END_TEST

START_TEST(failure_evidence_is_read)
{
    check_patterns(golden("evidence_tail"), 1, 2, 9);
    struct vrrl_record records[2];
    ck_assert_uint_eq(read_log(golden("evidence_tail"), records, 2), 2);
    ck_assert_uint_eq(records[0].failure.slot_status, 0);
    ck_assert_uint_eq(records[0].failure.output_digest, 0);
    size_t length;
    uint8_t *bytes = load_file(golden("evidence_tail"), &length);
    const uint8_t *tail = bytes + LOG_HEADER_BYTES + LOG_RECORD_BYTES + 44;
    struct vrrl_failure *failure = &records[1].failure;
    ck_assert_mem_eq(&failure->slot_status, tail, 4);
    ck_assert_mem_eq(&failure->failure_class, tail + 4, 4);
    ck_assert_mem_eq(&failure->backend_code, tail + 8, 4);
    ck_assert_mem_eq(&failure->output_digest, tail + 12, 8);
    ck_assert_uint_ne(failure->slot_status, 0);
    ck_assert_uint_ne(failure->output_digest, 0);
    free(bytes);
}
END_TEST

START_TEST(a_cursor_past_the_capacity_is_taken_modulo)
{
    const char *path = golden("cursor_past_capacity");
    check_patterns(path, 1, 2, 9);
    struct vrrl_info info = info_of(path);
    ck_assert_uint_eq(info.cursor, 2);
    ck_assert(!info.wrapped);
    ck_assert_uint_eq(info.gaps, 0);

    copy_golden("cursor_past_capacity", "copy.vrrl");
    struct vrrl_writer *writer = opened("copy.vrrl");
    struct vrrl_record record = pattern(3, 12);
    ck_assert_int_eq(vrrl_append(writer, &record), 0);
    vrrl_writer_close(writer);
    check_patterns("copy.vrrl", 1, 3, 9);
    ck_assert_uint_eq(info_of("copy.vrrl").cursor, 3);
}
END_TEST

static const struct {
    const char *name;
    int error;
} bad[] = {
    {"bad_capacity_over", VRRL_E_CAPACITY_OVER},
    {"bad_capacity_zero", VRRL_E_CAPACITY_ZERO},
    {"bad_empty_file", VRRL_E_TRUNCATED_HEADER},
    {"bad_magic", VRRL_E_MAGIC},
    {"bad_record_magic", VRRL_E_RECORD_MAGIC},
    {"bad_truncated_header", VRRL_E_TRUNCATED_HEADER},
    {"bad_version", VRRL_E_VERSION},
};

START_TEST(bad_files_are_refused_and_left_alone)
{
    copy_golden(bad[_i].name, "bad.vrrl");
    struct vrrl_reader *reader = (void *)1;
    struct vrrl_writer *writer = (void *)1;
    struct vrrl_verdict verdict = {.sound = true};
    ck_assert_int_eq(vrrl_reader_open("bad.vrrl", &reader), bad[_i].error);
    ck_assert_int_eq(vrrl_open("bad.vrrl", &writer), bad[_i].error);
    ck_assert_int_eq(vrrl_verify("bad.vrrl", &verdict), bad[_i].error);
    ck_assert_ptr_eq(reader, (void *)1);
    ck_assert_ptr_eq(writer, (void *)1);
    check_same_bytes("bad.vrrl", golden(bad[_i].name));
}
END_TEST

START_TEST(a_log_truncated_in_its_records_gives_the_whole_ones)
{
    copy_golden("bad_truncated_records", "bad.vrrl");
    check_patterns("bad.vrrl", 1, 1, 9);
    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_verify("bad.vrrl", &verdict), 0);
    ck_assert(!verdict.sound);
    ck_assert_uint_eq(verdict.info.live, 1);
    ck_assert_uint_eq(verdict.info.lost, 1);
    ck_assert_uint_eq(verdict.info.gaps, 0);
    struct vrrl_writer *writer;
    ck_assert_int_eq(vrrl_open("bad.vrrl", &writer), VRRL_E_TRUNCATED_RECORDS);
    struct vrrl_reader *reader;
    bool overrun;
    ck_assert_int_eq(vrrl_reader_open("bad.vrrl", &reader), 0);
    ck_assert_int_eq(vrrl_follow(reader, &overrun), VRRL_E_TRUNCATED_RECORDS);
    vrrl_reader_close(reader);
    check_same_bytes("bad.vrrl", golden("bad_truncated_records"));
}
END_TEST

START_TEST(a_wrapped_log_truncated_at_every_length)
{
    size_t length;
    uint8_t *bytes = load_file(golden("rollover_5_of_cap3"), &length);
    for (size_t cut = LOG_HEADER_BYTES; cut < length; cut++) {
        store_file("cut.vrrl", bytes, cut);
        uint64_t whole = (cut - LOG_HEADER_BYTES) / LOG_RECORD_BYTES;
        struct vrrl_record records[4];
        ck_assert_uint_eq(read_log("cut.vrrl", records, 4), whole);
        struct vrrl_info info = info_of("cut.vrrl");
        ck_assert_uint_eq(info.live, whole);
        /* With the third record goes the only sign that the log had wrapped. */
        ck_assert_uint_eq(info.lost, 2 - whole);
        ck_assert_uint_eq(info.gaps, 0);
    }
    free(bytes);
}
END_TEST

/** Shapes of logs of capacity 4: slot and timestamp of each place, 0 for empty. */
static const struct {
    const char *what;
    uint64_t cursor;
    uint32_t times[4];
    bool behind;
    /** Times in reading order, and how many. */
    uint32_t order[4];
    unsigned count;
    /** Where the next record goes. */
    uint64_t next;
} shapes[] = {
    {"killed before the first cursor", 0, {1, 0, 0, 0}, true, {1}, 1, 1},
    {"killed in the middle", 2, {1, 2, 3, 0}, true, {1, 2, 3}, 3, 3},
    {"killed at the last place", 3, {1, 2, 3, 4}, true, {1, 2, 3, 4}, 4, 0},
    {"killed after wrapping", 1, {5, 6, 3, 4}, true, {3, 4, 5, 6}, 4, 2},
    {"killed after wrapping, times equal", 1, {5, 6, 4, 4}, true, {4, 4, 5, 6}, 4, 2},
    {"not killed", 2, {1, 2, 0, 0}, false, {1, 2}, 2, 2},
    {"not killed, full", 0, {1, 2, 3, 4}, false, {1, 2, 3, 4}, 4, 0},
    {"not killed, wrapped", 1, {5, 2, 3, 4}, false, {2, 3, 4, 5}, 4, 1},
    {"all at one time", 1, {7, 7, 7, 7}, false, {7, 7, 7, 7}, 4, 1},
    {"a gap behind the oldest", 1, {5, 2, 0, 4}, false, {2, 4, 5}, 3, 1},
    {"a gap behind the oldest, and a newest that waited for its place",
     1,
     {1, 2, 0, 4},
     false,
     {2, 4, 1},
     3,
     1},
    {"a gap at the cursor", 1, {5, 0, 3, 4}, false, {3, 4, 5}, 3, 1},
    {"the clock was set back in the middle", 1, {2, 9, 8, 1}, false, {9, 8, 1, 2}, 4, 1},
};

START_TEST(shapes_of_logs)
{
    struct vrrl_record records[4] = {0};
    for (unsigned i = 0; i < 4; i++) {
        records[i].timestamp_ns = shapes[_i].times[i];
        records[i].slot_idx = shapes[_i].times[i];
    }
    store_log("shape.vrrl", 4, shapes[_i].cursor, records);
    check_slots("shape.vrrl", shapes[_i].count, shapes[_i].order);
    struct vrrl_verdict verdict;
    ck_assert_int_eq(vrrl_verify("shape.vrrl", &verdict), 0);
    ck_assert(verdict.sound);
    ck_assert_msg(verdict.info.cursor_behind == shapes[_i].behind, "%s", shapes[_i].what);
    ck_assert_uint_eq(verdict.info.cursor, shapes[_i].cursor);
    ck_assert_uint_eq(verdict.info.first_timestamp_ns, shapes[_i].order[0]);
    ck_assert_uint_eq(verdict.info.last_timestamp_ns, shapes[_i].order[shapes[_i].count - 1]);

    /* Continuing keeps what was there, but for the place that it goes to. */
    struct vrrl_writer *writer = opened("shape.vrrl");
    struct log_place place;
    ck_assert_int_eq(log_take(writer, &place), 0);
    ck_assert_msg(place.index == shapes[_i].next, "%s", shapes[_i].what);
    struct vrrl_record record = {.timestamp_ns = 100, .slot_idx = 100};
    ck_assert(log_commit(writer, &place, &record));
    vrrl_writer_close(writer);
    struct vrrl_record read[5];
    size_t count = read_log("shape.vrrl", read, 5);
    unsigned overwritten = shapes[_i].times[shapes[_i].next] != 0;
    ck_assert_uint_eq(count, shapes[_i].count + 1 - overwritten);
    ck_assert_uint_eq(read[count - 1].slot_idx, 100);
    for (size_t i = 0; i + 1 < count; i++)
        ck_assert_uint_eq(read[i].slot_idx, shapes[_i].order[i + overwritten]);
    ck_assert(!info_of("shape.vrrl").cursor_behind);
}
END_TEST

START_TEST(a_seed_log_with_holes_is_continued)
{
    /* vyre makes its file with set_len: nothing is allocated. */
    copy_golden("two_of_cap4", "log.vrrl");
    ck_assert_int_eq(truncate("log.vrrl", LOG_HEADER_BYTES + 2 * LOG_RECORD_BYTES), 0);
    ck_assert_int_eq(truncate("log.vrrl", LOG_HEADER_BYTES + 4 * LOG_RECORD_BYTES), 0);
    struct vrrl_writer *writer = opened("log.vrrl");
    struct vrrl_record record = pattern(3, 12);
    ck_assert_int_eq(vrrl_append(writer, &record), 0);
    vrrl_writer_close(writer);
    check_patterns("log.vrrl", 1, 3, 9);
}
END_TEST

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    TCase *tests = tcase_create("files of others");
    tcase_add_loop_test(tests, good_files_are_read_and_written_byte_for_byte, 0, COUNT_OF(good));
    tcase_add_test(tests, failure_evidence_is_read);
    tcase_add_test(tests, a_cursor_past_the_capacity_is_taken_modulo);
    tcase_add_loop_test(tests, bad_files_are_refused_and_left_alone, 0, COUNT_OF(bad));
    tcase_add_test(tests, a_log_truncated_in_its_records_gives_the_whole_ones);
    tcase_add_test(tests, a_wrapped_log_truncated_at_every_length);
    tcase_add_loop_test(tests, shapes_of_logs, 0, COUNT_OF(shapes));
    tcase_add_test(tests, a_seed_log_with_holes_is_continued);
    return run_log_suite(tests);
}
