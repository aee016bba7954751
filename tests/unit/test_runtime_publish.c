/* libvyre_runtime: every way to publish, and every reason to refuse with the ring untouched. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vyre_runtime.h"

#define SLOTS 8
#define RING_LEN (SLOTS * VYRE_SLOT_BYTES)

/* One slot more than the library is told of, to see that it stays away from it. */
static _Alignas(64) uint32_t ring[SLOTS + 1][VYRE_SLOT_WORDS];
static uint32_t before[SLOTS + 1][VYRE_SLOT_WORDS];
#define RING ((uint8_t *)ring)

static const uint32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

static void setup(void)
{
    memset(ring, 0, sizeof(ring));
    for (size_t i = 0; i <= SLOTS; i++)
        memset(ring[i] + VYRE_SLOT_OPCODE, 0xAA, VYRE_SLOT_BYTES - sizeof(uint32_t));
    memcpy(before, ring, sizeof(ring));
}

static void set_status(uint32_t slot, uint32_t status)
{
    ring[slot][VYRE_SLOT_STATUS] = before[slot][VYRE_SLOT_STATUS] = status;
}

#define ck_assert_refused(call, code)                                                              \
    do {                                                                                           \
        ck_assert_int_eq(call, code);                                                              \
        ck_assert_mem_eq(ring, before, sizeof(ring));                                              \
    } while (0)

/* The slot holds exactly this publish; all others are as before. */
static void expect_slot(uint32_t slot, uint32_t tenant, uint32_t opcode, const uint32_t *args,
                        size_t args_len)
{
    uint32_t expected[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, opcode, tenant,
                                          VYRE_PRIORITY_NORMAL};
    for (size_t i = 0; i < args_len; i++)
        expected[VYRE_SLOT_ARG0 + i] = args[i];
    ck_assert_mem_eq(ring[slot], expected, sizeof(expected));
    memcpy(before[slot], expected, sizeof(expected));
}

static void expect_rest_untouched(void)
{
    ck_assert_mem_eq(ring, before, sizeof(ring));
}

START_TEST(slot_published_from_empty_and_done)
{
    set_status(7, VYRE_STATUS_DONE);
    ck_assert_int_eq(vyre_publish_slot(RING, RING_LEN, 7, 3, VYRE_OP_ATOMIC_ADD, numbers, 2), 0);
    expect_slot(7, 3, VYRE_OP_ATOMIC_ADD, numbers, 2);
    ck_assert_int_eq(
        vyre_publish_slot(RING, RING_LEN, 0, UINT32_MAX, VYRE_OP_SHUTDOWN, numbers, 12), 0);
    expect_slot(0, UINT32_MAX, VYRE_OP_SHUTDOWN, numbers, 12);
    ck_assert_int_eq(vyre_publish_slot(RING, RING_LEN, 1, 0, 0x40000000, NULL, 0), 0);
    expect_slot(1, 0, 0x40000000, NULL, 0);
    expect_rest_untouched();
}
END_TEST

START_TEST(slot_refusals)
{
    ck_assert_refused(vyre_publish_slot(NULL, RING_LEN, 0, 0, 0, NULL, 0), VYRE_E_NULL);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, 0, 0, 0, NULL, 1), VYRE_E_NULL);
    for (size_t shift = 1; shift < 4; shift++)
        ck_assert_refused(vyre_publish_slot(RING + shift, RING_LEN, 0, 0, 0, NULL, 0),
                          VYRE_E_ALIGNMENT);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN - 1, 0, 0, 0, NULL, 0), VYRE_E_RING_LENGTH);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN + 4, 0, 0, 0, NULL, 0), VYRE_E_RING_LENGTH);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, SLOTS, 0, 0, NULL, 0), VYRE_E_SLOT_INDEX);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, UINT32_MAX, 0, 0, NULL, 0),
                      VYRE_E_SLOT_INDEX);
    ck_assert_refused(vyre_publish_slot(RING, 0, 0, 0, 0, NULL, 0), VYRE_E_SLOT_INDEX);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, 0, 0, 0, numbers, 13), VYRE_E_ARGS);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, 0, 0, 0, numbers, SIZE_MAX), VYRE_E_ARGS);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, 0, 0, VYRE_OP_LOAD_MISS, NULL, 0),
                      VYRE_E_OPCODE);
    ck_assert_refused(vyre_publish_slot(RING, RING_LEN, 0, 0, 0x80000000, NULL, 0), VYRE_E_OPCODE);
}
END_TEST

