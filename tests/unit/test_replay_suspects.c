/*
 * Which slots are behind a word that differs: races, races of inputs, what follows from what, and
 * that thousands of slots and a million records are no trouble.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/suspects.h"
#include "run_suite.h"

#define FLIGHTS_MAX 64

static uint32_t slots[FLIGHTS_MAX][VYRE_SLOT_WORDS];
static struct flight flights[FLIGHTS_MAX];
static size_t flights_len;
static struct finding findings[8];
static size_t findings_len;

static void setup(void)
{
    flights_len = 0;
    findings_len = 0;
    memset(findings, 0, sizeof(findings));
}

/** A slot that is published at a time and seen DONE at another. */
static void fly(uint64_t published, uint64_t seen_done, uint32_t opcode, uint32_t arg0,
                uint32_t arg1, uint32_t arg2)
{
    uint32_t *words = slots[flights_len];
    memset(words, 0, VYRE_SLOT_BYTES);
    words[VYRE_SLOT_OPCODE] = opcode;
    words[VYRE_SLOT_ARG0] = arg0;
    words[VYRE_SLOT_ARG0 + 1] = arg1;
    words[VYRE_SLOT_ARG0 + 2] = arg2;
    flights[flights_len] = (struct flight){.record = 100 + (uint32_t)flights_len,
                                           .slot_idx = (uint32_t)flights_len,
                                           .words = words,
                                           .published = published,
                                           .seen_done = seen_done};
    flights_len++;
}

/** A word that was right at time 0 and differs at time 10. */
static struct finding *differs(enum finding_where where, uint32_t word)
{
    struct finding *finding = &findings[findings_len++];
    *finding = (struct finding){.where = where, .word = word, .until = 10};
    return finding;
}

static void find(void)
{
    struct replay_error error;
    ck_assert(suspects_find(flights, flights_len, findings, findings_len, &error));
}

static void check_pair(const struct finding *finding, enum finding_cause cause, size_t first,
                       size_t second, uint32_t word)
{
    ck_assert_int_eq(finding->cause, cause);
    ck_assert_uint_eq(finding->pair[0], first);
    ck_assert_uint_eq(finding->pair[1], second);
    ck_assert_uint_eq(finding->pair_word, word);
}

START_TEST(two_in_flight_together_that_do_not_commute_race)
{
    fly(1, 10, VYRE_OP_STORE_U32, 7, 200, 0);
    fly(2, 10, VYRE_OP_ATOMIC_ADD, 1, 200, 0);
    fly(3, 10, VYRE_OP_ATOMIC_ADD, 1, 201, 0);
    differs(FINDING_CONTROL, 200);
    find();
    check_pair(&findings[0], FINDING_RACE, 0, 1, 200);
    ck_assert_uint_eq(findings[0].writing, 2);
    ck_assert(findings[0].pair_together);
}
END_TEST

START_TEST(one_that_was_published_after_the_other_was_seen_done_is_ordered)
{
    fly(1, 2, VYRE_OP_STORE_U32, 7, 200, 0);
    fly(2, 10, VYRE_OP_ATOMIC_ADD, 1, 200, 0);
    differs(FINDING_CONTROL, 200);
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_ORDERED);

    /* A fence between them orders nothing. */
    setup();
    fly(1, 10, VYRE_OP_STORE_U32, 7, 200, 0);
    fly(2, 10, VYRE_OP_BATCH_FENCE, 1, 1, 0);
    fly(3, 10, VYRE_OP_ATOMIC_ADD, 1, 200, 0);
    differs(FINDING_CONTROL, 200);
    find();
    check_pair(&findings[0], FINDING_RACE, 0, 2, 200);
}
END_TEST

START_TEST(what_was_seen_before_or_published_after_is_no_suspect)
{
    fly(1, 5, VYRE_OP_STORE_U32, 7, 200, 0);
    fly(6, 9, VYRE_OP_ATOMIC_ADD, 1, 200, 0);
    fly(10, 12, VYRE_OP_STORE_U32, 8, 200, 0);
    differs(FINDING_CONTROL, 200)->since = 5;
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_ALONE);
    ck_assert_uint_eq(findings[0].writing, 1);
    ck_assert_uint_eq(findings[0].writers[0].flight, 1);
}
END_TEST

