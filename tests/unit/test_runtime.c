/* libvyre_runtime: buffers, results, transitions, IO requests and messages. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vyre_runtime.h"

static _Alignas(8) uint32_t words[1024];
static uint32_t before[1024];
#define BYTES ((uint8_t *)words)

static void setup(void)
{
    memset(words, 0xAA, sizeof(words));
    memcpy(before, words, sizeof(words));
}

#define ck_assert_refused(call, code)                                                              \
    do {                                                                                           \
        ck_assert_int_eq(call, code);                                                              \
        ck_assert_mem_eq(words, before, sizeof(words));                                            \
    } while (0)

START_TEST(sizes)
{
    ck_assert_uint_eq(vyre_control_size(0), 640);
    ck_assert_uint_eq(vyre_control_size(17), 708);
    ck_assert_uint_eq(vyre_ring_size(0), 0);
    ck_assert_uint_eq(vyre_ring_size(1024), 65536);
    ck_assert_uint_eq(vyre_debug_log_size(), 1028);
    ck_assert_uint_eq(vyre_io_queue_size(), 2048);
#if SIZE_MAX > UINT32_MAX
    ck_assert_uint_eq(vyre_control_size(UINT32_MAX), UINT64_C(17179869820));
    ck_assert_uint_eq(vyre_ring_size(UINT32_MAX), UINT64_C(274877906880));
#else
    ck_assert_uint_eq(vyre_control_size(UINT32_MAX), 0);
    ck_assert_uint_eq(vyre_ring_size(UINT32_MAX), 0);
#endif
}
END_TEST

START_TEST(control_is_encoded)
{
    ck_assert_int_eq(vyre_encode_control(BYTES, 644, 2), 0);
    ck_assert_uint_eq(words[VYRE_CONTROL_TENANT_BASE], 3);
    ck_assert_uint_eq(words[4], VYRE_TENANT_MASK_ALL);
    ck_assert_uint_eq(words[5], 0);
    ck_assert_uint_eq(words[33], VYRE_TENANT_QUOTA_DEFAULT);
    ck_assert_uint_eq(words[34], 0);
    ck_assert_uint_eq(words[VYRE_CONTROL_PRIORITY_OFFSETS + 5], 0);
    ck_assert_uint_eq(words[160], 0);
    ck_assert_uint_eq(words[161], 0xAAAAAAAA);

    ck_assert_int_eq(vyre_encode_resident_control(BYTES, 640, 2, 12), 0);
    const uint32_t offsets[] = {0, 2, 4, 8, 10, 12};
    ck_assert_mem_eq(words + VYRE_CONTROL_PRIORITY_OFFSETS, offsets, sizeof(offsets));

    ck_assert_int_eq(vyre_request_shutdown(BYTES, 640), 0);
    ck_assert_uint_eq(words[VYRE_CONTROL_SHUTDOWN], 1);
}
END_TEST

START_TEST(other_buffers_are_emptied)
{
    ck_assert_int_eq(vyre_encode_ring(BYTES, 128), 0);
    ck_assert_uint_eq(words[31], 0);
    ck_assert_uint_eq(words[32], 0xAAAAAAAA);
    setup();
    ck_assert_int_eq(vyre_encode_debug_log(BYTES, vyre_debug_log_size()), 0);
    ck_assert_uint_eq(words[256], 0);
    ck_assert_uint_eq(words[257], 0xAAAAAAAA);
    setup();
    ck_assert_int_eq(vyre_encode_io_queue(BYTES, vyre_io_queue_size()), 0);
    ck_assert_uint_eq(words[511], 0);
    ck_assert_uint_eq(words[512], 0xAAAAAAAA);
}
END_TEST

START_TEST(encoders_refuse)
{
    ck_assert_refused(vyre_encode_control(NULL, 640, 1), VYRE_E_NULL);
    ck_assert_refused(vyre_encode_control(BYTES + 1, 640, 1), VYRE_E_ALIGNMENT);
    ck_assert_refused(vyre_encode_control(BYTES, 636, 1), VYRE_E_BUFFER_LENGTH);
    ck_assert_refused(vyre_encode_control(BYTES, 641, 1), VYRE_E_BUFFER_LENGTH);
    ck_assert_refused(vyre_encode_resident_control(BYTES, 636, 1, 8), VYRE_E_BUFFER_LENGTH);
    ck_assert_refused(vyre_encode_ring(NULL, 64), VYRE_E_NULL);
    ck_assert_refused(vyre_encode_ring(BYTES, 65), VYRE_E_RING_LENGTH);
    ck_assert_refused(vyre_encode_debug_log(BYTES, 0), VYRE_E_BUFFER_LENGTH);
    ck_assert_refused(vyre_encode_io_queue(BYTES, 2044), VYRE_E_BUFFER_LENGTH);
    ck_assert_refused(vyre_request_shutdown(BYTES, 0), VYRE_E_BUFFER_LENGTH);
}
END_TEST

START_TEST(control_words_are_read)
{
    uint32_t value, values[3], counts[VYRE_CONTROL_METRICS_WORDS];
    for (uint32_t i = 0; i < 1024; i++)
        words[i] = 5000 + i;

    /* Each needs its own word and no more. */
    ck_assert_int_eq(vyre_read_epoch(BYTES, 129 * 4, &value), 0);
    ck_assert_uint_eq(value, 5128);
    ck_assert_int_eq(vyre_read_done_count(BYTES, 2 * 4, &value), 0);
    ck_assert_uint_eq(value, 5001);
    ck_assert_int_eq(vyre_read_observable(BYTES, 178 * 4, 17, &value), 0);
    ck_assert_uint_eq(value, 5177);
    ck_assert_int_eq(vyre_read_observables(BYTES, 178 * 4, 15, values, 3), 0);
    ck_assert_uint_eq(values[0], 5175);
    ck_assert_uint_eq(values[2], 5177);
    ck_assert_int_eq(vyre_read_observables(BYTES, 160 * 4, 0, NULL, 0), 0);
    ck_assert_int_eq(vyre_read_metrics(BYTES, 128 * 4, counts), 0);
    ck_assert_uint_eq(counts[VYRE_OP_ATOMIC_ADD], 5098);
    ck_assert_uint_eq(counts[31], 5127);
}
END_TEST

