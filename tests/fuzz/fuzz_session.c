/*
 * Reads arbitrary bytes as the session of a log, and replays what comes of it, the reference
 * interpreter against itself, and compares the log with itself: nothing may crash, hang or
 * differ from itself.
 *
 * Input: capacity, choices, then for each place the body of a record and its slot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_input.h"
#include "log/layout.h"
#include "replay/megakernel.h"
#include "replay/publish_diff.h"
#include "replay/replay.h"
#include "session/slots.h"
#include "session/writer.h"

#define CAPACITY_MAX 32

/** Larger buffers are refused or replayed all the same, only slower. */
#define CONTROL_WORDS_MAX 65536

/** What the bytes of the input are used for. */
enum choice {
    RAW_HEADER = 1,
    /** Slots that belong to their places, and records that agree with them. */
    FITTING = 2,
    CONTINUE = 4,
    CUT = 8,
};

/** Nothing is compiled here. */
const char megakernel_source[] = "";
const size_t megakernel_source_len = 0;

static void fit(struct log_record *record, struct session_slot *slot, uint64_t place)
{
    slot->sequence = place + 1;
    slot->run = 1 + slot->run % 2;
    slot->ring %= 2;
    slot->words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
    slot->words[VYRE_SLOT_TENANT] %= 32;
    slot->slot_idx %= 64;
    record->slot_idx = slot->slot_idx;
    record->opcode = slot->words[VYRE_SLOT_OPCODE];
    record->tenant_id = slot->words[VYRE_SLOT_TENANT];
    memcpy(record->args, &slot->words[VYRE_SLOT_ARG0], sizeof(record->args));
}

static void write_session(const char *log_path, struct input *input, uint8_t capacity,
                          uint8_t choices)
{
    static struct {
        struct log_header header;
        struct log_record records[CAPACITY_MAX];
    } log;
    static struct {
        struct session_header header;
        struct session_slot slots[CAPACITY_MAX];
    } session;
    char path[PATH_MAX];
    memset(&log, 0, sizeof(log));
    memset(&session, 0, sizeof(session));
    memcpy(log.header.magic, LOG_MAGIC, sizeof(log.header.magic));
    log.header.version = LOG_VERSION;
    log.header.capacity = capacity;
    if (choices & RAW_HEADER)
        take(input, &session.header, offsetof(struct session_header, reserved));
    memcpy(session.header.magic, SESSION_MAGIC, sizeof(session.header.magic));
    session.header.version = SESSION_VERSION;
    session.header.slot_bytes = sizeof(struct session_slot);
    session.header.capacity = capacity;
    memset(&session.header.owner, 0, sizeof(session.header.owner));
    for (uint64_t place = 0; place < capacity && input->size > 0; place++) {
        take(input, &log.records[place], sizeof(log.records[place]));
        take(input, &session.slots[place], sizeof(session.slots[place]));
        log.records[place].magic = log.records[place].magic % 8 == 7 ? 0 : LOG_RECORD_LIVE;
        if (choices & FITTING)
            fit(&log.records[place], &session.slots[place], place);
    }
    write_file(log_path, &log, log_file_bytes(capacity));
    check(session_file_path(log_path, SESSION_SLOTS_FILE, path), "path");
    size_t bytes = session_slots_bytes(capacity);
    write_file(path, &session, choices & CUT ? bytes - 1 : bytes);
}

static void read_session(const char *log_path, uint64_t capacity)
{
    struct session_reader *reader;
    struct session_slot slot;
    if (session_reader_open(log_path, capacity, &reader) != 0)
        return;
    for (uint64_t place = 0; place <= capacity; place++)
        session_reader_slot(reader, place, &slot);
    for (uint64_t cursor = 0; cursor < capacity; cursor++)
        check(session_reader_total(reader, cursor) % capacity == cursor, "total and cursor differ");
    session_reader_close(reader);
}

static void replay_log(const char *log_path)
{
    struct replay_error error;
    struct timeline timeline;
    struct replay_result result;
    const struct excerpt_choice choice = {.ring_given = true};
    const struct replay_options options = {.builtin = true};
    if (!timeline_read(log_path, &choice, &timeline, &error))
        return;
    if (timeline.obstacles == 0 && timeline.control_words <= CONTROL_WORDS_MAX &&
        replay_run(&timeline, &backend_reference, &options, &result, &error)) {
        for (size_t i = 0; i < result.divergences.len; i++)
            check(result.divergences.list[i].recorded, "the reference diverges from itself");
    }
    timeline_free(&timeline);
}

/** A log beside itself has no difference. */
static void compare_log(const char *log_path)
{
    struct replay_error error;
    struct excerpt excerpt;
    struct publish_diff diff;
    const struct excerpt_choice choice = {.all_rings = true};
    if (!excerpt_read(log_path, &choice, &excerpt, &error))
        return;
    check(publish_diff_make(&excerpt, &excerpt, &diff, &error), "no memory");
    check(diff.len == 0, "a log differs from itself");
    publish_diff_free(&diff);
    excerpt_free(&excerpt);
}

static void continue_log(const char *log_path, uint64_t capacity)
{
    struct recording recording;
    struct log_place place;
    struct session_reader *reader;
    struct session_slot slot;
    const uint32_t words[VYRE_SLOT_WORDS] = {0, 0x5EED};
    const struct published published = {.timestamp_ns = UINT64_MAX, .words = words};
    if (recording_open(log_path, capacity, true, &recording) != 0)
        return;
    check(log_take(recording.log, &place) == 0, "no place");
    recording_reserve_slot(&recording, &place, SESSION_ORIGIN_SYMBOL, published.ring,
                           published.slot_idx);
    check(recording_commit(&recording, &place, &published), "lapped by nobody");
    recording_close(&recording);
    check(session_reader_open(log_path, capacity, &reader) == 0,
          "the continued session is refused");
    check(session_reader_slot(reader, place.index, &slot) && slot.words[VYRE_SLOT_OPCODE] == 0x5EED,
          "the new slot is not there");
    session_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/dev/shm/fuzz_session.XXXXXX";
    static char log_path[64];
    char path[PATH_MAX];
    if (log_path[0] == '\0') {
        check(mkdtemp(folder) != NULL, "no scratch folder");
        snprintf(log_path, sizeof(log_path), "%s/run.vrrl", folder);
        check(session_path(log_path, path) && mkdir(path, 0700) == 0, "no session folder");
    }
    if (size < 2)
        return 0;
    struct input input = {data + 2, size - 2};
    uint8_t capacity = (uint8_t)(1 + data[0] % CAPACITY_MAX);
    write_session(log_path, &input, capacity, data[1]);
    read_session(log_path, capacity);
    replay_log(log_path);
    compare_log(log_path);
    if ((data[1] & (CONTINUE | CUT)) == CONTINUE)
        continue_log(log_path, capacity);
    return 0;
}
