/* A replay against itself, and two places side by side, without OpenCL: the device is the reference
 * interpreter, which shows another end in some of its runs. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay/repeat.h"
#include "replay/schedule.h"
#include "run_suite.h"

#define RECORDS 9u

static struct recorded_slot slots[RECORDS];
static struct timeline timeline;
static struct replay_result result;
static struct repeat repeat;

static uint32_t shown_control[SCHEDULE_CONTROL_WORDS_MAX];
static uint32_t shown_statuses[64];
static uint32_t shown_log[VYRE_DEBUG_LOG_WORDS];
static size_t control_bytes;
static size_t ring_slots;
/** Of the run: its number from 1, and how much of it was launched. */
static uint32_t run;
static uint32_t submits;
/** What another end looks like. */
static void (*change)(void);

/* Three batches of an add, a PRINTF and a fence. */
static void setup(void)
{
    struct replay_error error;
    memset(&timeline, 0, sizeof(timeline));
    for (uint32_t i = 0; i < RECORDS; i++) {
        static const uint32_t opcodes[] = {VYRE_OP_ATOMIC_ADD, VYRE_OP_PRINTF, VYRE_OP_BATCH_FENCE};
        slots[i] = (struct recorded_slot){
            .index = i,
            .slot_idx = i % 3,
            .epoch = i / 3,
            .words = {VYRE_STATUS_PUBLISHED, opcodes[i % 3], 0, VYRE_PRIORITY_NORMAL, 1 + i, 200}};
    }
    timeline.excerpt = (struct excerpt){.slots = slots, .len = RECORDS, .threads = 1};
    ck_assert(timeline_make(&timeline, &error));
    run = 0;
}

static void teardown(void)
{
    timeline.excerpt.slots = NULL;
    timeline_free(&timeline);
    repeat_free(&repeat);
}

static bool load(void *state, const struct backend_image *image, struct replay_error *error)
{
    run++;
    submits = 0;
    control_bytes = image->control_words * sizeof(uint32_t);
    ring_slots = image->ring_slots;
    return backend_reference.load(state, image, error);
}

static bool submit(void *state, const struct timeline_submit *launch, struct replay_error *error)
{
    submits++;
    return backend_reference.submit(state, launch, error);
}

static bool observe(void *state, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    ck_assert(backend_reference.observe(state, whole_ring, view, error));
    memcpy(shown_control, view->control, control_bytes);
    for (size_t slot = 0; slot < ring_slots; slot++)
        shown_statuses[slot] = backend_status(view, slot);
    memcpy(shown_log, view->debug_log, sizeof(shown_log));
    if (submits >= 2)
        change();
    *view = (struct backend_view){shown_control, shown_statuses, 1, shown_log, NULL};
    return true;
}

static void run_times(uint32_t runs, void (*how)(void))
{
    struct backend backend = backend_reference;
    struct replay_options options = {0};
    struct replay_error error;
    backend.load = load;
    backend.submit = submit;
    backend.observe = observe;
    change = how;
    bool repeated = replay_repeat(&timeline, &backend, &options, runs, &repeat, &result, &error);
    ck_assert_msg(repeated, "%s", error.text);
    ck_assert_uint_eq(repeat.runs, runs);
}

static void outcome(size_t which, uint32_t first_run, uint32_t runs)
{
    ck_assert_uint_lt(which, repeat.len);
    ck_assert_uint_eq(repeat.outcomes[which].first_run, first_run);
    ck_assert_uint_eq(repeat.outcomes[which].runs, runs);
}

static void change_nothing(void)
{
}

START_TEST(runs_that_are_the_same_end_in_one_way)
{
    run_times(5, change_nothing);
    ck_assert_uint_eq(repeat.len, 1);
    outcome(0, 1, 5);
    ck_assert_uint_eq(repeat.parted, 0);
    ck_assert_uint_eq(result.divergences.total, 0);
    ck_assert_int_eq(result.against, REPLAY_AGAINST_RUN);
    ck_assert_uint_eq(result.compared, 3);
}
END_TEST

