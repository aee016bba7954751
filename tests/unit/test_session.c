/* The session: recording a log with it, and reading it. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suite.h"
#include "session/slots.h"
#include "session/writer.h"

static char folder[] = "/tmp/vrrl-session.XXXXXX";
static char log_path[48];
static char slots_path[64];

static void make_folder(void)
{
    strcpy(strrchr(folder, '.') + 1, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(log_path, sizeof(log_path), "%s/run.vrrl", folder);
    snprintf(slots_path, sizeof(slots_path), "%s.d/slots", log_path);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void append(struct recording *recording, uint32_t n)
{
    struct log_place place;
    const uint32_t words[16] = {VYRE_STATUS_DONE, 2, 1, 2, n, [15] = ~n};
    const struct published published = {
        .timestamp_ns = 1000 + n, .slot_idx = n, .ring = 3, .thread = 4, .words = words};
    ck_assert_int_eq(log_take(recording->log, &place), 0);
    recording_reserve_slot(recording, &place, SESSION_ORIGIN_SYMBOL, published.ring,
                           published.slot_idx);
    ck_assert(recording_commit(recording, &place, &published));
}

static void record_run(uint64_t capacity, uint32_t first, uint32_t count)
{
    struct recording recording;
    ck_assert_int_eq(recording_open(log_path, capacity, true, &recording), 0);
    for (uint32_t n = first; n < first + count; n++)
        append(&recording, n);
    recording_close(&recording);
}

/** Every record has its slot, and the newest is `last`. */
static void check_recorded(uint64_t capacity, uint32_t count, uint32_t last, uint64_t total)
{
    struct vrrl_reader *reader;
    struct session_reader *session;
    struct vrrl_info info;
    struct vrrl_record record;
    struct session_slot slot;
    ck_assert_int_eq(vrrl_reader_open(log_path, &reader), 0);
    ck_assert_int_eq(session_reader_open(log_path, capacity, &session), 0);
    vrrl_reader_info(reader, &info);
    ck_assert_uint_eq(info.live, count);
    ck_assert_uint_eq(session_reader_total(session, info.cursor), total);
    for (uint32_t n = last + 1 - count; n <= last; n++) {
        ck_assert_uint_eq(vrrl_read(reader, &record, 1), 1);
        ck_assert_uint_eq(record.slot_idx, n);
        ck_assert(session_reader_slot(session, record.place, &slot));
        ck_assert(session_slot_matches(&slot, &record));
        ck_assert_uint_eq(slot.sequence, total - last + n);
        ck_assert_uint_eq(slot.words[0], VYRE_STATUS_PUBLISHED);
        ck_assert_uint_eq(slot.words[15], ~n);
        ck_assert_uint_eq(slot.ring, 3);
        ck_assert_uint_eq(slot.thread, 4);
    }
    session_reader_close(session);
    vrrl_reader_close(reader);
}

START_TEST(record_and_read)
{
    record_run(8, 0, 5);
    check_recorded(8, 5, 4, 5);
}
END_TEST

START_TEST(wrapped_log_keeps_the_total)
{
    record_run(8, 0, 21);
    check_recorded(8, 8, 20, 21);
}
END_TEST

START_TEST(total_goes_on_with_the_next_run)
{
    struct session_reader *session;
    record_run(8, 0, 21);
    record_run(99, 21, 2);
    check_recorded(8, 8, 22, 23);
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), 0);
    const struct session_header *header = session_reader_header(session);
    ck_assert_uint_eq(header->runs, 2);
    ck_assert_uint_eq(header->run_table[1].number, 2);
    ck_assert_uint_eq(header->run_table[1].first_sequence, 21);
    ck_assert_uint_eq(header->owner.pid, (uint32_t)getpid());
    session_reader_close(session);
}
END_TEST

START_TEST(log_without_session_gets_one)
{
    struct vrrl_writer *writer;
    struct vrrl_record record = {.timestamp_ns = 1};
    struct session_reader *session;
    struct session_slot slot;
    ck_assert_int_eq(vrrl_create(log_path, 4, &writer), 0);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(vrrl_append(writer, &record), 0);
    vrrl_writer_close(writer);
    record_run(4, 6, 1);
    ck_assert_int_eq(session_reader_open(log_path, 4, &session), 0);
    ck_assert_uint_eq(session_reader_total(session, 3), 7);
    ck_assert(!session_reader_slot(session, 1, &slot));
    ck_assert(session_reader_slot(session, 2, &slot));
    session_reader_close(session);
}
END_TEST

