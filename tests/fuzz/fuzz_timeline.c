/*
 * Reads a log with slots and journals of arbitrary entries as a timeline, and replays it, the
 * reference interpreter in the place of a device: nothing may crash, hang, or diverge from itself.
 *
 * Input: two bytes of choices, then records, and entries: their journal, type, position and
 * payload, whose numbers are mostly small, so that they refer to each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_input.h"
#include "log/layout.h"
#include "replay/findings.h"
#include "replay/megakernel.h"
#include "replay/replay.h"
#include "replay/session_diff.h"
#include "session/slots.h"
#include "session/writer.h"

#define CAPACITY 16u
#define JOURNAL_BYTES 8192u
#define ENTRIES_MAX 40u
#define PAYLOAD_MAX 2048u
#define CONTROL_WORDS_MAX 65536u

/** Nothing is compiled here. */
const char megakernel_source[] = "";
const size_t megakernel_source_len = 0;

static uint8_t byte(struct input *input)
{
    uint8_t value;
    take(input, &value, 1);
    return value;
}

static void write_slots(const char *log_path, struct input *input, bool wrapped)
{
    static struct {
        struct log_header header;
        struct log_record records[CAPACITY];
    } log;
    static struct {
        struct session_header header;
        struct session_slot slots[CAPACITY];
    } session;
    char path[PATH_MAX];
    memset(&log, 0, sizeof(log));
    memset(&session, 0, sizeof(session));
    memcpy(log.header.magic, LOG_MAGIC, sizeof(log.header.magic));
    log.header.version = LOG_VERSION;
    log.header.capacity = CAPACITY;
    memcpy(session.header.magic, SESSION_MAGIC, sizeof(session.header.magic));
    session.header.version = SESSION_VERSION;
    session.header.slot_bytes = sizeof(struct session_slot);
    session.header.capacity = CAPACITY;
    session.header.runs = 1;
    session.header.run_table[0] = (struct session_run){.number = 1};
    uint8_t records = wrapped ? CAPACITY : byte(input) % CAPACITY;
    log.header.cursor = records % CAPACITY;
    for (uint32_t i = 0; i < records; i++) {
        struct session_slot *slot = &session.slots[i];
        struct log_record *record = &log.records[i];
        slot->sequence = i + 1 + (wrapped ? 3 * CAPACITY : 0);
        slot->run = 1;
        slot->slot_idx = byte(input) % 8;
        slot->words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
        slot->words[VYRE_SLOT_OPCODE] = byte(input) % 10;
        for (unsigned arg = 0; arg < 3; arg++)
            slot->words[VYRE_SLOT_ARG0 + arg] = byte(input);
        record->magic = LOG_RECORD_LIVE;
        record->slot_idx = slot->slot_idx;
        record->opcode = slot->words[VYRE_SLOT_OPCODE];
        record->epoch = byte(input) % 4;
        memcpy(record->args, &slot->words[VYRE_SLOT_ARG0], sizeof(record->args));
    }
    write_file(log_path, &log, log_file_bytes(CAPACITY));
    check(session_file_path(log_path, SESSION_SLOTS_FILE, path), "path");
    write_file(path, &session, session_slots_bytes(CAPACITY));
}

/** A kernel with the four buffers of a megakernel, and what the input makes of it. */
static size_t make_kernel(struct input *input, uint8_t *payload)
{
    struct session_kernel head = {.program = byte(input) % 4,
                                  .name_bytes = 4,
                                  .arguments = 4,
                                  .control_argument = 0,
                                  .ring_argument = 1};
    uint8_t odd = byte(input);
    const uint64_t bytes[] = {odd == 1 ? 1024 : 640, odd == 2 ? 256 : 512, 1028, 2048};
    uint8_t *at = payload;
    memcpy(at, &head, sizeof(head));
    static const char name[8] = "fuzz";
    memcpy(at + sizeof(head), name, sizeof(name));
    at += sizeof(head) + 8;
    for (uint32_t i = 0; i < 4; i++, at += sizeof(struct session_argument)) {
        struct session_argument argument = {
            .kind = SESSION_ARGUMENT_BUFFER, .buffer = i + 1, .bytes = bytes[i]};
        memcpy(at, &argument, sizeof(argument));
    }
    return (size_t)(at - payload);
}

