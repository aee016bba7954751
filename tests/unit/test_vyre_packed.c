/* Packed slots: what is written, and what the kernel reads of it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vyre/packed.h"

/* Adds count ops with args_len args each: op i has opcode i + 1 and args 10i + 1, 10i + 2, … */
static bool encode(struct vyre_packed_encoder *encoder, size_t count, size_t args_len)
{
    if (!vyre_packed_begin(encoder, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t args[VYRE_SLOT_ARGS + 1];
        for (size_t j = 0; j < args_len; j++)
            args[j] = (uint32_t)(10 * i + j + 1);
        if (!vyre_packed_add(encoder, (uint8_t)(i + 1), args, args_len))
            return false;
    }
    return true;
}

START_TEST(layout_is_the_wire_s)
{
    struct vyre_packed_encoder encoder;
    ck_assert(encode(&encoder, 2, 3));
    const uint32_t expected[VYRE_SLOT_ARGS] = {0x00010602, /* 2 ops, 6 arg words, opcode 1 at 0 */
                                               0x00000302, /* opcode 2 at 3, padding */
                                               1,          2, 3, 11, 12, 13};
    ck_assert_mem_eq(encoder.words, expected, sizeof(expected));
    ck_assert_uint_eq(encoder.words_len, 8);
    ck_assert_uint_eq(vyre_packed_words(encoder.words[0]), 8);
}
END_TEST

START_TEST(three_ops_of_three_args_come_back)
{
    struct vyre_packed_encoder encoder;
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    ck_assert(encode(&encoder, 3, 3));
    ck_assert_uint_eq(encoder.words_len, 11);
    ck_assert_uint_eq(vyre_packed_decode(encoder.words, ops), 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert(!ops[i].skipped);
        ck_assert_uint_eq(ops[i].opcode, i + 1);
        for (uint32_t j = 0; j < 3; j++)
            ck_assert_uint_eq(ops[i].args[j], 10 * i + j + 1);
    }
}
END_TEST

START_TEST(no_ops)
{
    struct vyre_packed_encoder encoder;
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    ck_assert(encode(&encoder, 0, 0));
    ck_assert_uint_eq(encoder.words_len, 1);
    ck_assert_uint_eq(encoder.words[0], 0);
    ck_assert_uint_eq(vyre_packed_decode(encoder.words, ops), 0);
}
END_TEST

START_TEST(what_passes_twelve_words_is_refused)
{
    struct vyre_packed_encoder encoder;
    ck_assert(encode(&encoder, 23, 0));
    ck_assert_uint_eq(encoder.words_len, 12);
    ck_assert(!vyre_packed_begin(&encoder, 24));
    ck_assert(!vyre_packed_begin(&encoder, 256));
    ck_assert(!vyre_packed_begin(&encoder, SIZE_MAX));

    ck_assert(encode(&encoder, 1, 11));
    ck_assert_uint_eq(encoder.words_len, 12);
    ck_assert(!encode(&encoder, 1, 12));
    ck_assert(!encode(&encoder, 4, 3));

    uint32_t arg = 5;
    ck_assert(vyre_packed_begin(&encoder, 1));
    struct vyre_packed_encoder before = encoder;
    ck_assert(!vyre_packed_add(&encoder, 1, &arg, SIZE_MAX));
    ck_assert_mem_eq(&encoder, &before, sizeof(before));
}
END_TEST

START_TEST(an_op_takes_the_words_of_its_neighbour)
{
    /* One arg each: the kernel reads three all the same. */
    struct vyre_packed_encoder encoder;
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    ck_assert(encode(&encoder, 2, 1));
    ck_assert_uint_eq(vyre_packed_decode(encoder.words, ops), 2);
    ck_assert_uint_eq(ops[0].args[0], 1);
    ck_assert_uint_eq(ops[0].args[1], 11);
    ck_assert_uint_eq(ops[0].args[2], 0);
}
END_TEST

START_TEST(more_than_four_ops_are_cut_to_four)
{
    /* The metadata of five take as many words as those of four: nothing shifts. */
    struct vyre_packed_encoder encoder;
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    ck_assert(encode(&encoder, 5, 1));
    ck_assert_uint_eq(vyre_packed_decode(encoder.words, ops), 4);
    ck_assert_uint_eq(ops[0].args[0], 1);
    ck_assert_uint_eq(ops[3].opcode, 4);
    ck_assert_uint_eq(ops[3].args[0], 31);
}
END_TEST

START_TEST(six_ops_are_read_shifted)
{
    /* Metadata: 4 words written, 3 read; op 0 begins with the last of them, opcode 6 at 5. */
    struct vyre_packed_encoder encoder;
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    ck_assert(encode(&encoder, 6, 1));
    ck_assert_uint_eq(encoder.args_begin, 4);
    ck_assert_uint_eq(vyre_packed_decode(encoder.words, ops), 4);
    ck_assert_uint_eq(ops[0].args[0], 0x0506);
    ck_assert_uint_eq(ops[0].args[1], 1);
    ck_assert_uint_eq(ops[1].args[0], 1);
    ck_assert_uint_eq(ops[1].args[1], 11);
}
END_TEST

START_TEST(an_op_whose_args_pass_the_end_is_skipped)
{
    /* 3 words of metadata: offset 6 ends with word 12, offset 7 passes it. */
    struct vyre_packed_encoder encoder;
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    const uint32_t args[] = {1, 2, 3, 4, 5, 6, 7};
    ck_assert(vyre_packed_begin(&encoder, 4));
    ck_assert(vyre_packed_add(&encoder, 1, args, 6));
    ck_assert(vyre_packed_add(&encoder, 2, args, 1));
    ck_assert(vyre_packed_add(&encoder, 3, args, 2));
    ck_assert(vyre_packed_add(&encoder, 4, NULL, 0));
    ck_assert_uint_eq(vyre_packed_decode(encoder.words, ops), 4);
    ck_assert(!ops[1].skipped);
    ck_assert_uint_eq(ops[1].args[2], 2);
    ck_assert(ops[2].skipped);
    ck_assert_uint_eq(ops[2].opcode, 3);
    ck_assert_uint_eq(ops[2].args[0], 0);
    ck_assert(ops[3].skipped);
}
END_TEST

START_TEST(any_words_are_read_within_bounds)
{
    uint32_t words[VYRE_SLOT_ARGS];
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX];
    memset(words, 0xFF, sizeof(words));
    ck_assert_uint_eq(vyre_packed_decode(words, ops), 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(ops[i].opcode, 0xFF);
        ck_assert(ops[i].skipped);
    }
    ck_assert_uint_eq(vyre_packed_words(words[0]), 128 + 255);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("packed");
    tcase_add_test(tests, layout_is_the_wire_s);
    tcase_add_test(tests, three_ops_of_three_args_come_back);
    tcase_add_test(tests, no_ops);
    tcase_add_test(tests, what_passes_twelve_words_is_refused);
    tcase_add_test(tests, an_op_takes_the_words_of_its_neighbour);
    tcase_add_test(tests, more_than_four_ops_are_cut_to_four);
    tcase_add_test(tests, six_ops_are_read_shifted);
    tcase_add_test(tests, an_op_whose_args_pass_the_end_is_skipped);
    tcase_add_test(tests, any_words_are_read_within_bounds);
    Suite *suite = suite_create("vyre_packed");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
