#include "written_session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
char session_log[96];
struct recording recording;
struct timeline timeline;
struct replay_error error;
uint32_t entry_flags;
/** Numbers of entries and launches. */
static uint64_t kernel_entry;
static uint64_t launches;
static uint64_t clock_ns;

void begin_session(uint64_t capacity)
{
    strcpy(folder, "/tmp/test-timeline.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(session_log, sizeof(session_log), "%s/run.vrrl", folder);
    ck_assert_int_eq(recording_open(session_log, capacity, true, &recording), 0);
    ck_assert_int_eq(recording_open_journals(&recording), 0);
    launches = 0;
    clock_ns = 0;
    entry_flags = 0;
}

void end_session(void)
{
    char command[128];
    recording_close(&recording);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

uint64_t write_entry(enum journal_kind kind, uint32_t type, const void *head, size_t head_bytes,
                     const void *rest, size_t rest_bytes)
{
    struct journal *journal = &recording.journals[kind];
    uint8_t *payload = journal_begin(journal, head_bytes + rest_bytes);
    ck_assert_ptr_nonnull(payload);
    memcpy(payload, head, head_bytes);
    if (rest_bytes > 0)
        memcpy(payload + head_bytes, rest, rest_bytes);
    struct journal_entry entry = {.position = log_total(recording.log),
                                  .time_ns = ++clock_ns,
                                  .type = type,
                                  .run = recording.run,
                                  .ring = 0,
                                  .flags = entry_flags};
    return journal_commit(journal, &entry);
}

void write_publish(uint32_t slot)
{
    const uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, VYRE_OP_NOP};
    const struct published published = {.timestamp_ns = 1, .slot_idx = slot, .words = words};
    struct log_place place;
    ck_assert_int_eq(log_take(recording.log, &place), 0);
    recording_reserve_slot(&recording, &place, SESSION_ORIGIN_SYMBOL, 0, slot);
    ck_assert(recording_commit(&recording, &place, &published));
}

void write_kernel(uint64_t ring_buffer, uint64_t ring_offset)
{
    const struct session_program program = {.form = SESSION_PROGRAM_SOURCE, .code_bytes = 4};
    const struct session_kernel head = {.program =
                                            write_entry(JOURNAL_PROGRAMS, SESSION_ENTRY_PROGRAM,
                                                        &program, sizeof(program), "code", 4),
                                        .name_bytes = 8,
                                        .arguments = 4,
                                        .ring_argument = 1};
    const struct session_argument arguments[] = {
        {.kind = SESSION_ARGUMENT_BUFFER, .buffer = 1, .bytes = CONTROL_BYTES},
        {.kind = SESSION_ARGUMENT_BUFFER,
         .buffer = ring_buffer,
         .offset = ring_offset,
         .bytes = SLOTS * VYRE_SLOT_BYTES},
        {.kind = SESSION_ARGUMENT_BUFFER, .buffer = 3, .bytes = 1028},
        {.kind = SESSION_ARGUMENT_BUFFER, .buffer = 4, .bytes = 2048}};
    static const char name[8] = "a_kernel";
    uint8_t rest[sizeof(name) + sizeof(arguments)];
    memcpy(rest, name, sizeof(name));
    memcpy(rest + sizeof(name), arguments, sizeof(arguments));
    kernel_entry = write_entry(JOURNAL_PROGRAMS, SESSION_ENTRY_KERNEL, &head, sizeof(head), rest,
                               sizeof(rest));
}

void write_contents(enum journal_kind kind, uint64_t buffer, uint64_t offset, const void *bytes,
                    size_t count)
{
    const struct session_contents head = {
        .buffer = buffer, .buffer_bytes = 8192, .offset = offset, .bytes = count};
    write_entry(kind, SESSION_ENTRY_CONTENTS, &head, sizeof(head), bytes, count);
}

void write_upload(uint32_t first_slot, const uint32_t (*runs)[2], uint32_t runs_len)
{
    const struct session_upload head = {first_slot, runs_len};
    uint32_t words[16];
    for (uint32_t i = 0; i < runs_len; i++)
        words[i] = runs[i][0] << 4 | runs[i][1];
    write_entry(JOURNAL_SUBMITS, SESSION_ENTRY_UPLOAD, &head, sizeof(head), words,
                runs_len * sizeof(*words));
}

void write_ring_upload(uint32_t published)
{
    const uint32_t runs[][2] = {{published, VYRE_STATUS_PUBLISHED},
                                {SLOTS - published, VYRE_STATUS_DONE}};
    write_upload(0, published == 0 ? runs + 1 : runs, published == 0 ? 1 : 2);
}

void write_submit(void)
{
    const struct session_submit head = {
        .kernel = kernel_entry, .launch = ++launches, .dimensions = 1, .global_size = {SLOTS}};
    write_entry(JOURNAL_SUBMITS, SESSION_ENTRY_SUBMIT, &head, sizeof(head), NULL, 0);
}

void write_control_observation(uint64_t after, bool complete, uint32_t epoch)
{
    uint32_t words[CONTROL_BYTES / 4] = {[VYRE_CONTROL_EPOCH] = epoch};
    const struct session_observation head = {.what = SESSION_OBSERVED_CONTROL,
                                             .count = CONTROL_BYTES,
                                             .launches = after,
                                             .completed = complete ? after : 0};
    write_entry(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), words,
                sizeof(words));
}

void write_done_observation(uint64_t after, bool complete, uint32_t done)
{
    const struct session_observation head = {.what = SESSION_OBSERVED_CONTROL,
                                             .offset = VYRE_CONTROL_DONE_COUNT * sizeof(done),
                                             .count = sizeof(done),
                                             .launches = after,
                                             .completed = complete ? after : 0};
    write_entry(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), &done,
                sizeof(done));
}

void write_ring_observation(uint64_t after, uint8_t map)
{
    struct session_observation head = {.what = SESSION_OBSERVED_RING,
                                       .count = SLOTS * VYRE_SLOT_BYTES,
                                       .launches = after,
                                       .completed = after};
    head.statuses[VYRE_STATUS_PUBLISHED] = (uint64_t)__builtin_popcount(map);
    head.statuses[VYRE_STATUS_DONE] = SLOTS - head.statuses[VYRE_STATUS_PUBLISHED];
    write_entry(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), &map,
                map == 0 ? 0 : 1);
}

void read_timeline(void)
{
    const struct excerpt_choice choice = {0};
    ck_assert_msg(timeline_read(session_log, &choice, &timeline, &error), "%s", error.text);
    ck_assert(timeline.recorded);
    ck_assert_uint_eq(timeline.obstacles, 0);
}

void events_are(const char *expected)
{
    char text[512] = "";
    for (size_t i = 0; i < timeline.events_len; i++) {
        const struct timeline_event *event = &timeline.events[i];
        size_t len = strlen(text);
        uint32_t number = event->which;
        if (event->kind == TIMELINE_STATUS)
            number = timeline.statuses[event->which].slots;
        if (event->kind == TIMELINE_SUBMIT || event->kind == TIMELINE_ROUND)
            number = (uint32_t)timeline.submits[event->which].launch;
        if (event->kind == TIMELINE_OBSERVATION)
            number = (uint32_t)timeline.observations[event->which].launches;
        snprintf(text + len, sizeof(text) - len, "%s%c%u", len == 0 ? "" : " ",
                 "pscLrol"[event->kind], number);
    }
    ck_assert_str_eq(text, expected);
}
