/* Epoch rules and comparison, without OpenCL: the device is the reference interpreter,
 * or one that makes a mistake. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"
#include "replay/schedule.h"
#include "run_suite.h"

static struct recorded_slot slots[32];
static struct timeline timeline;
static struct replay_result result;
static struct replay_options options;

static void setup(void)
{
    memset(&timeline, 0, sizeof(timeline));
    memset(&options, 0, sizeof(options));
    timeline.excerpt.slots = slots;
    timeline.excerpt.threads = 2;
}

static struct recorded_slot *add(uint32_t slot_idx, uint32_t epoch, uint32_t opcode, uint32_t a0,
                                 uint32_t a1)
{
    struct recorded_slot *slot = &slots[timeline.excerpt.len];
    *slot = (struct recorded_slot){
        .index = (uint32_t)timeline.excerpt.len,
        .slot_idx = slot_idx,
        .epoch = epoch,
        .words = {VYRE_STATUS_PUBLISHED, opcode, 0, VYRE_PRIORITY_NORMAL, a0, a1},
    };
    timeline.excerpt.len++;
    return slot;
}

/* Three batches of two adds and a fence, as from a host that waits. */
static void add_batches(void)
{
    for (uint32_t epoch = 7; epoch < 10; epoch++) {
        add(0, epoch, VYRE_OP_ATOMIC_ADD, 1, 200);
        add(1, epoch, VYRE_OP_ATOMIC_ADD, 1, 201);
        add(2, epoch, VYRE_OP_BATCH_FENCE, 2, 5);
    }
}

/* The records are the test's. */
static void free_made(struct timeline *made)
{
    made->excerpt.slots = NULL;
    timeline_free(made);
}

static void run_on(const struct backend *backend)
{
    struct replay_error error;
    struct timeline made = {.excerpt = timeline.excerpt};
    ck_assert(timeline_make(&made, &error));
    ck_assert_uint_eq(made.obstacles, 0);
    bool run = replay_run(&made, backend, &options, &result, &error);
    ck_assert_msg(run, "%s", error.text);
    free_made(&made);
}

static void run(void)
{
    run_on(&backend_reference);
}

static void diverges(size_t which, enum divergence_kind kind, uint32_t record, uint32_t word,
                     uint32_t expected, uint32_t actual)
{
    ck_assert_uint_lt(which, result.divergences.len);
    const struct divergence *found = &result.divergences.list[which];
    ck_assert_int_eq(found->kind, kind);
    ck_assert_uint_eq(found->record, record);
    ck_assert_uint_eq(found->word, word);
    ck_assert_uint_eq(found->expected, expected);
    ck_assert_uint_eq(found->actual, actual);
}

START_TEST(what_a_waiting_host_recorded_matches)
{
    add_batches();
    options.strict = true;
    run();
    ck_assert_uint_eq(result.divergences.total, 0);
    ck_assert_uint_eq(result.last_epoch, 10);
    ck_assert_uint_eq(result.largest_lead, 0);
}
END_TEST

START_TEST(an_epoch_too_high_diverges_at_its_record)
{
    add_batches();
    slots[4].epoch = 9;
    run();
    ck_assert_uint_eq(result.divergences.total, 1);
    diverges(0, DIVERGENCE_EPOCH_AHEAD, 4, VYRE_CONTROL_EPOCH, 9, 8);
}
END_TEST

START_TEST(an_epoch_too_low_diverges_at_its_record)
{
    add_batches();
    slots[7].epoch = 8;
    run();
    ck_assert_uint_eq(result.divergences.total, 1);
    diverges(0, DIVERGENCE_EPOCH_BACK, 7, VYRE_CONTROL_EPOCH, 8, 9);
}
END_TEST

START_TEST(threads_go_back_only_against_themselves)
{
    add_batches();
    slots[7].epoch = 8;
    slots[7].thread = 1;
    run();
    ck_assert_uint_eq(result.divergences.total, 0);
    ck_assert_uint_eq(result.largest_lead, 1);
    ck_assert_uint_eq(result.largest_lead_record, 7);
    options.strict = true;
    run();
    ck_assert_uint_eq(result.divergences.total, 1);
    diverges(0, DIVERGENCE_EPOCH_BEHIND, 7, VYRE_CONTROL_EPOCH, 8, 9);
}
END_TEST

