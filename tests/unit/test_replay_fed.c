/* Launches that are fed while they run. */
#include <check.h>
#include <string.h>

#include "run_suite.h"
#include "written_session.h"

static void setup(void)
{
    begin_session(16);
}

/** A publish that goes up beside the launch that is under way. */
static void feed(uint32_t slot)
{
    const uint32_t run[][2] = {{1, VYRE_STATUS_PUBLISHED}};
    write_publish(slot);
    entry_flags = JOURNAL_ENTRY_BESIDE;
    write_upload(slot, run, 1);
    entry_flags = 0;
}

/** A launch of an empty ring. */
static void begin(void)
{
    write_kernel(2, 0);
    write_ring_upload(0);
    write_submit();
}

START_TEST(what_is_drained_beside_a_launch_is_a_round_of_it)
{
    begin();
    feed(0);
    feed(1);
    write_done_observation(1, false, 2);
    feed(0);
    write_done_observation(1, false, 3);
    write_done_observation(1, true, 3);
    read_timeline();
    events_are("s8 L1 p0 p1 r1 o1 p2 r1 o1 o1");
    ck_assert(timeline.submits[0].fed);
    ck_assert(timeline.fed);
    ck_assert_uint_eq(timeline.gaps.never_launched, 0);
    timeline_free(&timeline);
}
END_TEST

START_TEST(what_a_launch_did_not_look_at_is_the_next_ones)
{
    begin();
    feed(0);
    write_done_observation(1, true, 0);
    write_submit();
    write_done_observation(2, true, 1);
    read_timeline();
    events_are("s8 L1 p0 o1 L2 o2");
    ck_assert(!timeline.fed);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_ring_that_shows_a_slot_drained_tells_it_too)
{
    begin();
    feed(3);
    write_ring_observation(1, 0);
    read_timeline();
    events_are("s8 L1 p0 r1 o1");
    ck_assert(timeline.submits[0].fed);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_slot_that_is_used_again_was_drained_before)
{
    begin();
    feed(0);
    feed(0);
    write_done_observation(1, false, 2);
    read_timeline();
    events_are("s8 L1 p0 r1 p1 r1 o1");
    timeline_free(&timeline);
}
END_TEST

START_TEST(what_the_host_writes_comes_behind_what_was_fed)
{
    const uint32_t shutdown = 1;
    begin();
    feed(0);
    entry_flags = JOURNAL_ENTRY_BESIDE;
    write_contents(JOURNAL_SUBMITS, 1, 0, &shutdown, sizeof(shutdown));
    entry_flags = 0;
    write_done_observation(1, true, 1);
    read_timeline();
    events_are("s8 L1 p0 r1 c0 r1 o1");
    timeline_free(&timeline);
}
END_TEST

START_TEST(the_second_look_at_lanes_without_work_is_exact)
{
    begin();
    feed(0);
    write_done_observation(1, false, 0);
    write_control_observation(1, false, 0);
    write_done_observation(1, false, 1);
    write_done_observation(1, false, 1);
    feed(1);
    write_done_observation(1, false, 1);
    read_timeline();
    const bool exact[] = {false, false, false, true, false};
    ck_assert_uint_eq(timeline.observations_len, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_msg(timeline.observations[i].exact == exact[i], "observation %zu", i);
        ck_assert(!timeline.observations[i].ended);
    }
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_record_that_goes_up_twice_is_drained_once)
{
    write_kernel(2, 0);
    write_publish(0);
    write_ring_upload(1);
    write_ring_upload(1);
    write_submit();
    write_done_observation(1, false, 1);
    write_done_observation(1, false, 1);
    read_timeline();
    ck_assert(!timeline.observations[0].exact);
    ck_assert(timeline.observations[1].exact);
    timeline_free(&timeline);
}
END_TEST

START_TEST(a_count_that_the_host_wrote_is_where_it_goes_on)
{
    const uint32_t done = 100;
    write_kernel(2, 0);
    write_contents(JOURNAL_PROGRAMS, 1, VYRE_CONTROL_DONE_COUNT * sizeof(done), &done,
                   sizeof(done));
    write_ring_upload(0);
    write_submit();
    feed(0);
    write_done_observation(1, false, 100);
    write_done_observation(1, true, 100);
    read_timeline();
    events_are("c0 s8 L1 p0 o1 o1");
    ck_assert(!timeline.fed);
    timeline_free(&timeline);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("fed");
    tcase_add_checked_fixture(tests, setup, end_session);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_drained_beside_a_launch_is_a_round_of_it);
    tcase_add_test(tests, what_a_launch_did_not_look_at_is_the_next_ones);
    tcase_add_test(tests, a_ring_that_shows_a_slot_drained_tells_it_too);
    tcase_add_test(tests, a_slot_that_is_used_again_was_drained_before);
    tcase_add_test(tests, what_the_host_writes_comes_behind_what_was_fed);
    tcase_add_test(tests, the_second_look_at_lanes_without_work_is_exact);
    tcase_add_test(tests, a_record_that_goes_up_twice_is_drained_once);
    tcase_add_test(tests, a_count_that_the_host_wrote_is_where_it_goes_on);

    Suite *suite = suite_create("replay fed");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