/* Runs 3, 5 and 6; 5 is another one than the others. */
static void change_a_word(void)
{
    shown_control[200] += run == 3 || run == 6 ? 10 : run == 5 ? 20 : 0;
}

START_TEST(every_distinct_end_is_counted_and_the_first_is_explained)
{
    run_times(7, change_a_word);
    ck_assert_uint_eq(repeat.len, 3);
    outcome(0, 1, 4);
    outcome(1, 3, 2);
    outcome(2, 5, 1);
    ck_assert_uint_eq(repeat.parted, 3);
    ck_assert_uint_eq(result.divergences.total, 1);
    const struct divergence *divergence = &result.divergences.list[0];
    ck_assert_int_eq(divergence->kind, DIVERGENCE_CONTROL);
    ck_assert(!divergence->recorded);
    ck_assert_uint_eq(divergence->word, 200);
    ck_assert_uint_eq(divergence->record, 3);
    ck_assert_uint_eq(divergence->expected, 1 + 4);
    ck_assert_uint_eq(divergence->actual, 1 + 4 + 10);
}
END_TEST

static void change_a_status(void)
{
    if (run == 2 && submits == 3)
        shown_statuses[0] = VYRE_STATUS_CLAIMED;
}

START_TEST(a_status_alone_is_another_end)
{
    run_times(3, change_a_status);
    ck_assert_uint_eq(repeat.len, 2);
    ck_assert_uint_eq(repeat.parted, 2);
    ck_assert_int_eq(result.divergences.list[0].kind, DIVERGENCE_STATUS);
    ck_assert_uint_eq(result.divergences.list[0].expected, VYRE_STATUS_DONE);
    ck_assert_uint_eq(result.divergences.list[0].actual, VYRE_STATUS_CLAIMED);
}
END_TEST

static void swap_records(void)
{
    for (size_t i = 1; run == 2 && i < 5; i++) {
        uint32_t word = shown_log[i];
        shown_log[i] = shown_log[i + 4];
        shown_log[i + 4] = word;
    }
}

static void change_a_record(void)
{
    shown_log[2] += run == 2 ? 1 : 0;
}

START_TEST(debug_records_have_no_order)
{
    run_times(3, swap_records);
    ck_assert_uint_eq(repeat.len, 1);
    ck_assert_uint_eq(result.divergences.total, 0);
    repeat_free(&repeat);
    run = 0;
    run_times(3, change_a_record);
    ck_assert_uint_eq(repeat.len, 2);
    ck_assert_int_eq(result.divergences.list[0].kind, DIVERGENCE_DEBUG_LOG);
}
END_TEST

/* What the host had seen is neither run's concern. */
static void forget_a_fence(void)
{
    shown_control[VYRE_CONTROL_EPOCH]--;
}

START_TEST(recorded_epochs_do_not_count_between_runs)
{
    run_times(2, forget_a_fence);
    ck_assert_uint_eq(repeat.len, 1);
    ck_assert_uint_eq(result.divergences.total, 0);
}
END_TEST

START_TEST(two_places_run_side_by_side)
{
    struct backend backend = backend_reference;
    struct replay_options options = {.against = REPLAY_AGAINST_DEVICE, .other_device = "other"};
    struct replay_error error;
    ck_assert(replay_run(&timeline, &backend, &options, &result, &error));
    ck_assert_int_eq(result.against, REPLAY_AGAINST_DEVICE);
    ck_assert_uint_eq(result.compared, 3);
    ck_assert_uint_eq(result.divergences.total, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("repeat");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, runs_that_are_the_same_end_in_one_way);
    tcase_add_test(tests, every_distinct_end_is_counted_and_the_first_is_explained);
    tcase_add_test(tests, a_status_alone_is_another_end);
    tcase_add_test(tests, debug_records_have_no_order);
    tcase_add_test(tests, recorded_epochs_do_not_count_between_runs);
    tcase_add_test(tests, two_places_run_side_by_side);

    Suite *suite = suite_create("replay repeat");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
