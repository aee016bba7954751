/* The session's journals: entries of any length, in a circle or until it is full. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_suite.h"
#include "session/journal.h"
#include "session/session.h"

#define BYTES 4096u

static char folder[] = "/tmp/vrrl-journal.XXXXXX";
static char log_path[48];
static char path[80];

static void make_folder(void)
{
    strcpy(strrchr(folder, '.') + 1, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(log_path, sizeof(log_path), "%s/run.vrrl", folder);
    snprintf(path, sizeof(path), "%s.d", log_path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s.d/observations", log_path);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void open_journal(struct journal *journal)
{
    ck_assert_int_eq(journal_open(log_path, JOURNAL_OBSERVATIONS, BYTES, journal), 0);
}

/** An entry of so many bytes, each of which is its number's last. */
static bool append(struct journal *journal, uint64_t bytes)
{
    uint8_t *payload = journal_begin(journal, bytes);
    if (payload == NULL)
        return false;
    memset(payload, (int)(journal->header->entries + 1), bytes);
    const struct journal_entry entry = {.position = journal->header->entries, .type = 5, .run = 1};
    journal_commit(journal, &entry);
    return true;
}

/** Read all: numbers go up by one and payloads are whole.  \return the last number */
static uint64_t read_all(struct journal_reader *reader, uint64_t *count)
{
    struct journal_entry entry;
    const void *payload;
    uint64_t last = 0;
    int more;
    *count = 0;
    while ((more = journal_read(reader, &entry, &payload)) == 1) {
        ck_assert(last == 0 || entry.number == last + 1);
        for (uint32_t i = 0; i < entry.bytes; i++)
            ck_assert_uint_eq(((const uint8_t *)payload)[i], (uint8_t)entry.number);
        ck_assert_uint_eq(entry.position, entry.number - 1);
        last = entry.number;
        *count += 1;
    }
    ck_assert_int_eq(more, 0);
    return last;
}

static struct journal_reader *open_reader(void)
{
    struct journal_reader *reader;
    ck_assert_int_eq(journal_reader_open(log_path, JOURNAL_OBSERVATIONS, &reader), 0);
    return reader;
}

START_TEST(test_newest_are_kept)
{
    struct journal journal;
    open_journal(&journal);
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert(append(&journal, i * 7 % 300));
    struct journal_reader *reader = open_reader();
    uint64_t count;
    ck_assert_uint_eq(read_all(reader, &count), 1000);
    ck_assert_uint_gt(count, 5);
    ck_assert_uint_lt(count, BYTES / 64 + 1);
    journal_reader_close(reader);
    journal_close(&journal);
}
END_TEST

START_TEST(test_too_big_is_dropped)
{
    struct journal journal;
    open_journal(&journal);
    ck_assert(append(&journal, 10));
    ck_assert(!append(&journal, BYTES));
    ck_assert(!append(&journal, UINT64_MAX - 100));
    ck_assert_uint_eq(journal.header->dropped, 2);
    ck_assert(append(&journal, BYTES - 64 - 128));
    struct journal_reader *reader = open_reader();
    uint64_t count;
    ck_assert_uint_eq(read_all(reader, &count), 2);
    journal_reader_close(reader);
    journal_close(&journal);
}
END_TEST

START_TEST(test_programs_stop_when_full)
{
    struct journal journal;
    ck_assert_int_eq(journal_open(log_path, JOURNAL_PROGRAMS, BYTES, &journal), 0);
    unsigned kept = 0;
    while (append(&journal, 448))
        kept++;
    ck_assert_uint_eq(kept, BYTES / 512);
    ck_assert_uint_eq(journal.header->tail, 0);
    ck_assert_uint_eq(journal.header->dropped, 1);
    journal_close(&journal);
}
END_TEST

START_TEST(test_continued)
{
    struct journal journal;
    uint64_t count;
    for (int run = 0; run < 3; run++) {
        open_journal(&journal);
        ck_assert(append(&journal, 100));
        journal_close(&journal);
    }
    struct journal_reader *reader = open_reader();
    ck_assert_uint_eq(read_all(reader, &count), 3);
    ck_assert_uint_eq(count, 3);
    journal_reader_close(reader);
}
END_TEST

