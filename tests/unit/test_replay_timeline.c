/* Timelines of sessions that are written here: what a launch could see, where observations belong,
 * and where a timeline begins whose beginning was overwritten. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/timeline.h"
#include "run_suite.h"
#include "session/writer.h"

#define SLOTS 8u
#define CONTROL_BYTES 640u
#define WHOLE UINT64_MAX

static char folder[64];
static char path[96];
static struct recording recording;
static struct timeline timeline;
static struct replay_error error;
/** Numbers of entries and launches. */
static uint64_t kernel_entry;
static uint64_t launches;
static uint64_t clock_ns;

static void setup_of(uint64_t capacity)
{
    strcpy(folder, "/tmp/test-timeline.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/run.vrrl", folder);
    ck_assert_int_eq(recording_open(path, capacity, true, &recording), 0);
    ck_assert_int_eq(recording_open_journals(&recording), 0);
    launches = 0;
    clock_ns = 0;
}

static void setup(void)
{
    setup_of(16);
}

static void teardown(void)
{
    char command[128];
    recording_close(&recording);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/** Append an entry. \return its number */
static uint64_t add(enum journal_kind kind, uint32_t type, const void *head, size_t head_bytes,
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
                                  .ring = 0};
    return journal_commit(journal, &entry);
}

static void publish(uint32_t slot)
{
    const uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, VYRE_OP_NOP};
    const struct published published = {.timestamp_ns = 1, .slot_idx = slot, .words = words};
    struct log_place place;
    ck_assert_int_eq(log_take(recording.log, &place), 0);
    recording_reserve_slot(&recording, &place, SESSION_ORIGIN_SYMBOL, 0, slot);
    ck_assert(recording_commit(&recording, &place, &published));
}

/** A kernel whose control buffer is buffer 1; its ring is in buffer \a ring_buffer. */
static void kernel(uint64_t ring_buffer, uint64_t ring_offset)
{
    const struct session_program program = {.form = SESSION_PROGRAM_SOURCE, .code_bytes = 4};
    const struct session_kernel head = {.program = add(JOURNAL_PROGRAMS, SESSION_ENTRY_PROGRAM,
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
    kernel_entry =
        add(JOURNAL_PROGRAMS, SESSION_ENTRY_KERNEL, &head, sizeof(head), rest, sizeof(rest));
}

static void contents(enum journal_kind kind, uint64_t buffer, uint64_t offset, const void *bytes,
                     size_t count)
{
    const struct session_contents head = {
        .buffer = buffer, .buffer_bytes = 8192, .offset = offset, .bytes = count};
    add(kind, SESSION_ENTRY_CONTENTS, &head, sizeof(head), bytes, count);
}

/** Runs of slots and statuses. */
static void upload(uint32_t first_slot, const uint32_t (*runs)[2], uint32_t runs_len)
{
    const struct session_upload head = {first_slot, runs_len};
    uint32_t words[16];
    for (uint32_t i = 0; i < runs_len; i++)
        words[i] = runs[i][0] << 4 | runs[i][1];
    add(JOURNAL_SUBMITS, SESSION_ENTRY_UPLOAD, &head, sizeof(head), words,
        runs_len * sizeof(*words));
}

/** The first slots are PUBLISHED, and the others DONE. */
static void upload_ring(uint32_t published)
{
    const uint32_t runs[][2] = {{published, VYRE_STATUS_PUBLISHED},
                                {SLOTS - published, VYRE_STATUS_DONE}};
    upload(0, published == 0 ? runs + 1 : runs, published == 0 ? 1 : 2);
}

static void submit(void)
{
    const struct session_submit head = {
        .kernel = kernel_entry, .launch = ++launches, .dimensions = 1, .global_size = {SLOTS}};
    add(JOURNAL_SUBMITS, SESSION_ENTRY_SUBMIT, &head, sizeof(head), NULL, 0);
}

static void observe_control(uint64_t after, bool complete, uint32_t epoch)
{
    uint32_t words[CONTROL_BYTES / 4] = {[VYRE_CONTROL_EPOCH] = epoch};
    const struct session_observation head = {.what = SESSION_OBSERVED_CONTROL,
                                             .count = CONTROL_BYTES,
                                             .launches = after,
                                             .completed = complete ? after : 0};
    add(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), words, sizeof(words));
}

/** \param map  of the slots that are PUBLISHED */
static void observe_ring(uint64_t after, uint8_t map)
{
    struct session_observation head = {.what = SESSION_OBSERVED_RING,
                                       .count = SLOTS * VYRE_SLOT_BYTES,
                                       .launches = after,
                                       .completed = after};
    head.statuses[VYRE_STATUS_PUBLISHED] = (uint64_t)__builtin_popcount(map);
    head.statuses[VYRE_STATUS_DONE] = SLOTS - head.statuses[VYRE_STATUS_PUBLISHED];
    add(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), &map,
        map == 0 ? 0 : 1);
}