START_TEST(slot_in_use_is_refused)
{
    for (uint32_t status = 0; status < 10; status++) {
        if (status == VYRE_STATUS_EMPTY || status == VYRE_STATUS_DONE)
            continue;
        set_status(2, status);
        ck_assert_refused(vyre_publish_slot(RING, RING_LEN, 2, 0, 0, NULL, 0), VYRE_E_SLOT_BUSY);
    }
}
END_TEST

START_TEST(packed_slot_carries_its_ops)
{
    const struct vyre_packed_op ops[] = {
        {VYRE_OP_STORE_U32, numbers, 3}, {VYRE_OP_ATOMIC_ADD, numbers + 3, 2}, {9, NULL, 0}};
    ck_assert_int_eq(vyre_publish_packed_slot(RING, RING_LEN, 4, 6, ops, 3), 0);
    const uint32_t payload[] = {0x00010503, 0x05090302, 1, 2, 3, 4, 5};
    expect_slot(4, 6, VYRE_OP_PACKED_SLOT, payload, 7);
    expect_rest_untouched();
}
END_TEST

START_TEST(packed_slot_refusals)
{
    const struct vyre_packed_op ok[] = {{1, numbers, 2}};
    const struct vyre_packed_op no_args[] = {{1, numbers, 2}, {1, NULL, 1}};
    const struct vyre_packed_op large[] = {{1, numbers, 6}, {2, numbers, 5}};
    const struct vyre_packed_op huge[] = {{1, numbers, SIZE_MAX}};
    const struct vyre_packed_op many[24] = {{1, NULL, 0}};

    ck_assert_refused(vyre_publish_packed_slot(NULL, RING_LEN, 0, 0, ok, 1), VYRE_E_NULL);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, NULL, 1), VYRE_E_NULL);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, no_args, 2), VYRE_E_NULL);
    ck_assert_refused(vyre_publish_packed_slot(RING + 2, RING_LEN, 0, 0, ok, 1), VYRE_E_ALIGNMENT);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN - 4, 0, 0, ok, 1),
                      VYRE_E_RING_LENGTH);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, SLOTS, 0, ok, 1), VYRE_E_SLOT_INDEX);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, large, 2), VYRE_E_PACKED_SIZE);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, huge, 1), VYRE_E_PACKED_SIZE);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, many, 24), VYRE_E_PACKED_SIZE);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, many, SIZE_MAX),
                      VYRE_E_PACKED_SIZE);
    set_status(0, VYRE_STATUS_CLAIMED);
    ck_assert_refused(vyre_publish_packed_slot(RING, RING_LEN, 0, 0, ok, 1), VYRE_E_SLOT_BUSY);
}
END_TEST

START_TEST(batch_ends_in_its_fence)
{
    const struct vyre_batch_item items[] = {{VYRE_OP_STORE_U32, numbers, 2},
                                            {VYRE_OP_NOP, NULL, 0}};
    const uint32_t fence[] = {2, 77}, lone[] = {0, 78};
    uint32_t consumed = 0;

    ck_assert_int_eq(vyre_batch_publish(RING, RING_LEN, 5, 4, items, 2, 77, &consumed), 0);
    ck_assert_uint_eq(consumed, 3);
    expect_slot(5, 4, VYRE_OP_STORE_U32, numbers, 2);
    expect_slot(6, 4, VYRE_OP_NOP, NULL, 0);
    expect_slot(7, 4, VYRE_OP_BATCH_FENCE, fence, 2);
    expect_rest_untouched();

    ck_assert_int_eq(vyre_batch_publish(RING, RING_LEN, 0, 4, NULL, 0, 78, NULL), 0);
    expect_slot(0, 4, VYRE_OP_BATCH_FENCE, lone, 2);
    expect_rest_untouched();
}
END_TEST

