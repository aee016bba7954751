/* What makes one sequence into another: few edits, near each other or far, and no quadratic work.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay/align.h"
#include "run_suite.h"

static struct align_edit *edits;
static size_t edits_len;

/** Align two texts, letter by letter. */
static void align(const char *a, const char *b)
{
    uint64_t left[128];
    uint64_t right[128];
    for (size_t i = 0; a[i] != '\0'; i++)
        left[i] = (uint64_t)a[i];
    for (size_t i = 0; b[i] != '\0'; i++)
        right[i] = (uint64_t)b[i];
    ck_assert(align_sequences(left, strlen(a), right, strlen(b), &edits, &edits_len));
}

static void check_edit(size_t place, size_t a, size_t a_len, size_t b, size_t b_len)
{
    ck_assert_uint_lt(place, edits_len);
    ck_assert_uint_eq(edits[place].a, a);
    ck_assert_uint_eq(edits[place].a_len, a_len);
    ck_assert_uint_eq(edits[place].b, b);
    ck_assert_uint_eq(edits[place].b_len, b_len);
}

static void check_end(size_t len)
{
    ck_assert_uint_eq(edits_len, len);
    free(edits);
    edits = NULL;
}

START_TEST(the_same_needs_no_edit)
{
    align("abcabcabc", "abcabcabc");
    check_end(0);
    align("", "");
    check_end(0);
}
END_TEST

START_TEST(one_missing_one_extra_one_another)
{
    align("abcdefghij", "abcefghij");
    check_edit(0, 3, 1, 3, 0);
    check_end(1);
    align("abcdefghij", "abcdxefghij");
    check_edit(0, 4, 0, 4, 1);
    check_end(1);
    align("abcdefghij", "abcxefghij");
    check_edit(0, 3, 1, 3, 1);
    check_end(1);
}
END_TEST

START_TEST(at_the_ends)
{
    align("abcdef", "cdef");
    check_edit(0, 0, 2, 0, 0);
    check_end(1);
    align("abcdef", "abcd");
    check_edit(0, 4, 2, 4, 0);
    check_end(1);
    align("abcdef", "abcdex");
    check_edit(0, 5, 1, 5, 1);
    check_end(1);
    align("", "abc");
    check_edit(0, 0, 0, 0, 3);
    check_end(1);
    align("abc", "");
    check_edit(0, 0, 3, 0, 0);
    check_end(1);
}
END_TEST

START_TEST(edits_near_each_other_stay_apart)
{
    align("abcdefghij", "abXdYfghij");
    check_edit(0, 2, 1, 2, 1);
    check_edit(1, 4, 1, 4, 1);
    check_end(2);
    align("abcdefghij", "abdYfghij");
    check_edit(0, 2, 1, 2, 0);
    check_edit(1, 4, 1, 3, 1);
    check_end(2);
}
END_TEST

START_TEST(one_missing_among_equals)
{
    align("aaaaaaaab", "aaaaaaab");
    check_edit(0, 7, 1, 7, 0);
    check_end(1);
}
END_TEST

/** A sequence of its own for each seed. */
static uint64_t *make(size_t len, uint64_t seed)
{
    uint64_t *keys = calloc(len, sizeof(*keys));
    ck_assert_ptr_nonnull(keys);
    for (size_t i = 0; i < len; i++)
        keys[i] = (i + seed * len) * UINT64_C(0x9E3779B97F4A7C15);
    return keys;
}

START_TEST(a_million_with_a_long_piece_missing_or_nothing_in_common)
{
    const size_t len = 1 << 20;
    const size_t piece = 300000;
    uint64_t *a = make(len, 0);
    uint64_t *b = make(len, 1);
    ck_assert(align_sequences(a, len, a + piece, len - piece, &edits, &edits_len));
    check_edit(0, 0, piece, 0, 0);
    check_end(1);
    ck_assert(align_sequences(a, len, b, len, &edits, &edits_len));
    check_edit(0, 0, len, 0, len);
    check_end(1);

    /* The same key everywhere, and every hundredth another. */
    for (size_t i = 0; i < len; i++) {
        a[i] = 1;
        b[i] = i % 100 == 50 ? 2 : 1;
    }
    ck_assert(align_sequences(a, len, b, len, &edits, &edits_len));
    check_edit(0, 50, 1, 50, 1);
    check_end((len - 51) / 100 + 1);
    free(a);
    free(b);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("align");
    tcase_add_test(tests, the_same_needs_no_edit);
    tcase_add_test(tests, one_missing_one_extra_one_another);
    tcase_add_test(tests, at_the_ends);
    tcase_add_test(tests, edits_near_each_other_stay_apart);
    tcase_add_test(tests, one_missing_among_equals);
    tcase_add_test(tests, a_million_with_a_long_piece_missing_or_nothing_in_common);

    Suite *suite = suite_create("replay align");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