static void read_it(void)
{
    const struct excerpt_choice choice = {0};
    ck_assert_msg(timeline_read(path, &choice, &timeline, &error), "%s", error.text);
    ck_assert(timeline.recorded);
    ck_assert_uint_eq(timeline.obstacles, 0);
}

/** The events in short: contents, publish of a record, status, launch, observation, lost. */
static void is(const char *expected)
{
    char text[512] = "";
    for (size_t i = 0; i < timeline.events_len; i++) {
        const struct timeline_event *event = &timeline.events[i];
        size_t len = strlen(text);
        uint32_t number = event->which;
        if (event->kind == TIMELINE_STATUS)
            number = timeline.statuses[event->which].slots;
        if (event->kind == TIMELINE_SUBMIT)
            number = (uint32_t)timeline.submits[event->which].launch;
        if (event->kind == TIMELINE_OBSERVATION)
            number = (uint32_t)timeline.observations[event->which].launches;
        snprintf(text + len, sizeof(text) - len, "%s%c%u", len == 0 ? "" : " ",
                 "pscLol"[event->kind], number);
    }
    ck_assert_str_eq(text, expected);
}

START_TEST(a_publish_counts_from_the_upload_that_carried_it)
{
    kernel(2, 0);
    publish(0);
    upload_ring(1);
    submit();
    publish(1);
    publish(0);
    submit();
    upload_ring(1);
    publish(2);
    submit();
    read_it();
    /* Slot 1 never went up, nor did slot 2; slot 0 did as its second record. */
    is("p0 s7 L1 L2 p2 s7 L3");
    ck_assert_uint_eq(timeline.gaps.never_launched, 2);
    ck_assert_uint_eq(timeline.events[4].position, 3);
    timeline_free(&timeline);
}
END_TEST

START_TEST(what_an_upload_left_alone_is_no_event)
{
    const uint32_t runs[][2] = {{1, SESSION_STATUS_UNTOLD},
                                {1, VYRE_STATUS_PUBLISHED},
                                {1, SESSION_STATUS_UNTOLD},
                                {2, VYRE_STATUS_EMPTY}};
    kernel(2, 0);
    publish(3);
    upload(2, runs, 4);
    submit();
    read_it();
    is("p0 s2 L1");
    ck_assert_uint_eq(timeline.statuses[0].first_slot, 5);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_slot_that_nobody_recorded_is_counted)
{
    kernel(2, 0);
    publish(0);
    upload_ring(2);
    submit();
    read_it();
    is("p0 s6 L1");
    ck_assert_uint_eq(timeline.gaps.unrecorded, 1);
    timeline_free(&timeline);
}
END_TEST

START_TEST(the_record_before_does_not_stand_in_for_one_that_is_missing)
{
    kernel(2, 0);
    publish(0);
    upload_ring(1);
    submit();
    observe_ring(1, 0);
    upload_ring(1);
    submit();
    read_it();
    is("p0 s7 L1 o1 s7 L2");
    ck_assert_uint_eq(timeline.gaps.unrecorded, 1);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_masked_slot_goes_up_again)
{
    kernel(2, 0);
    publish(0);
    upload_ring(1);
    upload_ring(1);
    submit();
    observe_ring(1, 1);
    upload_ring(1);
    submit();
    read_it();
    is("p0 s7 p0 s7 L1 o1 p0 s7 L2");
    ck_assert_uint_eq(timeline.gaps.unrecorded, 0);
    timeline_free(&timeline);
}
END_TEST

START_TEST(an_observation_lies_behind_its_launch)
{
    kernel(2, 0);
    publish(0);
    upload_ring(1);
    submit();
    publish(0);
    upload_ring(1);
    submit();
    observe_control(1, true, 1);
    observe_control(2, false, 2);
    upload_ring(0);
    submit();
    read_it();
    /* The first was known only after the second launch. */
    is("p0 s7 L1 o1 p1 s7 L2 o2 s8 L3");
    ck_assert(timeline.observations[0].exact);
    ck_assert(!timeline.observations[1].exact);
    uint32_t epoch;
    memcpy(&epoch, timeline.observations[0].bytes + VYRE_CONTROL_EPOCH * sizeof(epoch),
           sizeof(epoch));
    ck_assert_uint_eq(epoch, 1);
    timeline_free(&timeline);
}
END_TEST