START_TEST(effects_that_commute_are_no_race)
{
    for (int i = 0; i < 40; i++)
        fly(1, 10, VYRE_OP_ATOMIC_ADD, (uint32_t)i, 200, 0);
    fly(1, 10, VYRE_OP_STORE_U32, 5, 201, 0);
    fly(1, 10, VYRE_OP_STORE_U32, 5, 201, 0);
    fly(1, 10, VYRE_OP_LOAD_U32, 200, 50, 0);
    differs(FINDING_CONTROL, 200);
    differs(FINDING_CONTROL, 201);
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_COMMUTING);
    ck_assert_uint_eq(findings[0].writing, 40);
    ck_assert_uint_eq(findings[0].reading, 1);
    ck_assert_uint_eq(findings[0].writers_len, FINDING_WRITERS_MAX);
    ck_assert_int_eq(findings[1].cause, FINDING_COMMUTING);

    /* The ninth and later ones are looked at, too. */
    fly(1, 10, VYRE_OP_STORE_U32, 5, 200, 0);
    find();
    check_pair(&findings[0], FINDING_RACE, 39, 43, 200);
    /* One with the value of the last one, and with another than the one before. */
    setup();
    fly(1, 9, VYRE_OP_STORE_U32, 5, 200, 0);
    fly(2, 9, VYRE_OP_STORE_U32, 6, 200, 0);
    fly(3, 9, VYRE_OP_STORE_U32, 6, 200, 0);
    differs(FINDING_CONTROL, 200);
    find();
    check_pair(&findings[0], FINDING_RACE, 0, 1, 200);
}
END_TEST

START_TEST(a_race_may_be_in_what_is_read)
{
    fly(1, 10, VYRE_OP_STORE_U32, 7, 200, 0);
    fly(2, 10, VYRE_OP_LOAD_U32, 200, 50, 0);
    fly(3, 10, VYRE_OP_MEMCPY, 198, 300, 4);
    differs(FINDING_CONTROL, VYRE_CONTROL_OBSERVABLES + 50);
    differs(FINDING_CONTROL, 302);
    differs(FINDING_CONTROL, 301);
    find();
    check_pair(&findings[0], FINDING_RACE_OF_INPUT, 0, 1, 200);
    check_pair(&findings[1], FINDING_RACE_OF_INPUT, 0, 2, 200);
    ck_assert_int_eq(findings[2].cause, FINDING_ALONE);
}
END_TEST

START_TEST(two_swaps_race_for_the_word_and_for_its_result)
{
    fly(1, 10, VYRE_OP_COMPARE_SWAP, 200, 0, 1);
    fly(1, 10, VYRE_OP_COMPARE_SWAP, 200, 0, 2);
    differs(FINDING_CONTROL, 200);
    differs(FINDING_CONTROL, VYRE_CONTROL_OBSERVABLES + 200);
    find();
    check_pair(&findings[0], FINDING_RACE, 0, 1, 200);
    check_pair(&findings[1], FINDING_RACE, 0, 1, VYRE_CONTROL_OBSERVABLES + 200);
}
END_TEST

START_TEST(operations_of_a_packed_slot_are_steps_of_one_slot)
{
    uint32_t *words;
    fly(1, 10, VYRE_OP_PACKED_SLOT, 0, 0, 0);
    words = slots[0] + VYRE_SLOT_ARG0;
    /* Two ops, STORE 7 to 200 and ADD 1 to 200. */
    words[0] = 2 | VYRE_OP_STORE_U32 << 16;
    words[1] = VYRE_OP_ATOMIC_ADD | 2 << 8;
    words[2] = 7;
    words[3] = 200;
    words[4] = 1;
    words[5] = 200;
    differs(FINDING_CONTROL, 200);
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_ALONE);
    ck_assert_uint_eq(findings[0].writing, 1);
    fly(2, 10, VYRE_OP_ATOMIC_ADD, 1, 200, 0);
    find();
    check_pair(&findings[0], FINDING_RACE, 0, 1, 200);
}
END_TEST

START_TEST(a_slot_that_was_drained_on_one_side_explains_its_words)
{
    fly(1, 10, VYRE_OP_ATOMIC_ADD, 1, 200, 0);
    fly(1, 10, VYRE_OP_ATOMIC_ADD, 1, 201, 0);
    differs(FINDING_CONTROL, VYRE_CONTROL_DONE_COUNT);
    differs(FINDING_CONTROL, 201);
    differs(FINDING_STATUS, 1);
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_FOLLOWS);
    ck_assert_int_eq(findings[1].cause, FINDING_FOLLOWS);
    ck_assert_uint_eq(findings[1].follows, 2);
    ck_assert_int_eq(findings[2].cause, FINDING_DRAINED_ONCE);
    ck_assert_uint_eq(findings[2].writers[0].flight, 1);

    size_t order[3];
    suspects_rank(findings, findings_len, order);
    ck_assert_uint_eq(order[0], 2);
    ck_assert_uint_eq(order[1], 1);
    ck_assert_uint_eq(order[2], 0);
}
END_TEST

