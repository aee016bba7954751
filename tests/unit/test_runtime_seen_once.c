/*
 * Whoever interposes the publish functions sees the host's calls and no others:
 * this program defines vyre_publish_slot itself, as a recorder does.
 */
#include <check.h>
#include <stdlib.h>

#include "run_suite.h"
#include "vyre_runtime.h"

static int seen;

int vyre_publish_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx, uint32_t tenant_id,
                      uint32_t opcode, const uint32_t *args, size_t args_len)
{
    (void)ring_bytes, (void)ring_len, (void)slot_idx, (void)tenant_id, (void)opcode, (void)args;
    (void)args_len;
    seen++;
    return VYRE_OK;
}

START_TEST(the_library_never_calls_itself_through_the_linker)
{
    static _Alignas(4) uint8_t ring[8 * VYRE_SLOT_BYTES];
    const uint32_t args[] = {1, 2, 3};
    const struct vyre_batch_item batch[] = {{VYRE_OP_NOP, args, 3}};
    const struct vyre_packed_op packed[] = {{VYRE_OP_NOP, args, 3}};
    const struct vyre_work_item work[] = {{VYRE_OP_NOP, 1, 2, 3}};

    ck_assert_int_eq(vyre_batch_publish(ring, sizeof(ring), 0, 0, batch, 1, 1, NULL), VYRE_OK);
    ck_assert_int_eq(vyre_publish_packed_slot(ring, sizeof(ring), 2, 0, packed, 1), VYRE_OK);
    ck_assert_int_eq(vyre_publish_work_items(ring, sizeof(ring), 3, 0, work, 1), VYRE_OK);
    ck_assert_int_eq(seen, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("seen_once");
    tcase_add_test(tests, the_library_never_calls_itself_through_the_linker);
    Suite *suite = suite_create("runtime_seen_once");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