static size_t make_contents(struct input *input, uint8_t *payload)
{
    struct session_contents head = {.buffer = 1 + byte(input) % 5, .buffer_bytes = 1028};
    head.buffer_bytes = 640 + 4 * byte(input);
    head.offset = byte(input);
    head.bytes = 4 * (byte(input) % 128);
    memcpy(payload, &head, sizeof(head));
    take(input, payload + sizeof(head), (size_t)head.bytes);
    return sizeof(head) + (size_t)head.bytes;
}

/** Launches so far. */
static uint64_t launches;

static size_t make_submit(struct input *input, uint8_t *payload)
{
    uint8_t odd = byte(input);
    struct session_submit submit = {.kernel = odd == 1 ? byte(input) : 2,
                                    .launch = odd == 2 ? byte(input) : ++launches,
                                    .dimensions = odd == 3 ? 3 : 1,
                                    .global_size = {odd == 4 ? byte(input) : 8, 1, 1}};
    submit.global_offset[0] = odd == 5 ? byte(input) : 0;
    memcpy(payload, &submit, sizeof(submit));
    return sizeof(submit);
}

static size_t make_upload(struct input *input, uint8_t *payload)
{
    struct session_upload head = {byte(input) % 4, byte(input) % 4};
    memcpy(payload, &head, sizeof(head));
    for (uint32_t i = 0; i < head.runs; i++) {
        uint8_t kind = byte(input);
        uint32_t status = kind >= 128 ? VYRE_STATUS_PUBLISHED : kind >> 4;
        uint32_t run = (1u + kind % 2) << 4 | status;
        memcpy(payload + sizeof(head) + i * sizeof(run), &run, sizeof(run));
    }
    return sizeof(head) + head.runs * sizeof(uint32_t);
}

static size_t make_observation(struct input *input, uint8_t *payload)
{
    struct session_observation head = {.what = 1 + byte(input) % 4};
    uint8_t odd = byte(input);
    head.launches = odd == 1 ? byte(input) : launches;
    head.completed = odd % 4 == 2 ? 0 : head.launches;
    const uint64_t whole[] = {0, 640, 512, 1028, 2048};
    head.count = odd % 8 == 3 ? 4u * byte(input) : whole[head.what];
    head.offset = odd == 5 ? byte(input) : 0;
    head.statuses[VYRE_STATUS_DONE] = byte(input) % 9;
    head.statuses[VYRE_STATUS_EMPTY] = 8 - head.statuses[VYRE_STATUS_DONE];
    memcpy(payload, &head, sizeof(head));
    uint64_t map = head.count / 64 / 8 + (head.count / 64 % 8 != 0);
    size_t bytes = head.what != SESSION_OBSERVED_RING ? (size_t)head.count
                   : byte(input) % 2                  ? (size_t)map
                                                      : 0;
    if (bytes > PAYLOAD_MAX - sizeof(head))
        bytes = PAYLOAD_MAX - sizeof(head);
    take(input, payload + sizeof(head), bytes);
    return sizeof(head) + bytes;
}

static size_t make_payload(struct input *input, uint32_t type, uint8_t payload[PAYLOAD_MAX])
{
    memset(payload, 0, PAYLOAD_MAX);
    struct session_program program = {.form = SESSION_PROGRAM_SOURCE, .code_bytes = 4};
    struct session_lost lost = {1 + byte(input) % 5, byte(input), byte(input)};
    switch (type) {
    case SESSION_ENTRY_PROGRAM:
        memcpy(payload, &program, sizeof(program));
        return sizeof(program) + 4;
    case SESSION_ENTRY_KERNEL:
        return make_kernel(input, payload);
    case SESSION_ENTRY_CONTENTS:
        return make_contents(input, payload);
    case SESSION_ENTRY_SUBMIT:
        return make_submit(input, payload);
    case SESSION_ENTRY_OBSERVATION:
        return make_observation(input, payload);
    case SESSION_ENTRY_UPLOAD:
        return make_upload(input, payload);
    default:
        memcpy(payload, &lost, sizeof(lost));
        return sizeof(lost);
    }
}

