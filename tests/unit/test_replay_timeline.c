/* Timelines of sessions that are written here: what a launch could see, and where observations
 * belong. */
#include <check.h>
#include <string.h>

#include "run_suite.h"
#include "written_session.h"

#define WHOLE UINT64_MAX

static void setup(void)
{
    begin_session(16);
}

START_TEST(a_publish_counts_from_the_upload_that_carried_it)
{
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_submit();
    write_publish(1);
    write_publish(0);
    write_submit();
    write_ring_upload(1);
    write_publish(2);
    write_submit();
    read_timeline();
    /* Slot 1 never went up, nor did slot 2; slot 0 did as its second record. */
    events_are("p0 s7 L1 L2 p2 s7 L3");
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
    write_kernel(2, 0);
    write_publish(3);
    write_upload(2, runs, 4);
    write_submit();
    read_timeline();
    events_are("p0 s2 L1");
    ck_assert_uint_eq(timeline.statuses[0].first_slot, 5);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_slot_that_nobody_recorded_is_counted)
{
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(2);
    write_submit();
    read_timeline();
    events_are("p0 s6 L1");
    ck_assert_uint_eq(timeline.gaps.unrecorded, 1);
    timeline_free(&timeline);
}
END_TEST

START_TEST(the_record_before_does_not_stand_in_for_one_that_is_missing)
{
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_submit();
    write_ring_observation(1, 0);
    write_ring_upload(1);
    write_submit();
    read_timeline();
    events_are("p0 s7 L1 o1 s7 L2");
    ck_assert_uint_eq(timeline.gaps.unrecorded, 1);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_masked_slot_goes_up_again)
{
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_ring_upload(1);
    write_submit();
    write_ring_observation(1, 1);
    write_ring_upload(1);
    write_submit();
    read_timeline();
    events_are("p0 s7 p0 s7 L1 o1 p0 s7 L2");
    ck_assert_uint_eq(timeline.gaps.unrecorded, 0);
    timeline_free(&timeline);
}
END_TEST

START_TEST(an_observation_lies_behind_its_launch)
{
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_submit();
    write_publish(0);
    write_ring_upload(1);
    write_submit();
    write_control_observation(1, true, 1);
    write_control_observation(2, false, 2);
    write_ring_upload(0);
    write_submit();
    read_timeline();
    /* The first was known only after the second launch. */
    events_are("p0 s7 L1 o1 p1 s7 L2 o2 s8 L3");
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
    write_kernel(2, 256);
    write_publish(0);
    write_contents(JOURNAL_PROGRAMS, 2, 64, bytes, sizeof(bytes));
    write_ring_upload(1);
    write_submit();
    write_contents(JOURNAL_SUBMITS, 2, 256, bytes, SLOTS * VYRE_SLOT_BYTES);
    write_contents(JOURNAL_SUBMITS, 9, 0, bytes, 64);
    write_submit();
    read_timeline();
    events_are("c0 c1 p0 s7 L1 L2");
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
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_submit();
    for (size_t i = 0; i < 2; i++)
        write_entry(JOURNAL_SUBMITS, SESSION_ENTRY_LOST, &lost[i], sizeof(lost[i]), NULL, 0);
    write_submit();
    read_timeline();
    events_are("p0 s7 L1 l0 L2");
    ck_assert_uint_eq(timeline.lost[0].bytes, 40);
    timeline_free(&timeline);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("timeline");
    tcase_add_checked_fixture(tests, setup, end_session);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_publish_counts_from_the_upload_that_carried_it);
    tcase_add_test(tests, what_an_upload_left_alone_is_no_event);
    tcase_add_test(tests, a_slot_that_nobody_recorded_is_counted);
    tcase_add_test(tests, the_record_before_does_not_stand_in_for_one_that_is_missing);
    tcase_add_test(tests, a_masked_slot_goes_up_again);
    tcase_add_test(tests, an_observation_lies_behind_its_launch);
    tcase_add_test(tests, contents_leave_the_ring_out);
    tcase_add_test(tests, losses_are_of_known_buffers);

    Suite *suite = suite_create("replay timeline");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