START_TEST(session_of_another_log_is_put_aside)
{
    struct stat status;
    char command[256];
    record_run(8, 0, 3);
    ck_assert_int_eq(unlink(log_path), 0);
    record_run(16, 0, 2);
    check_recorded(16, 2, 1, 2);
    snprintf(command, sizeof(command), "ls %s.[0-9]* %s.d/runs.jsonl.[0-9]* >%s/found", slots_path,
             log_path, folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(stat(slots_path, &status), 0);
    ck_assert_uint_eq((uint64_t)status.st_size, session_slots_bytes(16));
}
END_TEST

/** Nobody else may write into the log of a process that runs; a dead one's is free. */
START_TEST(a_living_owner_keeps_its_log)
{
    struct recording recording;
    int ready[2];
    int release[2];
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(release), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte = 0;
        bool good = recording_open(log_path, 8, true, &recording) == 0 &&
                    write(ready[1], &byte, 1) == 1 && read(release[0], &byte, 1) == 1;
        _exit(good ? 0 : 1);
    }
    char byte;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(recording_open(log_path, 8, true, &recording), SESSION_E_OWNED);
    ck_assert_int_eq(write(release[1], &byte, 1), 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    record_run(8, 0, 1);
    check_recorded(8, 1, 0, 1);
}
END_TEST

START_TEST(owners_are_told_apart)
{
    struct session_owner owner;
    session_owner_self(&owner);
    ck_assert(session_owner_alive(&owner));
    struct session_owner other = owner;
    other.start_time++;
    ck_assert_msg(!session_owner_alive(&other), "a new process of the same number");
    other = owner;
    other.boot_id[0] ^= 1;
    ck_assert_msg(!session_owner_alive(&other), "of an earlier boot");
    other = owner;
    other.pid_namespace++;
    ck_assert_msg(session_owner_alive(&other), "in another namespace nobody can tell");
    ck_assert(!session_owner_alive(&(struct session_owner){0}));
}
END_TEST

static void damage(off_t offset, const void *bytes, size_t count)
{
    FILE *file = fopen(slots_path, "r+");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseeko(file, offset, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(damaged_slots_are_refused)
{
    struct session_reader *session;
    uint32_t version = 2;
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), VRRL_E_NOT_FOUND);
    record_run(8, 0, 3);
    ck_assert_int_eq(session_reader_open(log_path, 9, &session), SESSION_E_CAPACITY);
    damage(8, &version, sizeof(version));
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), SESSION_E_FORMAT);
    damage(8, &(uint32_t){1}, sizeof(version));
    ck_assert_int_eq(truncate(slots_path, (off_t)session_slots_bytes(8) - 1), 0);
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), SESSION_E_TRUNCATED);
    ck_assert_int_eq(truncate(slots_path, 100), 0);
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), SESSION_E_TRUNCATED);
}
END_TEST

START_TEST(slot_of_a_wrong_place_is_none)
{
    struct session_reader *session;
    struct session_slot slot;
    uint64_t sequence = 3;
    record_run(8, 0, 3);
    damage(SESSION_HEADER_BYTES, &sequence, sizeof(sequence));
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), 0);
    ck_assert(!session_reader_slot(session, 0, &slot));
    ck_assert(session_reader_slot(session, 1, &slot));
    ck_assert(!session_reader_slot(session, 8, &slot));
    session_reader_close(session);
}
END_TEST

/** Continued, such a total would overflow inside the host's appends. */
START_TEST(sequence_that_nobody_reaches_is_none)
{
    uint64_t sequence = 8 * SESSION_LAPS_MAX + 1;
    record_run(8, 0, 3);
    damage(SESSION_HEADER_BYTES, &sequence, sizeof(sequence));
    record_run(8, 3, 1);
    struct session_reader *session;
    ck_assert_int_eq(session_reader_open(log_path, 8, &session), 0);
    ck_assert_uint_eq(session_reader_total(session, 4), 4);
    session_reader_close(session);
}
END_TEST

