/*
 * As much of Check as a unit test needs that is compiled for another machine and run under
 * emulation, where Check itself is not built: all tests in one process, the first failure ends it.
 */
#ifndef EMULATED_CHECK_H
#define EMULATED_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fork_status {
    CK_FORK
};
enum print_output {
    CK_ENV
};

typedef struct {
    void (*set_up)(void);
    const char *name;
} TCase;

typedef TCase Suite;
typedef TCase SRunner;

static TCase only_case;

#define START_TEST(test) static void test(void)
#define END_TEST

#define ck_assert_msg(holds, ...)                                                                  \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: " #holds "\n", __FILE__, __LINE__);                            \
            exit(EXIT_FAILURE);                                                                    \
        }                                                                                          \
    } while (0)
#define ck_assert(holds) ck_assert_msg(holds, "")
#define ck_assert_int_eq(one, other) ck_assert((long long)(one) == (long long)(other))
#define ck_assert_uint_eq(one, other)                                                              \
    ck_assert((unsigned long long)(one) == (unsigned long long)(other))
#define ck_assert_uint_lt(one, other) ck_assert((one) < (other))
#define ck_assert_uint_gt(one, other) ck_assert((one) > (other))
#define ck_assert_uint_ge(one, other) ck_assert((one) >= (other))
#define ck_assert_str_eq(one, other) ck_assert(strcmp(one, other) == 0)
#define ck_assert_mem_eq(one, other, bytes) ck_assert(memcmp(one, other, bytes) == 0)
#define ck_assert_ptr_null(pointer) ck_assert((pointer) == NULL)

static inline Suite *suite_create(const char *name)
{
    only_case.name = name;
    return &only_case;
}

static inline TCase *tcase_create(const char *name)
{
    (void)name;
    return &only_case;
}

#define tcase_add_checked_fixture(tests, before, after) ((tests)->set_up = (before))
#define tcase_set_timeout(tests, seconds) ((void)(tests))
#define tcase_add_test(tests, test) ((tests)->set_up(), test(), puts(#test))
#define suite_add_tcase(suite, tests) ((void)(suite))
#define srunner_create(suite) (suite)
#define srunner_set_fork_status(runner, status) ((void)(status))
#define srunner_run_all(runner, output) ((void)(output))
#define srunner_ntests_failed(runner) ((void)(runner), 0)
#define srunner_free(runner) ((void)(runner))

#endif
