/* Batches, sizes, and what cannot be replayed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay/effects.h"
#include "replay/schedule.h"
#include "run_suite.h"
#include "vyre/packed.h"

static struct recorded_slot slots[16];
static struct excerpt excerpt;
static struct schedule schedule;
static struct replay_error error;

static void setup(void)
{
    memset(&excerpt, 0, sizeof(excerpt));
    excerpt.slots = slots;
}

static struct recorded_slot *add(uint32_t slot_idx, uint32_t epoch, uint32_t opcode, uint32_t a0,
                                 uint32_t a1, uint32_t a2)
{
    struct recorded_slot *slot = &slots[excerpt.len];
    *slot = (struct recorded_slot){
        .index = (uint32_t)excerpt.len,
        .slot_idx = slot_idx,
        .epoch = epoch,
        .words = {VYRE_STATUS_PUBLISHED, opcode, 0, VYRE_PRIORITY_NORMAL, a0, a1, a2},
    };
    excerpt.len++;
    return slot;
}

static void make(void)
{
    ck_assert(schedule_make(&excerpt, &schedule, &error));
}

START_TEST(batches_end_at_an_epoch_and_at_a_slot_that_comes_again)
{
    const uint32_t records[][2] = {{0, 5}, {1, 5}, {2, 5}, {0, 5}, {1, 5}, {2, 6}, {9, 7}, {2, 6}};
    for (size_t i = 0; i < 8; i++)
        add(records[i][0], records[i][1], VYRE_OP_NOP, 0, 0, 0);
    make();
    const size_t lengths[] = {3, 2, 1, 1, 1};
    ck_assert_uint_eq(schedule.len, 5);
    for (size_t i = 0, first = 0; i < 5; first += lengths[i++]) {
        ck_assert_uint_eq(schedule.batches[i].first, first);
        ck_assert_uint_eq(schedule.batches[i].len, lengths[i]);
    }
    ck_assert_uint_eq(schedule.epochs, 3);
    ck_assert_uint_eq(schedule.ring_slots, 10);
    schedule_free(&schedule);
}
END_TEST

static uint32_t words_for(uint32_t opcode, uint32_t a0, uint32_t a1, uint32_t a2)
{
    setup();
    add(0, 0, opcode, a0, a1, a2);
    make();
    ck_assert_uint_eq(schedule.obstacles, 0);
    uint32_t words = schedule.control_words;
    schedule_free(&schedule);
    return words;
}

START_TEST(control_buffer_holds_every_word_that_is_named)
{
    ck_assert_uint_eq(words_for(VYRE_OP_NOP, 5000, 5000, 5000), 320);
    ck_assert_uint_eq(words_for(VYRE_OP_STORE_U32, 1, 1000, 0), 1001);
    ck_assert_uint_eq(words_for(VYRE_OP_ATOMIC_ADD, 1, 1000, 0), 1001);
    ck_assert_uint_eq(words_for(VYRE_OP_LOAD_U32, 1000, 5, 0), 1001);
    ck_assert_uint_eq(words_for(VYRE_OP_LOAD_U32, 5, 1000, 0), 1161);
    ck_assert_uint_eq(words_for(VYRE_OP_COMPARE_SWAP, 1000, 0, 0), 1161);
    ck_assert_uint_eq(words_for(VYRE_OP_MEMCPY, 1000, 0, 10), 1010);
    ck_assert_uint_eq(words_for(VYRE_OP_MEMCPY, 0, 1000, 10), 1010);
    ck_assert_uint_eq(words_for(VYRE_OP_MEMCPY, UINT32_MAX, UINT32_MAX, 0), 320);
    /* One op, its args from word 1: STORE 9 to 1000. */
    ck_assert_uint_eq(words_for(VYRE_OP_PACKED_SLOT, 1 | 2 << 8 | VYRE_OP_STORE_U32 << 16, 9, 1000),
                      1001);
    ck_assert_uint_eq(words_for(VYRE_OP_LOAD_U32, 0, (1 << 20) - 1, 0), (1 << 20) + 160);
    ck_assert_uint_eq(words_for(VYRE_OP_STORE_U32, 0, (1 << 20) + 159, 0), (1 << 20) + 160);
}
END_TEST

static void refused(uint32_t slot_idx, uint32_t opcode, uint32_t a0, uint32_t a1, uint32_t a2,
                    enum obstacle obstacle, const char *named)
{
    setup();
    add(0, 0, VYRE_OP_NOP, 0, 0, 0);
    struct recorded_slot *slot = add(slot_idx, 0, opcode, a0, a1, a2);
    make();
    char text[512];
    obstacle_describe(slot, text, sizeof(text));
    ck_assert_uint_eq(schedule.obstacles, 1);
    ck_assert_int_eq(slot->obstacle, obstacle);
    ck_assert_msg(strstr(text, named) != NULL, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "Fix: "));
    schedule_free(&schedule);
}