START_TEST(batch_is_refused_as_a_whole)
{
    const struct vyre_batch_item ok[] = {{1, numbers, 2}, {2, numbers, 2}};
    const struct vyre_batch_item no_args[] = {{1, numbers, 2}, {2, NULL, 2}};
    const struct vyre_batch_item args[] = {{1, numbers, 2}, {2, numbers, 13}};
    const struct vyre_batch_item opcode[] = {{1, numbers, 2}, {0xFFF0, numbers, 2}};
    uint32_t consumed = 99;

#define BATCH(start, items, count)                                                                 \
    vyre_batch_publish(RING, RING_LEN, start, 0, items, count, 1, &consumed)
    ck_assert_refused(vyre_batch_publish(NULL, RING_LEN, 0, 0, ok, 2, 1, &consumed), VYRE_E_NULL);
    ck_assert_refused(BATCH(0, NULL, 2), VYRE_E_NULL);
    ck_assert_refused(BATCH(0, no_args, 2), VYRE_E_NULL);
    ck_assert_refused(vyre_batch_publish(RING + 1, RING_LEN, 0, 0, ok, 2, 1, &consumed),
                      VYRE_E_ALIGNMENT);
    ck_assert_refused(vyre_batch_publish(RING, RING_LEN + 1, 0, 0, ok, 2, 1, &consumed),
                      VYRE_E_RING_LENGTH);
    ck_assert_refused(BATCH(6, ok, 2), VYRE_E_WINDOW);
    ck_assert_refused(BATCH(8, ok, 0), VYRE_E_WINDOW);
    ck_assert_refused(BATCH(9, ok, 0), VYRE_E_WINDOW);
    ck_assert_refused(BATCH(UINT32_MAX, ok, 2), VYRE_E_WINDOW);
    ck_assert_refused(BATCH(1, ok, UINT32_MAX), VYRE_E_WINDOW);
    ck_assert_refused(BATCH(1, ok, SIZE_MAX), VYRE_E_WINDOW);
    ck_assert_refused(BATCH(0, args, 2), VYRE_E_ARGS);
    ck_assert_refused(BATCH(0, opcode, 2), VYRE_E_OPCODE);
    for (uint32_t busy = 0; busy < 3; busy++) {
        set_status(busy, VYRE_STATUS_WAIT_IO);
        ck_assert_refused(BATCH(0, ok, 2), VYRE_E_SLOT_BUSY);
        set_status(busy, VYRE_STATUS_DONE);
    }
#undef BATCH
    ck_assert_uint_eq(consumed, 99);
}
END_TEST

START_TEST(work_items_carry_three_args)
{
    const struct vyre_work_item items[] = {{0x40000001, 1, 2, 3}, {VYRE_OP_MEMCPY, 4, 5, 6}};
    ck_assert_int_eq(vyre_publish_work_items(RING, RING_LEN, 6, 9, items, 2), 0);
    expect_slot(6, 9, 0x40000001, numbers, 3);
    expect_slot(7, 9, VYRE_OP_MEMCPY, numbers + 3, 3);
    ck_assert_int_eq(vyre_publish_work_items(RING, RING_LEN, 8, 9, NULL, 0), 0);
    expect_rest_untouched();
}
END_TEST

START_TEST(work_items_are_refused_as_a_whole)
{
    const struct vyre_work_item ok[] = {{1, 1, 2, 3}, {2, 4, 5, 6}};
    const struct vyre_work_item opcode[] = {{1, 1, 2, 3}, {VYRE_OP_LOAD_MISS, 4, 5, 6}};

    ck_assert_refused(vyre_publish_work_items(NULL, RING_LEN, 0, 0, ok, 2), VYRE_E_NULL);
    ck_assert_refused(vyre_publish_work_items(RING, RING_LEN, 0, 0, NULL, 2), VYRE_E_NULL);
    ck_assert_refused(vyre_publish_work_items(RING + 3, RING_LEN, 0, 0, ok, 2), VYRE_E_ALIGNMENT);
    ck_assert_refused(vyre_publish_work_items(RING, 63, 0, 0, ok, 2), VYRE_E_RING_LENGTH);
    ck_assert_refused(vyre_publish_work_items(RING, RING_LEN, 7, 0, ok, 2), VYRE_E_WINDOW);
    ck_assert_refused(vyre_publish_work_items(RING, RING_LEN, 9, 0, ok, 0), VYRE_E_WINDOW);
    ck_assert_refused(vyre_publish_work_items(RING, RING_LEN, 0, 0, ok, SIZE_MAX), VYRE_E_WINDOW);
    ck_assert_refused(vyre_publish_work_items(RING, RING_LEN, 0, 0, opcode, 2), VYRE_E_OPCODE);
    set_status(1, VYRE_STATUS_PUBLISHED);
    ck_assert_refused(vyre_publish_work_items(RING, RING_LEN, 0, 0, ok, 2), VYRE_E_SLOT_BUSY);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("publish");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, slot_published_from_empty_and_done);
    tcase_add_test(tests, slot_refusals);
    tcase_add_test(tests, slot_in_use_is_refused);
    tcase_add_test(tests, packed_slot_carries_its_ops);
    tcase_add_test(tests, packed_slot_refusals);
    tcase_add_test(tests, batch_ends_in_its_fence);
    tcase_add_test(tests, batch_is_refused_as_a_whole);
    tcase_add_test(tests, work_items_carry_three_args);
    tcase_add_test(tests, work_items_are_refused_as_a_whole);
    Suite *suite = suite_create("runtime_publish");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
