/* The reference interpreter: what each opcode does, and what hostile words cannot do. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay/reference.h"
#include "run_suite.h"
#include "vyre/control.h"
#include "vyre/packed.h"

#define WORDS 320
#define SLOTS 4
#define RESULT VYRE_CONTROL_OBSERVABLES

/* On the heap and exactly as long as they say, so that a checker sees a word too far. */
static struct reference machine;

static void setup(void)
{
    machine.control_words = WORDS;
    machine.ring_slots = SLOTS;
    machine.control = malloc(WORDS * sizeof(uint32_t));
    machine.ring = calloc(SLOTS, VYRE_SLOT_BYTES);
    machine.debug_log = calloc(VYRE_DEBUG_LOG_WORDS, sizeof(uint32_t));
    vyre_control_encode(machine.control, WORDS, 2);
}

static void teardown(void)
{
    free(machine.control);
    free(machine.ring);
    free(machine.debug_log);
}

static bool run_as(uint32_t tenant, uint32_t opcode, const uint32_t *args, size_t args_len)
{
    uint32_t *slot = machine.ring + VYRE_SLOT_WORDS; /* slot 1 */
    memset(slot, 0, VYRE_SLOT_BYTES);
    slot[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
    slot[VYRE_SLOT_OPCODE] = opcode;
    slot[VYRE_SLOT_TENANT] = tenant;
    memcpy(slot + VYRE_SLOT_ARG0, args, args_len * sizeof(*args));
    return reference_drain(&machine, 1);
}

static void run(uint32_t opcode, uint32_t a0, uint32_t a1, uint32_t a2)
{
    const uint32_t args[] = {a0, a1, a2};
    ck_assert(run_as(0, opcode, args, 3));
    ck_assert_uint_eq(machine.ring[VYRE_SLOT_WORDS], VYRE_STATUS_DONE);
}

static uint32_t metric(uint32_t opcode)
{
    return machine.control[VYRE_CONTROL_METRICS + opcode];
}

START_TEST(each_opcode_does_what_the_protocol_says)
{
    uint32_t *c = machine.control;
    run(VYRE_OP_NOP, 1, 2, 3);
    run(VYRE_OP_STORE_U32, 70, 200, 0);
    ck_assert_uint_eq(c[200], 70);
    run(VYRE_OP_ATOMIC_ADD, UINT32_MAX, 200, 0);
    ck_assert_uint_eq(c[200], 69);
    run(VYRE_OP_LOAD_U32, 200, 5, 0);
    ck_assert_uint_eq(c[RESULT + 5], 69);
    c[150] = 9;
    run(VYRE_OP_COMPARE_SWAP, 150, 9, 11);
    ck_assert_uint_eq(c[150], 11);
    ck_assert_uint_eq(c[RESULT + 150], 9);
    run(VYRE_OP_COMPARE_SWAP, 150, 9, 12);
    ck_assert_uint_eq(c[150], 11);
    ck_assert_uint_eq(c[RESULT + 150], 11);
    run(VYRE_OP_DFA_STEP, 200, 200, 200);
    run(VYRE_OP_BATCH_FENCE, 3, 77, 0);
    ck_assert_uint_eq(c[VYRE_CONTROL_EPOCH], 1);
    ck_assert_uint_eq(c[RESULT], 77);
    run(VYRE_OP_SHUTDOWN, 0, 0, 0);
    ck_assert_uint_eq(c[VYRE_CONTROL_SHUTDOWN], 1);

    ck_assert_uint_eq(c[VYRE_CONTROL_DONE_COUNT], 9);
    const uint32_t counts[] = {1, 1, 1, 1, 2, 0, 1, 1};
    for (uint32_t opcode = 0; opcode < 8; opcode++)
        ck_assert_uint_eq(metric(opcode), counts[opcode]);
}
END_TEST

START_TEST(memcpy_goes_up_word_by_word_and_stops_at_the_end)
{
    uint32_t *c = machine.control;
    c[200] = 5;
    c[201] = 6;
    run(VYRE_OP_MEMCPY, 200, 202, 4);
    ck_assert_uint_eq(c[204], 5);
    ck_assert_uint_eq(c[205], 6);
    ck_assert_uint_eq(c[206], 0);

    run(VYRE_OP_MEMCPY, 200, 201, 3); /* onto itself: the first word runs through */
    ck_assert_uint_eq(c[203], 5);

    c[WORDS - 1] = 8;
    run(VYRE_OP_MEMCPY, WORDS - 1, 300, UINT32_MAX);
    ck_assert_uint_eq(c[300], 8);
    ck_assert_uint_eq(c[301], 0);
    run(VYRE_OP_MEMCPY, UINT32_MAX, 300, UINT32_MAX);
    run(VYRE_OP_MEMCPY, 300, WORDS, 1);
    ck_assert_uint_eq(c[VYRE_CONTROL_DONE_COUNT], 5);
}
END_TEST

START_TEST(words_outside_are_left_alone)
{
    uint32_t before[WORDS];
    memcpy(before, machine.control, sizeof(before));
    const uint32_t far[] = {WORDS, WORDS + 1, UINT32_MAX, UINT32_MAX - RESULT + 1};
    for (size_t i = 0; i < 4; i++) {
        run(VYRE_OP_STORE_U32, 1, far[i], 0);
        run(VYRE_OP_ATOMIC_ADD, 1, far[i], 0);
        run(VYRE_OP_LOAD_U32, far[i], 1, 0);
        run(VYRE_OP_LOAD_U32, 3, far[i], 0);
        run(VYRE_OP_COMPARE_SWAP, far[i], 0, 1);
    }
    run(VYRE_OP_LOAD_U32, 3, WORDS - RESULT, 0);
    run(VYRE_OP_COMPARE_SWAP, WORDS - RESULT, 0, 1);
    memcpy(before + VYRE_CONTROL_METRICS, machine.control + VYRE_CONTROL_METRICS, 32 * 4);
    before[VYRE_CONTROL_DONE_COUNT] = 22;
    ck_assert_mem_eq(machine.control, before, sizeof(before));
}
END_TEST

START_TEST(masked_tenants_stay_published)
{
    const uint32_t args[] = {1, 200, 0};
    ck_assert(run_as(1, VYRE_OP_STORE_U32, args, 3));
    ck_assert(!run_as(2, VYRE_OP_STORE_U32, args, 3)); /* only two masks are set */
    ck_assert_uint_eq(machine.ring[VYRE_SLOT_WORDS], VYRE_STATUS_PUBLISHED);
    ck_assert(run_as(29, VYRE_OP_STORE_U32, args, 3)); /* reads the first quota */
    ck_assert(!run_as(WORDS - 3, VYRE_OP_STORE_U32, args, 3));
    ck_assert(!run_as(UINT32_MAX, VYRE_OP_STORE_U32, args, 3));

    machine.control[VYRE_CONTROL_TENANT_BASE] = 300;
    ck_assert(!run_as(0, VYRE_OP_STORE_U32, args, 3));
    machine.control[302] = 1;
    ck_assert(run_as(2, VYRE_OP_STORE_U32, args, 3));
    machine.control[VYRE_CONTROL_TENANT_BASE] = UINT32_MAX;
    ck_assert(!run_as(2, VYRE_OP_STORE_U32, args, 3)); /* and not word 1 */
    ck_assert_uint_eq(machine.control[VYRE_CONTROL_DONE_COUNT], 3);
}
END_TEST

START_TEST(only_published_slots_run)
{
    for (uint32_t status = 0; status < 10; status++) {
        machine.ring[0] = status;
        ck_assert_int_eq(reference_drain(&machine, 0), status == VYRE_STATUS_PUBLISHED);
    }
}
END_TEST

START_TEST(packed_slots_count_each_op_and_one_slot)
{
    struct vyre_packed_encoder encoder;
    ck_assert(vyre_packed_begin(&encoder, 3));
    ck_assert(vyre_packed_add(&encoder, VYRE_OP_STORE_U32, (uint32_t[]){7, 200}, 2));
    ck_assert(vyre_packed_add(&encoder, VYRE_OP_ATOMIC_ADD, (uint32_t[]){1, 200, 0}, 3));
    ck_assert(vyre_packed_add(&encoder, VYRE_OP_BATCH_FENCE, (uint32_t[]){0, 3, 0}, 3));
    ck_assert(run_as(0, VYRE_OP_PACKED_SLOT, encoder.words, VYRE_SLOT_ARGS));
    ck_assert_uint_eq(machine.control[200], 8);
    ck_assert_uint_eq(machine.control[RESULT], 3);
    ck_assert_uint_eq(machine.control[VYRE_CONTROL_EPOCH], 1);
    ck_assert_uint_eq(metric(VYRE_OP_STORE_U32) + metric(VYRE_OP_ATOMIC_ADD), 2);
    ck_assert_uint_eq(machine.control[VYRE_CONTROL_DONE_COUNT], 1);
}
END_TEST

START_TEST(packed_ops_past_the_slot_are_skipped)
{
    /* Two ops, args from word 2 on: offset 7 still has its three words, offset 8 not. */
    uint32_t args[VYRE_SLOT_ARGS] = {2u | VYRE_OP_STORE_U32 << 16 | 7u << 24,
                                     VYRE_OP_STORE_U32 | 8u << 8};
    args[9] = 5;
    args[10] = 200;
    args[11] = 201;
    ck_assert(run_as(0, VYRE_OP_PACKED_SLOT, args, VYRE_SLOT_ARGS));
    ck_assert_uint_eq(machine.control[200], 5);
    ck_assert_uint_eq(machine.control[201], 0);
    ck_assert_uint_eq(metric(VYRE_OP_STORE_U32), 1);
}
END_TEST

START_TEST(printf_drops_what_finds_no_room)
{
    for (uint32_t i = 0; i < 66; i++)
        run(VYRE_OP_PRINTF, i, 2, 3);
    const uint32_t last[] = {63, 2, 3, VYRE_SLOT_WORDS};
    ck_assert_mem_eq(machine.debug_log + 253, last, sizeof(last));
    ck_assert_uint_eq(machine.debug_log[0], 66 * 4);
}
END_TEST

START_TEST(unhandled_opcodes_are_done_and_do_nothing)
{
    run(8, 1, 200, 0);
    run(VYRE_OP_LOAD_MISS, 1, 200, 0);
    run(VYRE_OP_TENANT_WINDOW_FIRST, 1, 200, 0);
    ck_assert_uint_eq(machine.control[200], 0);
    ck_assert_uint_eq(metric(8), 1);
    ck_assert_uint_eq(machine.control[VYRE_CONTROL_DONE_COUNT], 3);
}
END_TEST

START_TEST(smallest_control_buffer)
{
    machine.control_words = VYRE_CONTROL_WORDS_MIN;
    run(VYRE_OP_BATCH_FENCE, 0, 5, 0);
    run(VYRE_OP_LOAD_U32, 0, 0, 0);
    run(VYRE_OP_COMPARE_SWAP, 0, 0, 5);
    ck_assert_uint_eq(machine.control[VYRE_CONTROL_EPOCH], 1);
    ck_assert_uint_eq(machine.control[RESULT], 0);
    ck_assert_uint_eq(machine.control[0], 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("reference");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, each_opcode_does_what_the_protocol_says);
    tcase_add_test(tests, memcpy_goes_up_word_by_word_and_stops_at_the_end);
    tcase_add_test(tests, words_outside_are_left_alone);
    tcase_add_test(tests, masked_tenants_stay_published);
    tcase_add_test(tests, only_published_slots_run);
    tcase_add_test(tests, packed_slots_count_each_op_and_one_slot);
    tcase_add_test(tests, packed_ops_past_the_slot_are_skipped);
    tcase_add_test(tests, printf_drops_what_finds_no_room);
    tcase_add_test(tests, unhandled_opcodes_are_done_and_do_nothing);
    tcase_add_test(tests, smallest_control_buffer);

    Suite *suite = suite_create("replay reference");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