START_TEST(a_missing_fence_diverges_at_the_next_batch)
{
    add_batches();
    slots[2].words[VYRE_SLOT_OPCODE] = VYRE_OP_NOP;
    run();
    ck_assert_uint_eq(result.divergences.total, 2);
    diverges(0, DIVERGENCE_EPOCH_AHEAD, 3, VYRE_CONTROL_EPOCH, 8, 7);
}
END_TEST

START_TEST(a_doubled_fence_is_a_lead_and_strict_a_divergence)
{
    add_batches();
    slots[1].words[VYRE_SLOT_OPCODE] = VYRE_OP_BATCH_FENCE;
    run();
    ck_assert_uint_eq(result.divergences.total, 0);
    ck_assert_uint_eq(result.largest_lead, 1);
    ck_assert_uint_eq(result.largest_lead_record, 3);
    options.strict = true;
    run();
    ck_assert_uint_eq(result.divergences.total, 2);
    diverges(0, DIVERGENCE_EPOCH_BEHIND, 3, VYRE_CONTROL_EPOCH, 8, 9);
}
END_TEST

START_TEST(a_masked_slot_stays_and_cannot_be_published_again)
{
    add(0, 0, VYRE_OP_STORE_U32, 0, VYRE_CONTROL_TENANT_MASKS + 5);
    add(1, 0, VYRE_OP_BATCH_FENCE, 0, 0);
    add(2, 1, VYRE_OP_ATOMIC_ADD, 1, 200)->words[VYRE_SLOT_TENANT] = 5;
    add(3, 1, VYRE_OP_BATCH_FENCE, 0, 0);
    add(2, 2, VYRE_OP_ATOMIC_ADD, 1, 200);
    run();
    ck_assert_uint_eq(result.left_published, 1);
    ck_assert_uint_eq(result.divergences.total, 1);
    diverges(0, DIVERGENCE_SLOT_BUSY, 4, 32, VYRE_STATUS_DONE, VYRE_STATUS_PUBLISHED);
    ck_assert_str_eq(divergence_against(&result.divergences.list[0]), "recorded");
}
END_TEST

START_TEST(a_masked_slot_runs_when_its_mask_comes)
{
    add(0, 0, VYRE_OP_STORE_U32, 0, VYRE_CONTROL_TENANT_MASKS + 5);
    add(0, 0, VYRE_OP_NOP, 0, 0);
    add(1, 0, VYRE_OP_BATCH_FENCE, 0, 0)->words[VYRE_SLOT_TENANT] = 5;
    add(0, 0, VYRE_OP_STORE_U32, 1, VYRE_CONTROL_TENANT_MASKS + 5);
    add(0, 0, VYRE_OP_NOP, 0, 0);
    add(1, 1, VYRE_OP_NOP, 0, 0);
    run();
    ck_assert_uint_eq(result.divergences.total, 0);
    ck_assert_uint_eq(result.left_published, 0);
}
END_TEST

/* ---- a backend that makes one mistake, in the view that it gives after a submit */

static uint32_t wrong_control[SCHEDULE_CONTROL_WORDS_MAX];
static uint32_t wrong_statuses[64];
static uint32_t wrong_log[VYRE_DEBUG_LOG_WORDS];
static size_t control_bytes, ring_slots;
static int submits;
static void (*mistake)(void);

static bool wrong_load(void *state, const struct backend_image *image, struct replay_error *error)
{
    submits = 0;
    control_bytes = image->control_words * sizeof(uint32_t);
    ring_slots = image->ring_slots;
    return backend_reference.load(state, image, error);
}

static bool wrong_submit(void *state, const struct timeline_submit *submit,
                         struct replay_error *error)
{
    submits++;
    return backend_reference.submit(state, submit, error);
}

static bool wrong_observe(void *state, bool whole_ring, struct backend_view *view,
                          struct replay_error *error)
{
    ck_assert(backend_reference.observe(state, whole_ring, view, error));
    memcpy(wrong_control, view->control, control_bytes);
    for (size_t slot = 0; slot < ring_slots; slot++)
        wrong_statuses[slot] = backend_status(view, slot);
    memcpy(wrong_log, view->debug_log, sizeof(wrong_log));
    if (submits >= 2)
        mistake();
    *view = (struct backend_view){wrong_control, wrong_statuses, 1, wrong_log, NULL};
    return true;
}

