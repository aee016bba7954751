/*
 * Reads arbitrary bytes as a journal of a session, decodes what its entries hold, and goes on with
 * it: nothing may crash or hang, and what is written to it then is read back.
 *
 * Input: two bytes of choices, then the file after its magic, version and kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_input.h"
#include "session/entries.h"
#include "session/journal.h"

#define BYTES_MAX 8192u

static const char log_path[] = "fuzz.vrrl";

static unsigned sum(const void *bytes, size_t count)
{
    unsigned result = 0;
    for (size_t i = 0; i < count; i++)
        result += ((const uint8_t *)bytes)[i];
    return result;
}

/** Touch all that the views point to. */
static unsigned decode(const void *payload, size_t bytes)
{
    unsigned result = 0;
    struct session_program_view program;
    struct session_kernel_view kernel;
    struct session_contents_view contents;
    struct session_submit submit;
    struct session_observation_view observation;
    struct session_upload_view upload;
    struct session_lost lost;
    uint32_t word;
    if (session_program_read(payload, bytes, &program))
        result += sum(program.code, program.head.code_bytes) +
                  sum(program.options.text, program.options.bytes);
    if (session_kernel_read(payload, bytes, &kernel)) {
        for (uint32_t i = 0; i < kernel.head.arguments; i++) {
            const void *value;
            struct session_argument argument = session_kernel_argument(&kernel, i, &value);
            result += sum(value, argument.value_bytes);
        }
    }
    if (session_contents_read(payload, bytes, &contents))
        result += sum(contents.contents, contents.head.bytes);
    if (session_submit_read(payload, bytes, &submit))
        result += submit.dimensions;
    if (session_upload_read(payload, bytes, &upload)) {
        for (uint32_t i = 0; i < upload.head.runs; i++) {
            uint32_t slots;
            session_upload_run(&upload, i, &slots, &word);
            result += slots + word;
        }
    }
    if (session_lost_read(payload, bytes, &lost))
        result += (unsigned)lost.bytes;
    if (session_observation_read(payload, bytes, &observation)) {
        result += sum(observation.observed, observation.observed_bytes);
        for (uint32_t i = 0; i < 200; i++)
            result += session_observed_word(&observation, i, &word);
    }
    return result;
}

static void read_all(enum journal_kind kind, const char *expected)
{
    struct journal_reader *reader;
    if (journal_reader_open(log_path, kind, &reader) != 0)
        return;
    struct journal_entry entry;
    const void *payload;
    int seen = expected == NULL;
    unsigned rounds = 0;
    while (journal_read(reader, &entry, &payload) == 1 && rounds++ < BYTES_MAX) {
        decode(payload, entry.bytes);
        seen = seen || (entry.bytes == 4 && memcmp(payload, expected, 4) == 0);
    }
    check(rounds < BYTES_MAX, "a reader that does not end");
    check(seen, "an entry was lost");
    journal_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file_bytes[JOURNAL_HEADER_BYTES + BYTES_MAX];
    if (size < 2)
        return 0;
    enum journal_kind kind = (enum journal_kind)(data[0] % JOURNAL_KINDS);
    size_t cut = data[1];
    data += 2;
    size -= 2;
    struct journal_header *header = (struct journal_header *)(void *)file_bytes;
    memset(file_bytes, 0, sizeof(file_bytes));
    memcpy(header->magic, JOURNAL_MAGIC, sizeof(header->magic));
    header->version = JOURNAL_VERSION;
    header->kind = kind;
    header->bytes = BYTES_MAX;
    size_t head = size < 32 ? size : 32;
    memcpy(&header->head, data, head);
    header->head %= 4 * BYTES_MAX;
    header->tail %= 4 * BYTES_MAX;
    memcpy(file_bytes + JOURNAL_HEADER_BYTES, data + head,
           size - head < BYTES_MAX ? size - head : BYTES_MAX);
    mkdir("fuzz.vrrl.d", 0700);
    char path[64];
    snprintf(path, sizeof(path), "fuzz.vrrl.d/%s", journal_name(kind));
    FILE *file = fopen(path, "w");
    size_t count = sizeof(file_bytes) - (cut > 250 ? cut : 0);
    check(file != NULL && fwrite(file_bytes, 1, count, file) == count && fclose(file) == 0, "file");
    read_all(kind, NULL);
    struct journal journal;
    if (journal_open(log_path, kind, BYTES_MAX, &journal) == 0) {
        void *payload = journal_begin(&journal, 4);
        if (payload != NULL) {
            memcpy(payload, "\xFE\xED\xFA\xCE", 4);
            journal_commit(&journal, &(struct journal_entry){.type = 4});
        }
        journal_close(&journal);
        if (payload != NULL)
            read_all(kind, "\xFE\xED\xFA\xCE");
    }
    unlink(path);
    /* Something was put aside. */
    if (rmdir("fuzz.vrrl.d") != 0)
        check(system("rm -rf fuzz.vrrl.d") == 0, "removing");
    return 0;
}