START_TEST(contents_leave_the_ring_out)
{
    /* Everything but the control buffer in one buffer: 256 bytes, the ring, and the rest. */
    uint8_t bytes[2048];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i / 64);
    kernel(2, 256);
    publish(0);
    contents(JOURNAL_PROGRAMS, 2, 64, bytes, sizeof(bytes));
    upload_ring(1);
    submit();
    contents(JOURNAL_SUBMITS, 2, 256, bytes, SLOTS * VYRE_SLOT_BYTES);
    contents(JOURNAL_SUBMITS, 9, 0, bytes, 64);
    submit();
    read_it();
    is("c0 c1 p0 s7 L1 L2");
    ck_assert_uint_eq(timeline.contents[0].to.offset, 64);
    ck_assert_uint_eq(timeline.contents[0].to.bytes, 192);
    ck_assert_uint_eq(timeline.contents[1].to.offset, 256 + SLOTS * VYRE_SLOT_BYTES);
    ck_assert_uint_eq(timeline.contents[1].to.bytes, 2048 + 64 - 256 - SLOTS * VYRE_SLOT_BYTES);
    ck_assert_uint_eq(*(const uint8_t *)timeline.contents[1].bytes, 3 + SLOTS);
    ck_assert_uint_eq(timeline.buffers[timeline.contents[0].to.buffer].bytes, 8192);
    ck_assert_uint_gt(timeline.gaps.unknown_bytes, 0);
    timeline_free(&timeline);
}
END_TEST

START_TEST(losses_are_of_known_buffers)
{
    const struct session_lost lost[] = {{1, 600, WHOLE}, {9, 0, 4}};
    kernel(2, 0);
    publish(0);
    upload_ring(1);
    submit();
    for (size_t i = 0; i < 2; i++)
        add(JOURNAL_SUBMITS, SESSION_ENTRY_LOST, &lost[i], sizeof(lost[i]), NULL, 0);
    submit();
    read_it();
    is("p0 s7 L1 l0 L2");
    ck_assert_uint_eq(timeline.lost[0].bytes, 40);
    timeline_free(&timeline);
}
END_TEST

/** Two launches of which the first records are overwritten, and what was seen after the second. */
static void wrap(void)
{
    teardown();
    setup_of(4);
    kernel(2, 0);
    for (uint32_t slot = 0; slot < 5; slot++)
        publish(slot);
    upload_ring(5);
    submit();
    publish(7);
    const uint32_t last[][2] = {{7, VYRE_STATUS_DONE}, {1, VYRE_STATUS_PUBLISHED}};
    upload(0, last, 2);
    submit();
}

/** A launch of records that are all there. */
static void go_on(void)
{
    publish(0);
    upload_ring(1);
    submit();
}

START_TEST(it_begins_at_a_checkpoint)
{
    wrap();
    observe_ring(2, 0);
    observe_control(2, true, 17);
    go_on();
    read_it();
    /* Control words and statuses as they were seen, and then what came after. */
    is("c0 s8 p3 s7 L3");
    uint32_t epoch;
    const uint8_t *control = timeline.contents[0].bytes;
    memcpy(&epoch, control + VYRE_CONTROL_EPOCH * sizeof(epoch), sizeof(epoch));
    ck_assert_uint_eq(epoch, 17);
    ck_assert_uint_eq(timeline.gaps.checkpoint, 2);
    ck_assert_uint_eq(timeline.gaps.before, 3);
    ck_assert(timeline.gaps.debug_log_unknown);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_masked_slot_is_restored_at_a_checkpoint)
{
    wrap();
    observe_control(2, true, 17);
    observe_ring(2, 1u << 7);
    go_on();
    read_it();
    is("c0 s8 p2 p3 s7 L3");
    ck_assert_uint_eq(timeline.excerpt.slots[2].slot_idx, 7);
    timeline_free(&timeline);
}
END_TEST