static void write_journals(const char *log_path, struct input *input)
{
    static uint8_t payload[PAYLOAD_MAX];
    struct journal journals[JOURNAL_KINDS];
    uint64_t position = 0;
    launches = 0;
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        check(journal_open(log_path, (enum journal_kind)kind, JOURNAL_BYTES, &journals[kind]) == 0,
              "no journal");
    for (unsigned i = 0; i < ENTRIES_MAX && input->size > 0; i++) {
        static const enum journal_kind usual[] = {
            JOURNAL_PROGRAMS,     JOURNAL_PROGRAMS, JOURNAL_PROGRAMS, JOURNAL_SUBMITS,
            JOURNAL_OBSERVATIONS, JOURNAL_SUBMITS,  JOURNAL_SUBMITS};
        uint8_t choice = byte(input);
        uint32_t type = 1 + choice % 7;
        enum journal_kind kind = usual[type - 1];
        if (type == SESSION_ENTRY_CONTENTS && choice >= 128)
            kind = JOURNAL_SUBMITS;
        /* A program and a kernel first. */
        if (i < 2) {
            type = i == 0 ? SESSION_ENTRY_PROGRAM : SESSION_ENTRY_KERNEL;
            kind = JOURNAL_PROGRAMS;
        }
        size_t bytes = make_payload(input, type, payload);
        uint8_t damage = byte(input);
        if (damage < 16)
            take(input, payload + damage * 8, 8);
        if (damage == 16)
            bytes--;
        void *to = journal_begin(&journals[kind], bytes);
        if (to == NULL)
            continue;
        memcpy(to, payload, bytes);
        position += byte(input) % 4;
        struct journal_entry entry = {.position = position,
                                      .time_ns = byte(input),
                                      .type = type,
                                      .run = 1,
                                      .ring = damage == 17 ? SESSION_RING_UNKNOWN : 0};
        journal_commit(&journals[kind], &entry);
    }
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        journal_close(&journals[kind]);
}

/** What is behind the divergences, and that nothing differs from itself. */
static void explain(const struct timeline *timeline, const struct divergences *divergences)
{
    static struct session_diff diff;
    struct replay_error error;
    struct findings findings;
    check(findings_make(timeline, divergences, &findings, &error), "no memory");
    for (size_t i = 0; i < findings.len; i++)
        check(findings.order[i] < findings.len, "no order");
    findings_free(&findings);
    check(session_diff_make(timeline, timeline, &diff, &error), "no memory");
    check(diff.launches_len == 0 && diff.divergences.total == 0, "a session differs from itself");
    session_diff_free(&diff);
}

static void replay(const char *log_path, enum replay_against against)
{
    struct replay_error error;
    struct timeline timeline;
    static struct replay_result result;
    const struct excerpt_choice choice = {0};
    const struct replay_options options = {.builtin = true, .against = against};
    if (!timeline_read(log_path, &choice, &timeline, &error))
        return;
    if (timeline.obstacles == 0 && timeline.control_words <= CONTROL_WORDS_MAX &&
        replay_run(&timeline, &backend_reference, &options, &result, &error)) {
        for (size_t i = 0; i < result.divergences.len; i++) {
            char name[64];
            divergence_word_name(&result.divergences.list[i], name, sizeof(name));
            check(result.divergences.list[i].recorded, "the reference diverges from itself");
        }
        explain(&timeline, &result.divergences);
    }
    timeline_free(&timeline);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/dev/shm/fuzz_timeline.XXXXXX";
    static char log_path[64];
    char path[PATH_MAX];
    if (log_path[0] == '\0') {
        check(mkdtemp(folder) != NULL, "no scratch folder");
        snprintf(log_path, sizeof(log_path), "%s/run.vrrl", folder);
        check(session_path(log_path, path) && mkdir(path, 0700) == 0, "no session folder");
    }
    if (size < 2)
        return 0;
    struct input input = {data + 1, size - 1};
    for (int kind = 0; kind < JOURNAL_KINDS; kind++) {
        check(session_file_path(log_path, journal_name((enum journal_kind)kind), path), "path");
        unlink(path);
    }
    write_slots(log_path, &input, (data[0] & 1) != 0);
    write_journals(log_path, &input);
    replay(log_path, REPLAY_AGAINST_REFERENCE);
    replay(log_path, REPLAY_AGAINST_RECORDED);
    return 0;
}
