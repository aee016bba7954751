/*
 * Reads arbitrary bytes as a log: nothing may crash, and what is read must agree with itself.
 * A log that a writer accepts is continued, and must then be sound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_input.h"
#include "log/layout.h"
#include "log/vrrl.h"

/** Logs of a larger capacity are read but not continued, which would fill all of their file. */
#define CONTINUED_CAPACITY_MAX 4096

/** Longest input, and so the largest whole log: 1023 records. */
#define INPUT_MAX 65536

struct scratch {
    int file;
    char path[32];
};

static void fill(struct scratch *scratch, const uint8_t *data, size_t size)
{
    if (scratch->file == 0) {
        scratch->file = memfd_create("log", MFD_CLOEXEC);
        snprintf(scratch->path, sizeof(scratch->path), "/proc/self/fd/%d", scratch->file);
    }
    check(ftruncate(scratch->file, 0) == 0 && pwrite(scratch->file, data, size, 0) == (ssize_t)size,
          "scratch file cannot be written");
}

/** Read to the end; the capacity bounds it.  \return how many, and the last of them */
static uint64_t read_all(struct vrrl_reader *reader, struct vrrl_record *last)
{
    struct vrrl_record records[64];
    uint64_t total = 0;
    size_t count;
    while ((count = vrrl_read(reader, records, 64)) > 0) {
        total += count;
        *last = records[count - 1];
    }
    return total;
}

static void read_log(const char *path, size_t size)
{
    struct vrrl_reader *reader;
    struct vrrl_verdict verdict;
    int error = vrrl_reader_open(path, &reader);
    check(vrrl_verify(path, &verdict) == error, "verify and open disagree");
    if (error != 0)
        return;
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    check(info.capacity >= 1 && info.capacity <= VRRL_CAPACITY_MAX, "capacity out of range");
    check(info.cursor < info.capacity, "cursor out of range");
    check(info.live + info.gaps + info.lost <= info.capacity, "more places than there are");
    check(verdict.info.live == info.live, "verify and open count differently");
    check(verdict.sound == (info.lost == 0), "lost records are not sound");
    struct vrrl_record last;
    check(read_all(reader, &last) == info.live, "not every live record is read");
    check(info.live == 0 || last.timestamp_ns == info.last_timestamp_ns, "last is not the newest");
    bool overrun;
    if (size >= log_file_bytes(info.capacity)) {
        check(vrrl_follow(reader, &overrun) == 0 && !overrun, "a log at rest moved");
        check(read_all(reader, &last) == 0, "a log at rest grew");
    }
    vrrl_rewind(reader);
    check(read_all(reader, &last) == info.live, "rewound, it reads differently");
    vrrl_reader_close(reader);
}

/** Whether a record of the last time there is leaves no later one for a new record. */
static bool time_is_over(const uint8_t *data, size_t size)
{
    struct log_record record;
    for (size_t at = LOG_HEADER_BYTES; at + sizeof(record) <= size; at += sizeof(record)) {
        memcpy(&record, data + at, sizeof(record));
        if (record.timestamp_ns == UINT64_MAX)
            return true;
    }
    return false;
}

static void continue_log(const char *path, const uint8_t *data, size_t size)
{
    struct log_header header;
    memcpy(&header, data, sizeof(header));
    if (header.capacity > CONTINUED_CAPACITY_MAX || time_is_over(data, size))
        return;
    struct vrrl_writer *writer;
    if (vrrl_open(path, &writer) != 0)
        return;
    struct vrrl_record record = {.timestamp_ns = UINT64_MAX, .slot_idx = 0x5EED};
    check(vrrl_append(writer, &record) == 0, "append failed");
    vrrl_writer_close(writer);
    struct vrrl_reader *reader;
    struct vrrl_record last = {0};
    check(vrrl_reader_open(path, &reader) == 0, "the continued log cannot be opened");
    check(read_all(reader, &last) > 0 && last.slot_idx == 0x5EED, "the new record is not the last");
    vrrl_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scratch scratch;
    if (size > INPUT_MAX)
        return 0;
    fill(&scratch, data, size);
    read_log(scratch.path, size);
    if (size >= LOG_HEADER_BYTES)
        continue_log(scratch.path, data, size);
    return 0;
}