START_TEST(what_cannot_begin_leaves_nothing)
{
    struct recording recording;
    struct stat status;
    char path[80];
    ck_assert_int_eq(recording_open(log_path, 0, true, &recording), VRRL_E_CAPACITY_ZERO);
    ck_assert_int_eq(recording_open(log_path, VRRL_CAPACITY_MAX + 1, true, &recording),
                     VRRL_E_CAPACITY_OVER);
    snprintf(path, sizeof(path), "%s.d", log_path);
    ck_assert_int_eq(stat(path, &status), -1);
    snprintf(path, sizeof(path), "%s/none/run.vrrl", folder);
    ck_assert_int_eq(recording_open(path, 8, true, &recording), VRRL_E_IO);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

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

START_TEST(rings_are_numbered)
{
    struct recording recording;
    ck_assert_int_eq(recording_open(log_path, 8, true, &recording), 0);
    ck_assert_uint_eq(recording_ring(&recording, 0x1000, 64), 0);
    ck_assert_uint_eq(recording_ring(&recording, 0x2000, 128), 1);
    ck_assert_uint_eq(recording_ring(&recording, 0x1000, 64), 0);
    ck_assert_uint_eq(recording.header->rings, 2);
    ck_assert_uint_eq(recording.header->ring_table[1].bytes, 128);
    for (uint64_t ring = 3; ring <= SESSION_RINGS_OF_RUN_MAX; ring++)
        ck_assert_uint_eq(recording_ring(&recording, ring * 0x1000, 64), ring - 1);
    ck_assert_uint_eq(recording_ring(&recording, 0x999000, 64), SESSION_RING_UNKNOWN);
    recording_close(&recording);
}
END_TEST

START_TEST(a_ring_turns_out_to_be_another)
{
    struct recording recording;
    ck_assert_int_eq(recording_open(log_path, 8, true, &recording), 0);
    for (uint64_t ring = 0; ring < 4; ring++)
        ck_assert_uint_eq(recording_ring(&recording, 0x1000 + ring, 64), ring);
    append(&recording, 0);
    recording_join_rings(&recording, 3, 1);
    recording_join_rings(&recording, 0, 1);
    ck_assert_uint_eq(recording_ring(&recording, 0x1003, 64), 1);
    ck_assert_uint_eq(recording_ring(&recording, 0x1000, 64), 1);
    ck_assert_uint_eq(recording_ring(&recording, 0x1002, 64), 2);
    recording_close(&recording);

    struct session_reader *reader;
    struct session_slot slot;
    ck_assert_int_eq(session_reader_open(log_path, 8, &reader), 0);
    ck_assert(session_reader_slot(reader, 0, &slot));
    ck_assert_uint_eq(slot.ring, 1);
    session_reader_close(reader);
}
END_TEST

static Suite *session_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, record_and_read);
    tcase_add_test(tests, wrapped_log_keeps_the_total);
    tcase_add_test(tests, total_goes_on_with_the_next_run);
    tcase_add_test(tests, log_without_session_gets_one);
    tcase_add_test(tests, session_of_another_log_is_put_aside);
    tcase_add_test(tests, a_living_owner_keeps_its_log);
    tcase_add_test(tests, owners_are_told_apart);
    tcase_add_test(tests, damaged_slots_are_refused);
    tcase_add_test(tests, slot_of_a_wrong_place_is_none);
    tcase_add_test(tests, sequence_that_nobody_reaches_is_none);
    tcase_add_test(tests, what_cannot_begin_leaves_nothing);
    tcase_add_test(tests, what_was_prepared_is_recorded_into);
    tcase_add_test(tests, what_was_prepared_is_taken_away_unless_it_was_used);
    tcase_add_test(tests, a_session_that_claims_nothing_hides_no_record);
    tcase_add_test(tests, closing_goes_in_steps);
    tcase_add_test(tests, rings_are_numbered);
    tcase_add_test(tests, a_ring_turns_out_to_be_another);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return run_suite(session_suite(), CK_FORK_GETENV);
}
