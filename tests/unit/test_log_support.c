#include "test_log_support.h"

#include "run_suite.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

void enter_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/vrrl-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

void leave_folder(void)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            ck_assert_int_eq(
                unlinkat(dirfd(dir), entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0), 0);
    }
    closedir(dir);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

int run_log_suite(TCase *tests)
{
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_set_timeout(tests, 120 + stress_seconds() * 10);
    Suite *suite = suite_create("log");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}

struct vrrl_record pattern(uint32_t i, uint32_t epoch)
{
    return (struct vrrl_record){
        .timestamp_ns = 1000000 + i,
        .slot_idx = i,
        .opcode = 0x40000000 + i,
        .args = {i, 2 * i, 3 * i, 4 * i},
        .epoch = epoch,
    };
}

static uint32_t mix(uint32_t thread, uint32_t sequence, uint32_t word)
{
    uint32_t x = thread * 0x9E3779B1u ^ sequence * 0x85EBCA77u ^ word * 0xC2B2AE3Du;
    x ^= x >> 15;
    x *= 0x2C1B3C6Du;
    return x ^ x >> 12;
}

struct vrrl_record signed_record(uint32_t thread, uint32_t sequence, uint64_t timestamp_ns)
{
    return (struct vrrl_record){
        .timestamp_ns = timestamp_ns,
        .slot_idx = mix(thread, sequence, 1),
        .tenant_id = thread,
        .opcode = mix(thread, sequence, 2),
        .args = {sequence, mix(thread, sequence, 3), mix(thread, sequence, 4),
                 mix((uint32_t)timestamp_ns, (uint32_t)(timestamp_ns >> 32), 5)},
        .epoch = mix(thread, sequence, 6),
    };
}

bool is_signed(const struct vrrl_record *record)
{
    struct vrrl_record expected =
        signed_record(record->tenant_id, record->args[0], record->timestamp_ns);
    return record->slot_idx == expected.slot_idx && record->opcode == expected.opcode &&
           record->epoch == expected.epoch &&
           memcmp(record->args, expected.args, sizeof(expected.args)) == 0 &&
           record->failure.slot_status == 0 && record->failure.failure_class == 0 &&
           record->failure.backend_code == 0 && record->failure.output_digest == 0;
}

size_t read_log(const char *path, struct vrrl_record *records, size_t max)
{
    struct vrrl_reader *reader;
    ck_assert_int_eq(vrrl_reader_open(path, &reader), 0);
    size_t count = vrrl_read(reader, records, max);
    vrrl_reader_close(reader);
    return count;
}

void check_slots(const char *path, size_t count, const uint32_t *slots)
{
    struct vrrl_record *records = calloc(count + 1, sizeof(*records));
    ck_assert_uint_eq(read_log(path, records, count + 1), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(records[i].slot_idx == slots[i], "record %zu has slot %u, not %u", i,
                      records[i].slot_idx, slots[i]);
    free(records);
}

struct vrrl_info info_of(const char *path)
{
    struct vrrl_reader *reader;
    struct vrrl_info info;
    ck_assert_int_eq(vrrl_reader_open(path, &reader), 0);
    vrrl_reader_info(reader, &info);
    vrrl_reader_close(reader);
    return info;
}

struct vrrl_writer *created(const char *path, uint64_t capacity)
{
    struct vrrl_writer *writer;
    ck_assert_int_eq(vrrl_create(path, capacity, &writer), 0);
    return writer;
}

struct vrrl_writer *opened(const char *path)
{
    struct vrrl_writer *writer;
    ck_assert_int_eq(vrrl_open(path, &writer), 0);
    return writer;
}

uint8_t *load_file(const char *path, size_t *bytes_out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(file >= 0, "cannot open %s", path);
    struct stat status;
    ck_assert_int_eq(fstat(file, &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(read(file, bytes, (size_t)status.st_size), status.st_size);
    close(file);
    *bytes_out = (size_t)status.st_size;
    return bytes;
}

void store_file(const char *path, const void *bytes, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, bytes, length), (ssize_t)length);
    close(file);
}

void store_log(const char *path, uint64_t capacity, uint64_t cursor,
               const struct vrrl_record *records)
{
    size_t length = log_file_bytes(capacity);
    uint8_t *bytes = calloc(1, length);
    ck_assert_ptr_nonnull(bytes);
    struct log_header header = {.version = LOG_VERSION, .capacity = capacity, .cursor = cursor};
    memcpy(header.magic, LOG_MAGIC, sizeof(header.magic));
    memcpy(bytes, &header, sizeof(header));
    for (uint64_t place = 0; place < capacity; place++) {
        const struct vrrl_record *from = &records[place];
        struct log_record to = {
            .magic = from->timestamp_ns == 0 ? LOG_RECORD_EMPTY : LOG_RECORD_LIVE,
            .timestamp_ns = from->timestamp_ns,
            .slot_idx = from->slot_idx,
            .tenant_id = from->tenant_id,
            .opcode = from->opcode,
            .args = {from->args[0], from->args[1], from->args[2], from->args[3]},
            .epoch = from->epoch,
        };
        memcpy(bytes + LOG_HEADER_BYTES + place * sizeof(to), &to, sizeof(to));
    }
    store_file(path, bytes, length);
    free(bytes);
}

unsigned count_files(void)
{
    DIR *dir = opendir(".");
    ck_assert_ptr_nonnull(dir);
    unsigned count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

double stress_seconds(void)
{
    const char *text = getenv("VRRL_STRESS_SECONDS");
    return text == NULL ? 2.0 : atof(text);
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
