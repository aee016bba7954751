/* The wire protocol: slots, opcodes, control words, debug log, IO queue. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vyre/control.h"
#include "vyre/debug_log.h"
#include "vyre/io_queue.h"
#include "vyre/opcode.h"
#include "vyre/slot.h"

START_TEST(slot_publish_fills_every_word)
{
    uint32_t slot[VYRE_SLOT_WORDS];
    const uint32_t args[] = {10, 20, 30};
    memset(slot, 0xAA, sizeof(slot));

    vyre_slot_publish(slot, 7, VYRE_OP_ATOMIC_ADD, args, 3);

    const uint32_t expected[VYRE_SLOT_WORDS] = {1, 2, 7, 2, 10, 20, 30};
    ck_assert_mem_eq(slot, expected, sizeof(expected));
}
END_TEST

START_TEST(slot_transitions_start_where_the_protocol_says)
{
    /* Rows: transition; columns: status EMPTY … FAULT and one unknown. */
    static const struct {
        const char *from;
        uint32_t target;
    } table[] = {
        [VYRE_SLOT_PUBLISH] = {"y..y.....", VYRE_STATUS_PUBLISHED},
        [VYRE_SLOT_CLAIM] = {".y...yy..", VYRE_STATUS_CLAIMED},
        [VYRE_SLOT_FINISH] = {"..y......", VYRE_STATUS_DONE},
        [VYRE_SLOT_FAIL] = {".yy.yyy..", VYRE_STATUS_FAULT},
        [VYRE_SLOT_CANCEL] = {".y..yyy..", VYRE_STATUS_EMPTY},
    };
    for (int transition = VYRE_SLOT_PUBLISH; transition <= VYRE_SLOT_CANCEL; transition++) {
        for (uint32_t status = 0; status <= 8; status++) {
            bool legal = table[transition].from[status] == 'y';
            ck_assert_int_eq(vyre_slot_transition_legal(transition, status), legal);
            if (transition == VYRE_SLOT_PUBLISH)
                continue;
            uint32_t slot[VYRE_SLOT_WORDS] = {status};
            ck_assert_int_eq(vyre_slot_move(slot, transition), legal);
            ck_assert_uint_eq(vyre_slot_status(slot), legal ? table[transition].target : status);
        }
        ck_assert_uint_eq(vyre_slot_transition_target(transition), table[transition].target);
        ck_assert(!vyre_slot_transition_legal(transition, 32));
        ck_assert(!vyre_slot_transition_legal(transition, UINT32_MAX));
    }
}
END_TEST

