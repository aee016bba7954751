/*
 * Write a log, with or without a session, from a text, for the tests of replay.
 *
 *   makelog LOG [--session] <TEXT
 *
 * A line of the text is a record:  SLOT TENANT OPCODE EPOCH [ARG]...  with names
 * or numbers for opcodes and up to 12 args; a bare log keeps four.  With a session,
 * "run" begins the next run, "ring N" and "thread N" hold for the lines after them.  Without one,
 * "time SECONDS" does: when their records were made.
 * "#" begins a comment.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/writer.h"
#include "session/writer.h"
#include "vyre/opcode.h"

#define CAPACITY 4096

static struct {
    const char *path;
    bool with_session;
    struct recording recording;
    struct vrrl_writer *bare;
    uint32_t ring;
    uint32_t thread;
    uint64_t timestamp_ns;
} output = {.thread = 1};

static void die(const char *what)
{
    fprintf(stderr, "makelog: %s\n", what);
    exit(EXIT_FAILURE);
}

static void open_log(void)
{
    int error = output.with_session ? recording_open(output.path, CAPACITY, true, &output.recording)
                                    : vrrl_create(output.path, CAPACITY, &output.bare);
    if (error != 0)
        die(session_strerror(error));
}

static void close_log(void)
{
    if (output.with_session)
        recording_close(&output.recording);
    else
        vrrl_writer_close(output.bare);
}

static void write_record(struct vrrl_record *record, const uint32_t args[VYRE_SLOT_ARGS])
{
    memcpy(record->args, args, sizeof(record->args));
    if (!output.with_session) {
        if (vrrl_append(output.bare, record) != 0)
            die("cannot append");
        return;
    }
    uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, record->opcode, record->tenant_id,
                                       VYRE_PRIORITY_NORMAL};
    memcpy(words + VYRE_SLOT_ARG0, args, VYRE_SLOT_ARGS * sizeof(*args));
    const struct published published = {
        .timestamp_ns = log_now(output.recording.log),
        .slot_idx = record->slot_idx,
        .epoch = record->epoch,
        .ring = recording_ring(&output.recording, 4096 * (output.ring + 1), 4096),
        .thread = output.thread,
        .words = words,
    };
    struct log_place place;
    if (log_take(output.recording.log, &place) != 0)
        die("no place");
    recording_reserve_slot(&output.recording, &place, SESSION_ORIGIN_SYMBOL, published.ring,
                           published.slot_idx);
    if (!recording_commit(&output.recording, &place, &published))
        die("cannot commit");
}

static uint32_t number(const char *text)
{
    return text != NULL ? (uint32_t)strtoul(text, NULL, 0) : 0;
}

static void read_line(char *line)
{
    line[strcspn(line, "#\n")] = '\0';
    char *word = strtok(line, " ");
    if (word == NULL)
        return;
    if (strcmp(word, "run") == 0) {
        close_log();
        open_log();
    } else if (strcmp(word, "ring") == 0) {
        output.ring = number(strtok(NULL, " "));
    } else if (strcmp(word, "thread") == 0) {
        output.thread = number(strtok(NULL, " "));
    } else if (strcmp(word, "time") == 0) {
        output.timestamp_ns = number(strtok(NULL, " ")) * UINT64_C(1000000000);
    } else {
        struct vrrl_record record = {.slot_idx = number(word), .timestamp_ns = output.timestamp_ns};
        uint32_t args[VYRE_SLOT_ARGS] = {0};
        record.tenant_id = number(strtok(NULL, " "));
        const char *opcode = strtok(NULL, " ");
        if (opcode == NULL || !vyre_opcode_parse(opcode, &record.opcode))
            die("no such opcode");
        record.epoch = number(strtok(NULL, " "));
        for (size_t i = 0; i < VYRE_SLOT_ARGS; i++)
            args[i] = number(strtok(NULL, " "));
        write_record(&record, args);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: makelog LOG [--session] <TEXT");
    output.path = argv[1];
    output.with_session = argc > 2 && strcmp(argv[2], "--session") == 0;
    open_log();
    char line[512];
    while (fgets(line, sizeof(line), stdin) != NULL)
        read_line(line);
    close_log();
    return EXIT_SUCCESS;
}
