/* Shared by the tests of the log: a folder of its own for each test, and records that tell
 * by themselves whether they are whole. */
#ifndef TEST_LOG_SUPPORT_H
#define TEST_LOG_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/layout.h"
#include "log/vrrl.h"

/** Fixture: makes and enters an empty folder, and removes it with all that is in it. */
void enter_folder(void);
void leave_folder(void);

/** Run a suite of one test case with the fixture.  \return the exit status of main */
int run_log_suite(TCase *tests);

/** Record i of the golden files: the seed's own test pattern. */
struct vrrl_record pattern(uint32_t i, uint32_t epoch);

/** A record whose every word follows from who wrote it and when. */
struct vrrl_record signed_record(uint32_t thread, uint32_t sequence, uint64_t timestamp_ns);

/** Whether every word is what signed_record() gave it; tenant_id and args[0] tell of whom. */
bool is_signed(const struct vrrl_record *record);

/** Open a log, read at most \a max records, close it.  \return how many */
size_t read_log(const char *path, struct vrrl_record *records, size_t max);

/** Read a log and compare the slot indices, oldest first. */
void check_slots(const char *path, size_t count, const uint32_t *slots);
#define CHECK_SLOTS(path, ...)                                                                     \
    check_slots(path, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),                        \
                (const uint32_t[]){__VA_ARGS__})

/** What the log is, by a reader of its own. */
struct vrrl_info info_of(const char *path);

/** Create a log, or open one, that must succeed. */
struct vrrl_writer *created(const char *path, uint64_t capacity);
struct vrrl_writer *opened(const char *path);

/** Whole files as bytes; \a bytes_out is the length, the buffer is freed by the caller. */
uint8_t *load_file(const char *path, size_t *bytes_out);
void store_file(const char *path, const void *bytes, size_t length);

/** Write a file as a seed writer would: header with \a cursor, then \a capacity records as
 *  given, where a timestamp of 0 stands for an empty place. */
void store_log(const char *path, uint64_t capacity, uint64_t cursor,
               const struct vrrl_record *records);

/** Files in the current folder. */
unsigned count_files(void);

/** Seconds that a stress test takes: VRRL_STRESS_SECONDS, or a short time. */
double stress_seconds(void);

double seconds_now(void);

#endif