START_TEST(what_cannot_be_replayed_is_named)
{
    const enum obstacle far = OBSTACLE_CONTROL_WORD;
    refused(1, VYRE_OP_STORE_U32, 0, (1 << 20) + 160, 0, far, "word 1048736");
    refused(1, VYRE_OP_LOAD_U32, 0, UINT32_MAX, 0, far, "word 4294967455");
    refused(1, VYRE_OP_COMPARE_SWAP, 1 << 20, 0, 0, far, "word 1048736");
    refused(1, VYRE_OP_MEMCPY, 0, 0, UINT32_MAX, far, "word 4294967294");
    refused(1, VYRE_OP_MEMCPY, UINT32_MAX, 1, UINT32_MAX, far, "word 8589934589");
    refused(1, VYRE_OP_PACKED_SLOT, 1 | VYRE_OP_STORE_U32 << 16, 0, UINT32_MAX, far, "4294967295");
    refused(1 << 20, VYRE_OP_NOP, 0, 0, 0, OBSTACLE_SLOT, "slot 1048576");
    refused(UINT32_MAX, VYRE_OP_NOP, 0, 0, 0, OBSTACLE_SLOT, "slot 4294967295");
}
END_TEST

START_TEST(an_obstacle_of_the_log_stays)
{
    add(0, 0, 0x40000001, 0, 0, 0)->obstacle = OBSTACLE_MISMATCH;
    make();
    ck_assert_int_eq(slots[0].obstacle, OBSTACLE_MISMATCH);
    ck_assert_uint_eq(schedule.obstacles, 1);
    schedule_free(&schedule);
}
END_TEST

START_TEST(four_words_are_enough_for_some_packed_slots)
{
    struct vyre_packed_encoder encoder;
    ck_assert(vyre_packed_begin(&encoder, 1));
    ck_assert(vyre_packed_add(&encoder, VYRE_OP_MEMCPY, (uint32_t[]){1, 2, 3}, 3));
    ck_assert(effects_packed_within(encoder.words, 4));
    ck_assert(!effects_packed_within(encoder.words, 3));

    ck_assert(vyre_packed_begin(&encoder, 2));
    ck_assert(vyre_packed_add(&encoder, VYRE_OP_STORE_U32, (uint32_t[]){1, 2}, 2));
    ck_assert(effects_packed_within(encoder.words, 4));
    ck_assert(vyre_packed_add(&encoder, VYRE_OP_STORE_U32, (uint32_t[]){1, 2}, 2));
    ck_assert(!effects_packed_within(encoder.words, 4));

    /* It says that it has no args, and reads some all the same. */
    const uint32_t lying[VYRE_SLOT_ARGS] = {1 | VYRE_OP_STORE_U32 << 16 | 3u << 24};
    ck_assert(!effects_packed_within(lying, 4));
    const uint32_t nops[VYRE_SLOT_ARGS] = {3};
    ck_assert(effects_packed_within(nops, 4));
}
END_TEST

START_TEST(writers_of_a_word)
{
    uint32_t slot[VYRE_SLOT_WORDS] = {1, VYRE_OP_MEMCPY, 0, 2, 10, 200, 5};
    ck_assert(effects_write(slot, 200));
    ck_assert(effects_write(slot, 204));
    ck_assert(!effects_write(slot, 205));
    ck_assert(!effects_write(slot, 10));
    ck_assert(effects_write(slot, VYRE_CONTROL_DONE_COUNT));
    ck_assert(effects_write(slot, VYRE_CONTROL_METRICS + VYRE_OP_MEMCPY));
    ck_assert(!effects_write(slot, VYRE_CONTROL_METRICS));
    ck_assert_uint_eq(effects_copied_words(slot), 5);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("schedule");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, batches_end_at_an_epoch_and_at_a_slot_that_comes_again);
    tcase_add_test(tests, control_buffer_holds_every_word_that_is_named);
    tcase_add_test(tests, what_cannot_be_replayed_is_named);
    tcase_add_test(tests, an_obstacle_of_the_log_stays);
    tcase_add_test(tests, four_words_are_enough_for_some_packed_slots);
    tcase_add_test(tests, writers_of_a_word);

    Suite *suite = suite_create("replay schedule");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