START_TEST(opcodes_publishable_and_builtin)
{
    static const struct {
        uint32_t opcode;
        bool publishable, builtin;
    } table[] = {
        {VYRE_OP_NOP, true, true},
        {VYRE_OP_DFA_STEP, true, true},
        {VYRE_OP_BATCH_FENCE, true, true},
        {8, true, false},
        {0xFFEF, true, false},
        {0xFFF0, false, false},
        {VYRE_OP_LOAD_MISS, false, false},
        {VYRE_OP_PRINTF, true, true},
        {0xFFFF, false, false},
        {0x10000, true, false},
        {VYRE_OP_TENANT_WINDOW_FIRST, true, false},
        {0x7FFFFFFF, true, false},
        {0x80000000, false, false},
        {VYRE_OP_PACKED_SLOT, true, true},
        {0x80000002, false, false},
        {0xFFFFFFFE, false, false},
        {VYRE_OP_SHUTDOWN, true, true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ck_assert_int_eq(vyre_opcode_publishable(table[i].opcode), table[i].publishable);
        ck_assert_int_eq(vyre_opcode_builtin(table[i].opcode), table[i].builtin);
        ck_assert_int_eq(vyre_opcode_user(table[i].opcode),
                         table[i].publishable && !table[i].builtin);
    }
}
END_TEST

START_TEST(opcode_names_read_back)
{
    static const uint32_t named[] = {0, 1, 2,      3,      4,          5,
                                     6, 7, 0xFFFD, 0xFFFE, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        uint32_t opcode = 99;
        ck_assert(vyre_opcode_parse(vyre_opcode_name(named[i]), &opcode));
        ck_assert_uint_eq(opcode, named[i]);
    }
    ck_assert_str_eq(vyre_opcode_name(2), "ATOMIC_ADD");
    ck_assert_ptr_null(vyre_opcode_name(8));
    ck_assert_ptr_null(vyre_opcode_name(VYRE_OP_TENANT_WINDOW_FIRST));
}
END_TEST

START_TEST(opcode_parse_takes_names_and_numbers_only)
{
    static const struct {
        const char *text;
        uint32_t opcode;
    } good[] = {
        {"memcpy", 5}, {"Batch_Fence", 7},         {"0", 0},
        {"42", 42},    {"0x40000000", 0x40000000}, {"4294967295", UINT32_MAX},
    };
    static const char *const bad[] = {
        "",   " 1", "1 ",     "-1",      "+1", "4294967296", "99999999999999999999999",
        "0x", "08", "ATOMIC", "MEMCPY ", "1x",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint32_t opcode = 99;
        ck_assert_msg(vyre_opcode_parse(good[i].text, &opcode), "'%s'", good[i].text);
        ck_assert_uint_eq(opcode, good[i].opcode);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t opcode = 99;
        ck_assert_msg(!vyre_opcode_parse(bad[i], &opcode), "'%s'", bad[i]);
        ck_assert_uint_eq(opcode, 99);
    }
}
END_TEST

/* Every word that a fresh control buffer of that many tenants has. */
static uint32_t fresh_word(uint32_t word, uint32_t tenants)
{
    if (word == 2)
        return 3;
    if (word >= 3 && word < 32)
        return word - 3 < tenants ? 0xFFFFFFFF : 0;
    if (word >= 32 && word < 64)
        return word - 32 < tenants ? 1000000 : 0;
    return 0;
}

START_TEST(control_encode_fresh)
{
    static const uint32_t tenants[] = {0, 1, 5, 29, 30, 32, 33, UINT32_MAX};
    for (size_t i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++) {
        uint32_t words[163];
        memset(words, 0xAA, sizeof(words));
        vyre_control_encode(words, 163, tenants[i]);
        for (uint32_t word = 0; word < 163; word++)
            ck_assert_uint_eq(words[word], fresh_word(word, tenants[i]));
    }
}
END_TEST

START_TEST(control_priority_offsets_share_the_ring)
{
    uint32_t words[VYRE_CONTROL_WORDS_MIN] = {0};
    vyre_control_encode_priority_offsets(words, 13);
    const uint32_t expected[] = {0, 0, 2, 4, 9, 11, 13, 0};
    ck_assert_mem_eq(words + VYRE_CONTROL_EPOCH, expected, sizeof(expected));
}
END_TEST

START_TEST(control_word_names)
{
    static const struct {
        uint32_t word;
        const char *name;
    } table[] = {
        {0, "SHUTDOWN"},
        {1, "DONE_COUNT"},
        {2, "TENANT_BASE"},
        {3, "tenant_mask[0]"},
        {31, "tenant_mask[28]"},
        {32, "tenant_quota[0]"},
        {63, "tenant_quota[31]"},
        {64, "tenant_fairness[0]"},
        {96, "metrics[NOP]"},
        {98, "metrics[ATOMIC_ADD]"},
        {127, "metrics[31]"},
        {128, "EPOCH"},
        {129, "priority_offset[0]"},
        {134, "priority_offset[5]"},
        {135, "STARVATION"},
        {136, "priority_fairness[CRITICAL]"},
        {140, "priority_fairness[IDLE]"},
        {141, "reserved[141]"},
        {159, "reserved[159]"},
        {160, "observable[0]"},
        {177, "observable[17]"},
        {UINT32_MAX, "observable[4294967135]"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char name[64];
        ck_assert_uint_eq(vyre_control_word_name(table[i].word, name, sizeof(name)),
                          strlen(table[i].name));
        ck_assert_str_eq(name, table[i].name);
    }

    char small[6];
    ck_assert_uint_eq(vyre_control_word_name(98, small, sizeof(small)), 19);
    ck_assert_str_eq(small, "metri");
    ck_assert_uint_eq(vyre_control_word_name(128, NULL, 0), 5);
}
END_TEST

START_TEST(debug_log_reads_what_was_appended)
{
    uint32_t log[VYRE_DEBUG_LOG_WORDS] = {0};
    size_t records;
    ck_assert_int_eq(vyre_debug_log_check(log, VYRE_DEBUG_LOG_WORDS, &records),
                     VYRE_DEBUG_LOG_SOUND);
    ck_assert_uint_eq(records, 0);

    for (uint32_t i = 0; i < 64; i++) {
        struct vyre_debug_log_record record = {i, {i + 100, i + 200}, i * 16};
        vyre_debug_log_append(log, VYRE_DEBUG_LOG_WORDS, &record);
    }
    ck_assert_int_eq(vyre_debug_log_check(log, VYRE_DEBUG_LOG_WORDS, &records),
                     VYRE_DEBUG_LOG_SOUND);
    ck_assert_uint_eq(records, 64);

    struct vyre_debug_log_record last;
    vyre_debug_log_read(log, 63, &last);
    ck_assert_uint_eq(last.fmt_id, 63);
    ck_assert_uint_eq(last.args[0], 163);
    ck_assert_uint_eq(last.args[1], 263);
    ck_assert_uint_eq(last.slot_base, 1008);
}
END_TEST

START_TEST(debug_log_drops_what_does_not_fit_and_says_so)
{
    uint32_t log[10] = {0};
    struct vyre_debug_log_record record = {1, {2, 3}, 4};
    for (int i = 0; i < 3; i++)
        vyre_debug_log_append(log, 9, &record);

    size_t records;
    ck_assert_uint_eq(log[VYRE_DEBUG_LOG_CURSOR], 12);
    ck_assert_uint_eq(log[9], 0);
    ck_assert_int_eq(vyre_debug_log_check(log, 9, &records), VYRE_DEBUG_LOG_OVERFLOWED);
    ck_assert_uint_eq(records, 2);
}
END_TEST

START_TEST(debug_log_cursor_wraps_and_writes_nothing)
{
    struct vyre_debug_log_record record = {1, {2, 3}, 4};
    for (uint32_t below = 1; below <= 8; below++) {
        uint32_t log[9] = {0u - below};
        vyre_debug_log_append(log, 9, &record);
        const uint32_t expected[9] = {4 - below};
        ck_assert_mem_eq(log, expected, sizeof(expected));
    }
}
END_TEST

START_TEST(debug_log_cursor_inside_a_record)
{
    uint32_t log[9] = {6};
    size_t records;
    ck_assert_int_eq(vyre_debug_log_check(log, 9, &records), VYRE_DEBUG_LOG_PARTIAL);
    ck_assert_uint_eq(records, 1);
}
END_TEST

START_TEST(io_queue_reads_a_request)
{
    uint32_t queue[VYRE_IO_QUEUE_WORDS] = {0};
    const uint32_t request[VYRE_IO_SLOT_WORDS] = {VYRE_IO_OP_READ,       1, 2, 6, 5, 7,
                                                  VYRE_STATUS_PUBLISHED, 9};
    struct vyre_io_slot read;

    memcpy(queue + 63 * VYRE_IO_SLOT_WORDS, request, sizeof(request));
    vyre_io_queue_read(queue, 63, &read);
    ck_assert_uint_eq(read.op, VYRE_IO_OP_READ);
    ck_assert_uint_eq(read.src, 1);
    ck_assert_uint_eq(read.dst, 2);
    ck_assert_uint_eq(read.offset, UINT64_C(0x500000006));
    ck_assert_uint_eq(read.bytes, 7);
    ck_assert_uint_eq(read.status, VYRE_STATUS_PUBLISHED);
    ck_assert_uint_eq(read.tag, 9);
}
END_TEST

START_TEST(io_queue_answers_requests_only)
{
    for (uint32_t status = 0; status < 0x20; status++) {
        uint32_t queue[VYRE_IO_QUEUE_WORDS] = {0};
        bool waits = status == VYRE_STATUS_PUBLISHED || status == VYRE_STATUS_CLAIMED;
        queue[8 + VYRE_IO_STATUS] = status;
        ck_assert_int_eq(vyre_io_queue_answer(queue, 1, status % 2), waits);
        uint32_t answer = status % 2 ? VYRE_IO_STATUS_OK : VYRE_IO_STATUS_ERROR;
        ck_assert_uint_eq(queue[8 + VYRE_IO_STATUS], waits ? answer : status);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("vyre");
    tcase_add_test(tests, slot_publish_fills_every_word);
    tcase_add_test(tests, slot_transitions_start_where_the_protocol_says);
    tcase_add_test(tests, opcodes_publishable_and_builtin);
    tcase_add_test(tests, opcode_names_read_back);
    tcase_add_test(tests, opcode_parse_takes_names_and_numbers_only);
    tcase_add_test(tests, control_encode_fresh);
    tcase_add_test(tests, control_priority_offsets_share_the_ring);
    tcase_add_test(tests, control_word_names);
    tcase_add_test(tests, debug_log_reads_what_was_appended);
    tcase_add_test(tests, debug_log_drops_what_does_not_fit_and_says_so);
    tcase_add_test(tests, debug_log_cursor_wraps_and_writes_nothing);
    tcase_add_test(tests, debug_log_cursor_inside_a_record);
    tcase_add_test(tests, io_queue_reads_a_request);
    tcase_add_test(tests, io_queue_answers_requests_only);
    Suite *suite = suite_create("vyre");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