static void run_wrong(void (*how)(void))
{
    struct backend wrong = backend_reference;
    wrong.load = wrong_load;
    wrong.submit = wrong_submit;
    wrong.observe = wrong_observe;
    mistake = how;
    run_on(&wrong);
}

static void lose_an_add(void)
{
    wrong_control[201]--;
}

START_TEST(a_wrong_word_is_found_where_it_began)
{
    add_batches();
    run_wrong(lose_an_add);
    ck_assert_uint_eq(result.divergences.total, 1);
    diverges(0, DIVERGENCE_CONTROL, 4, 201, 2, 1);
    const struct divergence *divergence = &result.divergences.list[0];
    ck_assert_uint_eq(divergence->epoch, 8);
    ck_assert_uint_eq(divergence->writers_len, 1);
    ck_assert_str_eq(divergence_against(divergence), "reference");
    char name[64];
    divergence_word_name(divergence, name, sizeof(name));
    ck_assert_str_eq(name, "observable[41]");
}
END_TEST

static void forget_a_slot(void)
{
    wrong_statuses[1] = VYRE_STATUS_CLAIMED;
}

START_TEST(a_wrong_status_is_found)
{
    add_batches();
    run_wrong(forget_a_slot);
    diverges(0, DIVERGENCE_STATUS, 4, 16, VYRE_STATUS_DONE, VYRE_STATUS_CLAIMED);
    diverges(1, DIVERGENCE_SLOT_BUSY, 7, 16, VYRE_STATUS_DONE, VYRE_STATUS_CLAIMED);
}
END_TEST

static void swap_records(void)
{
    for (size_t i = 1; i < 5; i++) {
        uint32_t word = wrong_log[i];
        wrong_log[i] = wrong_log[i + 4];
        wrong_log[i + 4] = word;
    }
}

static void change_a_record(void)
{
    swap_records();
    wrong_log[7]++;
}

START_TEST(debug_records_have_no_order_and_must_agree)
{
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        add(0, epoch, VYRE_OP_PRINTF, 1, 10);
        add(1, epoch, VYRE_OP_PRINTF, 2, 20);
        add(2, epoch, VYRE_OP_BATCH_FENCE, 0, 0);
    }
    run_wrong(swap_records);
    ck_assert_uint_eq(result.divergences.total, 0);
    run_wrong(change_a_record);
    ck_assert_uint_eq(result.divergences.total, 1);
    ck_assert_int_eq(result.divergences.list[0].kind, DIVERGENCE_DEBUG_LOG);
    ck_assert_uint_eq(result.divergences.list[0].actual, 1);
}
END_TEST

START_TEST(endless_work_is_refused)
{
    /* Each copies 2^20 words: 2^28 are too many. */
    enum {
        RECORDS = 260
    };
    static struct recorded_slot many[RECORDS];
    add(0, 0, VYRE_OP_MEMCPY, 0, 0)->words[VYRE_SLOT_ARG0 + 2] = 1 << 20;
    for (size_t i = 0; i < RECORDS; i++)
        many[i] = slots[0];
    timeline.excerpt.slots = many;
    timeline.excerpt.len = RECORDS;

    struct replay_error error;
    struct timeline made = {.excerpt = timeline.excerpt};
    ck_assert(timeline_make(&made, &error));
    ck_assert(!replay_run(&made, &backend_reference, &options, &result, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "more work"));
    ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
    free_made(&made);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("run");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_a_waiting_host_recorded_matches);
    tcase_add_test(tests, an_epoch_too_high_diverges_at_its_record);
    tcase_add_test(tests, an_epoch_too_low_diverges_at_its_record);
    tcase_add_test(tests, threads_go_back_only_against_themselves);
    tcase_add_test(tests, a_missing_fence_diverges_at_the_next_batch);
    tcase_add_test(tests, a_doubled_fence_is_a_lead_and_strict_a_divergence);
    tcase_add_test(tests, a_masked_slot_stays_and_cannot_be_published_again);
    tcase_add_test(tests, a_masked_slot_runs_when_its_mask_comes);
    tcase_add_test(tests, a_wrong_word_is_found_where_it_began);
    tcase_add_test(tests, a_wrong_status_is_found);
    tcase_add_test(tests, debug_records_have_no_order_and_must_agree);
    tcase_add_test(tests, endless_work_is_refused);

    Suite *suite = suite_create("replay run");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