START_TEST(control_reads_are_refused)
{
    uint32_t value = 99, values[32] = {99};
    ck_assert_int_eq(vyre_read_epoch(NULL, 640, &value), VYRE_E_NULL);
    ck_assert_int_eq(vyre_read_epoch(BYTES, 640, NULL), VYRE_E_NULL);
    ck_assert_int_eq(vyre_read_epoch(BYTES + 2, 640, &value), VYRE_E_ALIGNMENT);
    ck_assert_int_eq(vyre_read_epoch(BYTES, 128 * 4, &value), VYRE_E_BUFFER_LENGTH);
    ck_assert_int_eq(vyre_read_epoch(BYTES, 641, &value), VYRE_E_BUFFER_LENGTH);
    ck_assert_int_eq(vyre_read_done_count(BYTES, 4, &value), VYRE_E_BUFFER_LENGTH);
    ck_assert_int_eq(vyre_read_metrics(BYTES, 127 * 4, values), VYRE_E_BUFFER_LENGTH);
    ck_assert_int_eq(vyre_read_observable(BYTES, 160 * 4, 0, &value), VYRE_E_OBSERVABLE);
    ck_assert_int_eq(vyre_read_observable(BYTES, 8, 0, &value), VYRE_E_OBSERVABLE);
    ck_assert_int_eq(vyre_read_observable(BYTES, 640, UINT32_MAX, &value), VYRE_E_OBSERVABLE);
    ck_assert_int_eq(vyre_read_observables(BYTES, 170 * 4, 8, values, 3), VYRE_E_OBSERVABLE);
    ck_assert_int_eq(vyre_read_observables(BYTES, 170 * 4, 8, values, SIZE_MAX), VYRE_E_OBSERVABLE);
    ck_assert_int_eq(vyre_read_observables(BYTES, 170 * 4, 0, NULL, 1), VYRE_E_NULL);
    ck_assert_uint_eq(value, 99);
    ck_assert_uint_eq(values[0], 99);
}
END_TEST