static void has_no_checkpoint(void)
{
    const struct excerpt_choice choice = {0};
    go_on();
    ck_assert(!timeline_read(path, &choice, &timeline, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no checkpoint"));
    ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
}

START_TEST(it_begins_at_the_beginning_while_no_record_is_missing)
{
    teardown();
    setup_of(2);
    /* As if another ring's records had been overwritten. */
    const uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, VYRE_OP_NOP};
    const struct published other = {.timestamp_ns = 1, .ring = 1, .words = words};
    struct log_place place;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_take(recording.log, &place), 0);
        recording_reserve_slot(&recording, &place, SESSION_ORIGIN_SYMBOL, 1, 0);
        ck_assert(recording_commit(&recording, &place, &other));
    }
    kernel(2, 0);
    publish(0);
    upload_ring(1);
    submit();
    const struct excerpt_choice choice = {.run_given = true, .run = 1, .ring_given = true};
    ck_assert_msg(timeline_read(path, &choice, &timeline, &error), "%s", error.text);
    ck_assert(timeline.excerpt.wrapped);
    is("p0 s7 L1");
    ck_assert_uint_eq(timeline.gaps.checkpoint, 0);
    timeline_free(&timeline);
}
END_TEST

START_TEST(half_of_a_checkpoint_is_none)
{
    wrap();
    observe_control(2, true, 17);
    has_no_checkpoint();
}
END_TEST

START_TEST(what_was_seen_in_flight_is_no_checkpoint)
{
    wrap();
    observe_control(2, false, 17);
    observe_ring(2, 0);
    has_no_checkpoint();
}
END_TEST

START_TEST(a_slot_that_is_claimed_is_no_checkpoint)
{
    struct session_observation head = {.what = SESSION_OBSERVED_RING,
                                       .count = SLOTS * VYRE_SLOT_BYTES,
                                       .launches = 2,
                                       .completed = 2};
    head.statuses[VYRE_STATUS_CLAIMED] = 1;
    head.statuses[VYRE_STATUS_DONE] = SLOTS - 1;
    wrap();
    observe_control(2, true, 17);
    add(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), NULL, 0);
    has_no_checkpoint();
}
END_TEST

START_TEST(a_masked_slot_without_its_record_is_no_checkpoint)
{
    wrap();
    observe_control(2, true, 17);
    observe_ring(2, 1u << 1);
    has_no_checkpoint();
}
END_TEST

START_TEST(halves_with_an_upload_between_them_are_no_checkpoint)
{
    wrap();
    observe_control(2, true, 17);
    upload_ring(0);
    observe_ring(2, 0);
    has_no_checkpoint();
}
END_TEST

START_TEST(a_later_checkpoint_is_taken_where_records_are_missing_after_the_first)
{
    wrap();
    observe_control(2, true, 17);
    observe_ring(2, 0);
    /* Slots 0 and 1 go up, and the record of slot 1 is overwritten. */
    publish(0);
    upload_ring(2);
    submit();
    observe_control(3, true, 18);
    observe_ring(3, 0);
    go_on();
    read_it();
    ck_assert_uint_eq(timeline.gaps.checkpoint, 3);
    /* What the first restored is overwritten by the second. */
    is("c0 c1 s8 p3 s7 L4");
    timeline_free(&timeline);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("timeline");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_publish_counts_from_the_upload_that_carried_it);
    tcase_add_test(tests, what_an_upload_left_alone_is_no_event);
    tcase_add_test(tests, a_slot_that_nobody_recorded_is_counted);
    tcase_add_test(tests, the_record_before_does_not_stand_in_for_one_that_is_missing);
    tcase_add_test(tests, a_masked_slot_goes_up_again);
    tcase_add_test(tests, an_observation_lies_behind_its_launch);
    tcase_add_test(tests, contents_leave_the_ring_out);
    tcase_add_test(tests, losses_are_of_known_buffers);
    tcase_add_test(tests, it_begins_at_a_checkpoint);
    tcase_add_test(tests, a_masked_slot_is_restored_at_a_checkpoint);
    tcase_add_test(tests, it_begins_at_the_beginning_while_no_record_is_missing);
    tcase_add_test(tests, half_of_a_checkpoint_is_none);
    tcase_add_test(tests, what_was_seen_in_flight_is_no_checkpoint);
    tcase_add_test(tests, a_slot_that_is_claimed_is_no_checkpoint);
    tcase_add_test(tests, a_masked_slot_without_its_record_is_no_checkpoint);
    tcase_add_test(tests, halves_with_an_upload_between_them_are_no_checkpoint);
    tcase_add_test(tests, a_later_checkpoint_is_taken_where_records_are_missing_after_the_first);

    Suite *suite = suite_create("replay timeline");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
