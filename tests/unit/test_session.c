/* The session: recording a log with it, and reading it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suite.h"
#include "session/slots.h"
#include "session_files.h"

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
    tcase_add_test(tests, rings_are_numbered);
    tcase_add_test(tests, a_ring_turns_out_to_be_another);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return run_suite(session_suite(), CK_FORK_GETENV);
}