START_TEST(a_mask_that_is_written_beside_its_tenants_slot_races)
{
    fly(1, 10, VYRE_OP_STORE_U32, 0, VYRE_CONTROL_TENANT_MASKS + 2, 0);
    fly(2, 10, VYRE_OP_NOP, 0, 0, 0);
    slots[1][VYRE_SLOT_TENANT] = 2;
    differs(FINDING_STATUS, 1);
    find();
    check_pair(&findings[0], FINDING_RACE_OF_INPUT, 0, 1, VYRE_CONTROL_TENANT_MASKS + 2);
    slots[1][VYRE_SLOT_TENANT] = 1;
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_DRAINED_ONCE);
}
END_TEST

START_TEST(what_nobody_writes_is_said)
{
    fly(1, 10, VYRE_OP_PRINTF, 1, 2, 3);
    differs(FINDING_CONTROL, 200);
    differs(FINDING_DEBUG_LOG, 1);
    find();
    ck_assert_int_eq(findings[0].cause, FINDING_NOBODY);
    ck_assert_int_eq(findings[1].cause, FINDING_ALONE);
}
END_TEST

START_TEST(a_pair_of_one_launch_comes_before_one_of_two)
{
    fly(1, 10, VYRE_OP_STORE_U32, 1, 200, 0);
    fly(2, 10, VYRE_OP_STORE_U32, 2, 200, 0);
    fly(3, 10, VYRE_OP_STORE_U32, 3, 200, 0);
    flights[0].launch = 1;
    flights[1].launch = 2;
    flights[2].launch = 2;
    differs(FINDING_CONTROL, 200);
    find();
    check_pair(&findings[0], FINDING_RACE, 1, 2, 200);
    ck_assert(findings[0].pair_together);
    flights_len = 2;
    find();
    check_pair(&findings[0], FINDING_RACE, 0, 1, 200);
    ck_assert(!findings[0].pair_together);
}
END_TEST

START_TEST(a_million_slots_on_one_word_are_one_finding)
{
    const size_t len = 1 << 20;
    static uint32_t words[2][VYRE_SLOT_WORDS] = {
        {1, VYRE_OP_ATOMIC_ADD, 0, 2, 1, 200},
        {1, VYRE_OP_LOAD_U32, 0, 2, 200, 50},
    };
    struct flight *many = calloc(len, sizeof(*many));
    ck_assert_ptr_nonnull(many);
    for (size_t i = 0; i < len; i++)
        many[i] = (struct flight){.record = (uint32_t)i,
                                  .words = words[i % 2],
                                  .published = i,
                                  .seen_done = FLIGHT_NEVER};
    differs(FINDING_CONTROL, 200)->until = len;
    differs(FINDING_CONTROL, VYRE_CONTROL_OBSERVABLES + 50)->until = len;
    struct replay_error error;
    ck_assert(suspects_find(many, len, findings, findings_len, &error));
    ck_assert_int_eq(findings[0].cause, FINDING_COMMUTING);
    ck_assert_uint_eq(findings[0].writing, len / 2);
    ck_assert_uint_eq(findings[0].reading, len / 2);
    check_pair(&findings[1], FINDING_RACE, 1, 3, VYRE_CONTROL_OBSERVABLES + 50);
    free(many);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("suspects");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, two_in_flight_together_that_do_not_commute_race);
    tcase_add_test(tests, one_that_was_published_after_the_other_was_seen_done_is_ordered);
    tcase_add_test(tests, what_was_seen_before_or_published_after_is_no_suspect);
    tcase_add_test(tests, effects_that_commute_are_no_race);
    tcase_add_test(tests, a_race_may_be_in_what_is_read);
    tcase_add_test(tests, two_swaps_race_for_the_word_and_for_its_result);
    tcase_add_test(tests, operations_of_a_packed_slot_are_steps_of_one_slot);
    tcase_add_test(tests, a_slot_that_was_drained_on_one_side_explains_its_words);
    tcase_add_test(tests, a_mask_that_is_written_beside_its_tenants_slot_races);
    tcase_add_test(tests, what_nobody_writes_is_said);
    tcase_add_test(tests, a_pair_of_one_launch_comes_before_one_of_two);
    tcase_add_test(tests, a_million_slots_on_one_word_are_one_finding);

    Suite *suite = suite_create("replay suspects");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
