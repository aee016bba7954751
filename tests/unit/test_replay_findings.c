/* When the slots of a timeline were in flight, and which of them are behind a divergence. */
#include <check.h>
#include <string.h>

#include "replay/findings.h"
#include "run_suite.h"

#define MAX 32

static struct recorded_slot slots[MAX];
static struct timeline_event events[MAX];
static struct timeline_submit submits[MAX];
static struct timeline_observation observations[MAX];
static uint8_t maps[MAX];
static struct timeline timeline;
static struct divergences divergences;
static struct flights flights;

static void setup(void)
{
    memset(&timeline, 0, sizeof(timeline));
    memset(&divergences, 0, sizeof(divergences));
    timeline.excerpt.slots = slots;
    timeline.events = events;
    timeline.submits = submits;
    timeline.observations = observations;
    timeline.ring_slots = 8;
    timeline.control_words = 320;
    timeline.recorded = true;
}

static size_t happen(enum timeline_kind kind, uint32_t which)
{
    events[timeline.events_len] = (struct timeline_event){.kind = kind, .which = which};
    return timeline.events_len++;
}

/** Publish into a slot, a record of its own. */
static void publish(uint32_t slot_idx, uint32_t opcode, uint32_t arg0, uint32_t arg1)
{
    size_t place = timeline.excerpt.len++;
    slots[place] = (struct recorded_slot){
        .index = (uint32_t)place,
        .slot_idx = slot_idx,
        .words = {VYRE_STATUS_PUBLISHED, opcode, 0, VYRE_PRIORITY_NORMAL, arg0, arg1}};
    happen(TIMELINE_PUBLISH, (uint32_t)place);
}

static void launch(void)
{
    uint32_t place = timeline.submits_len++;
    submits[place] = (struct timeline_submit){.launch = place + 1};
    happen(TIMELINE_SUBMIT, place);
}

/** Read all of control, exact or with launches in flight. */
static size_t see_control(bool exact)
{
    uint32_t place = timeline.observations_len++;
    observations[place] = (struct timeline_observation){.what = SESSION_OBSERVED_CONTROL,
                                                        .count = 320 * 4,
                                                        .launches = timeline.submits_len,
                                                        .exact = exact};
    return happen(TIMELINE_OBSERVATION, place);
}

/** Read the ring; these slots are PUBLISHED, and so many are CLAIMED. */
static size_t see_ring(uint8_t published, uint64_t claimed, bool exact)
{
    uint32_t place = timeline.observations_len++;
    maps[place] = published;
    observations[place] = (struct timeline_observation){.what = SESSION_OBSERVED_RING,
                                                        .count = 8 * VYRE_SLOT_BYTES,
                                                        .launches = timeline.submits_len,
                                                        .exact = exact,
                                                        .statuses[VYRE_STATUS_CLAIMED] = claimed,
                                                        .bytes = &maps[place]};
    return happen(TIMELINE_OBSERVATION, place);
}

static void make(void)
{
    struct replay_error error;
    ck_assert(flights_make(&timeline, &flights, &error));
}

START_TEST(seen_done_when_all_launches_are_complete)
{
    publish(0, VYRE_OP_NOP, 0, 0);
    launch();
    see_control(false);
    publish(1, VYRE_OP_NOP, 0, 0);
    size_t seen = see_control(true);
    make();
    ck_assert_uint_eq(flights.len, 2);
    ck_assert_uint_eq(flights.list[0].seen_done, seen + 1);
    ck_assert_uint_eq(flights.list[0].launch, 1);
    /* This one was not launched. */
    ck_assert_uint_eq(flights.list[1].seen_done, FLIGHT_NEVER);
    ck_assert_uint_eq(flights.list[1].launch, 0);
    ck_assert(flights_unordered(&flights.list[0], &flights.list[1]));
    flights_free(&flights);
}
END_TEST

START_TEST(what_was_launched_after_a_read_is_not_seen_by_it)
{
    publish(0, VYRE_OP_NOP, 0, 0);
    launch();
    publish(1, VYRE_OP_NOP, 0, 0);
    launch();
    size_t early = see_control(true);
    observations[0].launches = 1;
    happen(TIMELINE_CONTENTS, 0);
    size_t late = see_control(true);
    make();
    ck_assert_uint_eq(flights.list[0].seen_done, early + 1);
    ck_assert_uint_eq(flights.list[1].seen_done, late + 1);
    flights_free(&flights);
}
END_TEST

