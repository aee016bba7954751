/* Where a timeline begins whose beginning was overwritten. */
#include <check.h>
#include <string.h>

#include "run_suite.h"
#include "written_session.h"

static void setup(void)
{
    begin_session(16);
}

/** Two launches of which the first records are overwritten, and what was seen after the second. */
static void wrap(void)
{
    end_session();
    begin_session(4);
    write_kernel(2, 0);
    for (uint32_t slot = 0; slot < 5; slot++)
        write_publish(slot);
    write_ring_upload(5);
    write_submit();
    write_publish(7);
    const uint32_t last[][2] = {{7, VYRE_STATUS_DONE}, {1, VYRE_STATUS_PUBLISHED}};
    write_upload(0, last, 2);
    write_submit();
}

/** A launch of records that are all there. */
static void go_on(void)
{
    write_publish(0);
    write_ring_upload(1);
    write_submit();
}

START_TEST(it_begins_at_a_checkpoint)
{
    wrap();
    write_ring_observation(2, 0);
    write_control_observation(2, true, 17);
    go_on();
    read_timeline();
    /* Control words and statuses as they were seen, and then what came after. */
    events_are("c0 s8 p3 s7 L3");
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
    write_control_observation(2, true, 17);
    write_ring_observation(2, 1u << 7);
    go_on();
    read_timeline();
    events_are("c0 s8 p2 p3 s7 L3");
    ck_assert_uint_eq(timeline.excerpt.slots[2].slot_idx, 7);
    timeline_free(&timeline);
}
END_TEST

static void has_no_checkpoint(void)
{
    const struct excerpt_choice choice = {0};
    go_on();
    ck_assert(!timeline_read(session_log, &choice, &timeline, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no checkpoint"));
    ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
}

START_TEST(it_begins_at_the_beginning_while_no_record_is_missing)
{
    end_session();
    begin_session(2);
    /* As if another ring's records had been overwritten. */
    const uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, VYRE_OP_NOP};
    const struct published other = {.timestamp_ns = 1, .ring = 1, .words = words};
    struct log_place place;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_take(recording.log, &place), 0);
        recording_reserve_slot(&recording, &place, SESSION_ORIGIN_SYMBOL, 1, 0);
        ck_assert(recording_commit(&recording, &place, &other));
    }
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_submit();
    const struct excerpt_choice choice = {.run_given = true, .run = 1, .ring_given = true};
    ck_assert_msg(timeline_read(session_log, &choice, &timeline, &error), "%s", error.text);
    ck_assert(timeline.excerpt.wrapped);
    events_are("p0 s7 L1");
    ck_assert_uint_eq(timeline.gaps.checkpoint, 0);
    timeline_free(&timeline);
}
END_TEST

START_TEST(half_of_a_checkpoint_is_none)
{
    wrap();
    write_control_observation(2, true, 17);
    has_no_checkpoint();
}
END_TEST

START_TEST(what_was_seen_in_flight_is_no_checkpoint)
{
    wrap();
    write_control_observation(2, false, 17);
    write_ring_observation(2, 0);
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
    write_control_observation(2, true, 17);
    write_entry(JOURNAL_OBSERVATIONS, SESSION_ENTRY_OBSERVATION, &head, sizeof(head), NULL, 0);
    has_no_checkpoint();
}
END_TEST

START_TEST(a_masked_slot_without_its_record_is_no_checkpoint)
{
    wrap();
    write_control_observation(2, true, 17);
    write_ring_observation(2, 1u << 1);
    has_no_checkpoint();
}
END_TEST

START_TEST(halves_with_an_upload_between_them_are_no_checkpoint)
{
    wrap();
    write_control_observation(2, true, 17);
    write_ring_upload(0);
    write_ring_observation(2, 0);
    has_no_checkpoint();
}
END_TEST

START_TEST(a_later_checkpoint_is_taken_where_records_are_missing_after_the_first)
{
    wrap();
    write_control_observation(2, true, 17);
    write_ring_observation(2, 0);
    /* Slots 0 and 1 go up, and the record of slot 1 is overwritten. */
    write_publish(0);
    write_ring_upload(2);
    write_submit();
    write_control_observation(3, true, 18);
    write_ring_observation(3, 0);
    go_on();
    read_timeline();
    ck_assert_uint_eq(timeline.gaps.checkpoint, 3);
    /* What the first restored is overwritten by the second. */
    events_are("c0 c1 s8 p3 s7 L4");
    timeline_free(&timeline);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("timeline");
    tcase_add_checked_fixture(tests, setup, end_session);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, it_begins_at_a_checkpoint);
    tcase_add_test(tests, a_masked_slot_is_restored_at_a_checkpoint);
    tcase_add_test(tests, it_begins_at_the_beginning_while_no_record_is_missing);
    tcase_add_test(tests, half_of_a_checkpoint_is_none);
    tcase_add_test(tests, what_was_seen_in_flight_is_no_checkpoint);
    tcase_add_test(tests, a_slot_that_is_claimed_is_no_checkpoint);
    tcase_add_test(tests, a_masked_slot_without_its_record_is_no_checkpoint);
    tcase_add_test(tests, halves_with_an_upload_between_them_are_no_checkpoint);
    tcase_add_test(tests, a_later_checkpoint_is_taken_where_records_are_missing_after_the_first);

    Suite *suite = suite_create("replay checkpoint");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