START_TEST(test_private_memory)
{
    struct journal journal;
    ck_assert_int_eq(journal_open(NULL, JOURNAL_SUBMITS, BYTES, &journal), 0);
    ck_assert(append(&journal, 100));
    journal_close(&journal);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_live_reader_is_overtaken)
{
    struct journal journal;
    struct journal_entry entry;
    const void *payload;
    open_journal(&journal);
    for (int i = 0; i < 4; i++)
        ck_assert(append(&journal, 100));
    struct journal_reader *reader = open_reader();
    ck_assert_int_eq(journal_read(reader, &entry, &payload), 1);
    ck_assert_uint_eq(entry.number, 1);
    for (int i = 0; i < 100; i++)
        ck_assert(append(&journal, 100));
    uint64_t count;
    ck_assert_uint_eq(read_all(reader, &count), 104);
    ck_assert_uint_lt(count, 103);
    journal_reader_close(reader);
    journal_close(&journal);
}
END_TEST

/** Change a byte of the file that was written with three entries. */
static void damage(size_t offset, uint8_t byte)
{
    FILE *file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, (long)offset, SEEK_SET);
    fputc(byte, file);
    fclose(file);
}

START_TEST(test_damage_is_put_aside)
{
    static const size_t offsets[] = {
        0, 8, 12, 17, 25, 33, JOURNAL_HEADER_BYTES + 8, JOURNAL_HEADER_BYTES + 38};
    struct journal journal;
    open_journal(&journal);
    for (int i = 0; i < 3; i++)
        ck_assert(append(&journal, 100));
    journal_close(&journal);
    damage(offsets[_i], 0x7F);
    /* One that cannot be continued is kept, and a new one begun. */
    open_journal(&journal);
    ck_assert_uint_eq(journal.header->entries, 0);
    ck_assert(append(&journal, 100));
    journal_close(&journal);
    char command[160];
    snprintf(command, sizeof(command), "test $(ls %s.[0-9]* | wc -l) -eq 1", path);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(test_truncated_is_refused)
{
    struct journal journal;
    struct journal_reader *reader;
    open_journal(&journal);
    journal_close(&journal);
    ck_assert_int_eq(truncate(path, JOURNAL_HEADER_BYTES + 100), 0);
    ck_assert_int_eq(journal_reader_open(log_path, JOURNAL_OBSERVATIONS, &reader),
                     SESSION_E_TRUNCATED);
    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert_int_eq(journal_reader_open(log_path, JOURNAL_OBSERVATIONS, &reader),
                     SESSION_E_TRUNCATED);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(journal_reader_open(log_path, JOURNAL_OBSERVATIONS, &reader),
                     VRRL_E_NOT_FOUND);
}
END_TEST

/** A writer that is killed at any moment leaves whole entries, which the next one continues. */
START_TEST(test_killed)
{
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct journal journal;
            if (journal_open(log_path, JOURNAL_OBSERVATIONS, BYTES, &journal) != 0)
                _exit(1);
            for (uint64_t n = 0;; n++)
                append(&journal, n * 13 % 500);
        }
        usleep((useconds_t)(1000 + i * 97));
        kill(child, SIGKILL);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        if (access(path, F_OK) != 0)
            continue;
        struct journal_reader *reader = open_reader();
        uint64_t count;
        read_all(reader, &count);
        journal_reader_close(reader);
    }
    struct journal journal;
    open_journal(&journal);
    ck_assert_uint_gt(journal.header->entries, 0);
    journal_close(&journal);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tests = tcase_create("journal");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, test_newest_are_kept);
    tcase_add_test(tests, test_too_big_is_dropped);
    tcase_add_test(tests, test_programs_stop_when_full);
    tcase_add_test(tests, test_continued);
    tcase_add_test(tests, test_private_memory);
    tcase_add_test(tests, test_live_reader_is_overtaken);
    tcase_add_loop_test(tests, test_damage_is_put_aside, 0, 8);
    tcase_add_test(tests, test_truncated_is_refused);
    tcase_add_test(tests, test_killed);
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