START_TEST(seen_done_in_the_ring_while_a_launch_goes_on)
{
    launch();
    publish(0, VYRE_OP_NOP, 0, 0);
    publish(1, VYRE_OP_NOP, 0, 0);
    see_ring(2, 1, false);
    size_t seen = see_ring(2, 0, false);
    publish(2, VYRE_OP_NOP, 0, 0);
    make();
    ck_assert_uint_eq(flights.list[0].seen_done, seen);
    ck_assert_uint_eq(flights.list[1].seen_done, FLIGHT_NEVER);
    ck_assert(!flights_unordered(&flights.list[0], &flights.list[2]));
    ck_assert(flights_unordered(&flights.list[1], &flights.list[2]));
    flights_free(&flights);
}
END_TEST

START_TEST(a_masked_slot_stays_in_flight_and_a_slot_published_again_was_free)
{
    publish(0, VYRE_OP_NOP, 0, 0);
    publish(1, VYRE_OP_NOP, 0, 0);
    launch();
    see_ring(2, 0, true);
    happen(TIMELINE_PUBLISH, 1);
    launch();
    publish(0, VYRE_OP_NOP, 0, 0);
    publish(1, VYRE_OP_NOP, 0, 0);
    make();
    ck_assert_uint_eq(flights.len, 4);
    ck_assert_uint_eq(flights.list[1].seen_done, flights.list[3].published);
    flights_free(&flights);
}
END_TEST

START_TEST(observations_with_nothing_between_are_of_one_time)
{
    publish(0, VYRE_OP_NOP, 0, 0);
    launch();
    size_t first = see_control(true);
    size_t second = see_ring(0, 0, true);
    ck_assert_uint_eq(flights_time(&timeline, second), flights_time(&timeline, first));
    ck_assert_uint_eq(flights_time(&timeline, first), first + 1);
}
END_TEST

static struct divergence *diverge(enum divergence_kind kind, size_t event, uint32_t word)
{
    divergences.total++;
    divergences.list[divergences.len] =
        (struct divergence){.kind = kind, .recorded = true, .event = event, .word = word};
    return &divergences.list[divergences.len++];
}

START_TEST(findings_look_back_to_where_the_word_was_right)
{
    publish(0, VYRE_OP_STORE_U32, 7, 200);
    launch();
    see_control(true);
    publish(1, VYRE_OP_ATOMIC_ADD, 7, 200);
    publish(2, VYRE_OP_NOP, 0, 0);
    launch();
    size_t control = see_control(true);
    size_t ring = see_ring(0, 0, true);
    diverge(DIVERGENCE_EPOCH_AHEAD, control, VYRE_CONTROL_EPOCH);
    diverge(DIVERGENCE_CONTROL, control, 200);
    diverge(DIVERGENCE_STATUS, ring, 2 * VYRE_SLOT_WORDS);

    struct findings findings;
    struct replay_error error;
    ck_assert(findings_make(&timeline, &divergences, &findings, &error));
    ck_assert_uint_eq(findings.len, 2);
    const struct finding *word = &findings.list[0];
    ck_assert_uint_eq(word->divergence, 1);
    ck_assert_int_eq(word->cause, FINDING_ALONE);
    ck_assert_uint_eq(findings.flights.list[word->writers[0].flight].record, 1);
    const struct finding *status = &findings.list[1];
    ck_assert_int_eq(status->cause, FINDING_DRAINED_ONCE);
    ck_assert_uint_eq(status->word, 2);
    ck_assert_uint_eq(findings.flights.list[status->writers[0].flight].record, 2);
    ck_assert_uint_eq(findings.order[0], 1);
    findings_free(&findings);

    /* Where the word was not looked at before, it goes back further. */
    observations[0].count = 64;
    ck_assert(findings_make(&timeline, &divergences, &findings, &error));
    ck_assert_int_eq(findings.list[0].cause, FINDING_ORDERED);
    findings_free(&findings);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("findings");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, seen_done_when_all_launches_are_complete);
    tcase_add_test(tests, what_was_launched_after_a_read_is_not_seen_by_it);
    tcase_add_test(tests, seen_done_in_the_ring_while_a_launch_goes_on);
    tcase_add_test(tests, a_masked_slot_stays_in_flight_and_a_slot_published_again_was_free);
    tcase_add_test(tests, observations_with_nothing_between_are_of_one_time);
    tcase_add_test(tests, findings_look_back_to_where_the_word_was_right);

    Suite *suite = suite_create("replay findings");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