START_TEST(debug_log_is_read)
{
    struct vyre_debug_record records[3] = {{0}};
    size_t count = 99;
    const uint32_t log[] = {8, 1, 2, 3, 16, 5, 6, 7, 32};
    memcpy(words, log, sizeof(log));

    ck_assert_int_eq(vyre_read_debug_log(BYTES, vyre_debug_log_size(), records, 3, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(records[1].fmt_id, 5);
    ck_assert_uint_eq(records[1].args[0], 6);
    ck_assert_uint_eq(records[1].args[1], 7);
    ck_assert_uint_eq(records[1].slot_base, 32);
    ck_assert_uint_eq(records[2].fmt_id, 0);

    memset(records, 0, sizeof(records));
    ck_assert_int_eq(vyre_read_debug_log(BYTES, sizeof(log), records, 1, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(records[0].fmt_id, 1);
    ck_assert_uint_eq(records[1].fmt_id, 0);
    ck_assert_int_eq(vyre_read_debug_log(BYTES, sizeof(log), NULL, 0, &count), 0);
}
END_TEST

START_TEST(debug_log_reads_are_refused)
{
    struct vyre_debug_record record = {.fmt_id = 99};
    size_t count = 99;

    words[0] = 256;
    ck_assert_int_eq(vyre_read_debug_log(BYTES, 1028, &record, 1, NULL), VYRE_E_NULL);
    ck_assert_int_eq(vyre_read_debug_log(BYTES, 1028, NULL, 1, &count), VYRE_E_NULL);
    ck_assert_int_eq(vyre_read_debug_log(BYTES, 0, &record, 1, &count), VYRE_E_BUFFER_LENGTH);
    ck_assert_int_eq(vyre_read_debug_log(BYTES, 1024, &record, 1, &count), VYRE_E_LOG_OVERFLOW);
    words[0] = 260;
    ck_assert_int_eq(vyre_read_debug_log(BYTES, 1028, &record, 1, &count), VYRE_E_LOG_OVERFLOW);
    words[0] = 5;
    ck_assert_int_eq(vyre_read_debug_log(BYTES, 1028, &record, 1, &count), VYRE_E_LOG_CURSOR);
    ck_assert_uint_eq(count, 99);
    ck_assert_uint_eq(record.fmt_id, 99);
}
END_TEST

START_TEST(a_slot_goes_through_its_life)
{
    uint32_t status = 99;
    ck_assert_int_eq(vyre_encode_ring(BYTES, 128), 0);
    ck_assert_int_eq(vyre_publish_slot(BYTES, 128, 1, 0, VYRE_OP_NOP, NULL, 0), 0);
    ck_assert_int_eq(vyre_claim_slot(BYTES, 128, 1), 0);
    ck_assert_int_eq(vyre_read_slot_status(BYTES, 128, 1, &status), 0);
    ck_assert_uint_eq(status, VYRE_STATUS_CLAIMED);
    ck_assert_int_eq(vyre_finish_slot(BYTES, 128, 1), 0);
    ck_assert_uint_eq(words[16], VYRE_STATUS_DONE);
    ck_assert_int_eq(vyre_publish_slot(BYTES, 128, 1, 0, VYRE_OP_NOP, NULL, 0), 0);
    ck_assert_int_eq(vyre_cancel_slot(BYTES, 128, 1), 0);
    ck_assert_uint_eq(words[16], VYRE_STATUS_EMPTY);
    ck_assert_int_eq(vyre_publish_slot(BYTES, 128, 1, 0, VYRE_OP_NOP, NULL, 0), 0);
    ck_assert_int_eq(vyre_fault_slot(BYTES, 128, 1), 0);
    ck_assert_uint_eq(words[16], VYRE_STATUS_FAULT);
    ck_assert_uint_eq(words[0], VYRE_STATUS_EMPTY);
}
END_TEST

START_TEST(illegal_transitions_are_refused)
{
    static int (*const moves[])(uint8_t *, size_t, uint32_t) = {vyre_claim_slot, vyre_finish_slot,
                                                                vyre_fault_slot, vyre_cancel_slot};
    words[0] = before[0] = VYRE_STATUS_EMPTY;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_refused(moves[i](BYTES, 64, 0), VYRE_E_TRANSITION);
        ck_assert_refused(moves[i](BYTES, 64, 1), VYRE_E_SLOT_INDEX);
        ck_assert_refused(moves[i](BYTES, 60, 0), VYRE_E_RING_LENGTH);
        ck_assert_refused(moves[i](BYTES + 1, 64, 0), VYRE_E_ALIGNMENT);
        ck_assert_refused(moves[i](NULL, 64, 0), VYRE_E_NULL);
    }
    uint32_t status = 99;
    ck_assert_int_eq(vyre_read_slot_status(BYTES, 64, 1, &status), VYRE_E_SLOT_INDEX);
    ck_assert_int_eq(vyre_read_slot_status(BYTES, 64, 0, NULL), VYRE_E_NULL);
    ck_assert_uint_eq(status, 99);
}
END_TEST

START_TEST(io_request_is_read_and_answered)
{
    struct vyre_io_request request;
    const uint32_t slot[] = {VYRE_IO_OP_READ, 41, 42, 43, 1, 44, VYRE_STATUS_PUBLISHED, 45};
    memcpy(words + 8 * 63, slot, sizeof(slot));

    ck_assert_int_eq(vyre_read_io_request(BYTES, 2048, 63, &request), 0);
    ck_assert_uint_eq(request.op, VYRE_IO_OP_READ);
    ck_assert_uint_eq(request.src, 41);
    ck_assert_uint_eq(request.dst, 42);
    ck_assert_uint_eq(request.offset, UINT64_C(0x10000002B));
    ck_assert_uint_eq(request.bytes, 44);
    ck_assert_uint_eq(request.status, VYRE_STATUS_PUBLISHED);
    ck_assert_uint_eq(request.tag, 45);
    ck_assert_int_eq(vyre_answer_io_request(BYTES, 2048, 63, 7), 0);
    ck_assert_uint_eq(words[8 * 63 + VYRE_IO_STATUS], VYRE_IO_STATUS_OK);

    memcpy(before, words, sizeof(words));
    ck_assert_refused(vyre_answer_io_request(BYTES, 2048, 63, 1), VYRE_E_IO_STATUS);
    ck_assert_refused(vyre_answer_io_request(BYTES, 2048, 64, 1), VYRE_E_IO_INDEX);
    ck_assert_refused(vyre_answer_io_request(BYTES, 2044, 0, 1), VYRE_E_BUFFER_LENGTH);
    ck_assert_refused(vyre_read_io_request(BYTES, 2048, 64, &request), VYRE_E_IO_INDEX);
    ck_assert_refused(vyre_read_io_request(BYTES, 2048, 0, NULL), VYRE_E_NULL);
}
END_TEST

START_TEST(every_error_says_what_to_do)
{
    for (int error = VYRE_OK; error >= VYRE_E_IO_STATUS; error--) {
        const char *text = vyre_strerror(error);
        ck_assert_ptr_nonnull(strstr(text, ". Fix: "));
        ck_assert_int_eq(text[strlen(text) - 1], '.');
        for (int other = error + 1; other <= VYRE_OK; other++)
            ck_assert_str_ne(text, vyre_strerror(other));
    }
    static const int unknown[] = {1, VYRE_E_IO_STATUS - 1, -2147483647 - 1, 2147483647};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        ck_assert_ptr_nonnull(strstr(vyre_strerror(unknown[i]), "unknown error code"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("runtime");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, sizes);
    tcase_add_test(tests, control_is_encoded);
    tcase_add_test(tests, other_buffers_are_emptied);
    tcase_add_test(tests, encoders_refuse);
    tcase_add_test(tests, control_words_are_read);
    tcase_add_test(tests, control_reads_are_refused);
    tcase_add_test(tests, debug_log_is_read);
    tcase_add_test(tests, debug_log_reads_are_refused);
    tcase_add_test(tests, a_slot_goes_through_its_life);
    tcase_add_test(tests, illegal_transitions_are_refused);
    tcase_add_test(tests, io_request_is_read_and_answered);
    tcase_add_test(tests, every_error_says_what_to_do);
    Suite *suite = suite_create("runtime");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
