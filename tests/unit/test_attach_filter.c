/* What filters of system calls do, told from their code. */
#include <check.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "attach/filter_code.h"
#include "run_suite.h"

#define CALL 42u
#define OTHER 43u
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define JUMP(condition, value, yes, no) BPF_JUMP(BPF_JMP | (condition) | BPF_K, value, yes, no)
#define SPARES(number, ...)                                                                        \
    filter_code_spares(                                                                            \
        (const struct sock_filter[]){__VA_ARGS__},                                                 \
        sizeof((const struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter), number)

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#else
#define MACHINE AUDIT_ARCH_AARCH64
#endif

START_TEST(tells_actions_apart)
{
    ck_assert(SPARES(CALL, RETURN(SECCOMP_RET_ALLOW)));
    ck_assert(SPARES(CALL, RETURN(SECCOMP_RET_LOG)));
    ck_assert(SPARES(CALL, RETURN(SECCOMP_RET_ERRNO | 1)));
    ck_assert(!SPARES(CALL, RETURN(SECCOMP_RET_KILL_PROCESS)));
    ck_assert(!SPARES(CALL, RETURN(SECCOMP_RET_KILL_THREAD)));
    ck_assert(!SPARES(CALL, RETURN(SECCOMP_RET_TRAP)));
    ck_assert(!SPARES(CALL, RETURN(SECCOMP_RET_TRACE)));
    ck_assert(!SPARES(CALL, RETURN(SECCOMP_RET_USER_NOTIF)));
}
END_TEST

START_TEST(tells_calls_apart)
{
#define FILTER                                                                                     \
    LOAD(arch), JUMP(BPF_JEQ, MACHINE, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr),          \
        JUMP(BPF_JGE, OTHER, 1, 0), RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_KILL_PROCESS)
    ck_assert(SPARES(CALL, FILTER));
    ck_assert(!SPARES(OTHER, FILTER));
#undef FILTER
}
END_TEST

START_TEST(an_argument_may_be_any)
{
    ck_assert(!SPARES(CALL, LOAD(args[0]), JUMP(BPF_JEQ, 7, 1, 0), RETURN(SECCOMP_RET_ALLOW),
                      RETURN(SECCOMP_RET_TRAP)));
    ck_assert(!SPARES(CALL, LOAD(args[0]), JUMP(BPF_JEQ, 7, 0, 1), RETURN(SECCOMP_RET_TRAP),
                      RETURN(SECCOMP_RET_ALLOW)));
    ck_assert(SPARES(CALL, LOAD(args[0]), JUMP(BPF_JSET, 7, 1, 0), RETURN(SECCOMP_RET_ALLOW),
                     RETURN(SECCOMP_RET_ERRNO)));
    ck_assert_msg(!SPARES(CALL, LOAD(args[0]), BPF_STMT(BPF_RET | BPF_A, 0)),
                  "an action that is an argument");
}
END_TEST

START_TEST(computes_as_the_kernel_does)
{
    /* ((nr << 4 | 1) - 1) / 16 by way of memory and X. */
    ck_assert(SPARES(CALL, LOAD(nr), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),
                     BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1), BPF_STMT(BPF_ST, 3),
                     BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_STMT(BPF_MISC | BPF_TAX, 0),
                     BPF_STMT(BPF_LD | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
                     BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 16), JUMP(BPF_JEQ, CALL, 1, 0),
                     RETURN(SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW)));
    ck_assert_msg(!SPARES(CALL, LOAD(nr), BPF_STMT(BPF_LDX | BPF_IMM, 0),
                          BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(SECCOMP_RET_ALLOW)),
                  "a division by zero");
}
END_TEST

START_TEST(what_cannot_be_told_is_not_spared)
{
    ck_assert_msg(!SPARES(CALL, LOAD(nr)), "a filter that does not end");
    ck_assert_msg(!SPARES(CALL, BPF_STMT(BPF_JMP | BPF_JA, 100000)), "a jump out of it");
    ck_assert_msg(!SPARES(CALL, BPF_STMT(BPF_ST, BPF_MEMWORDS), RETURN(SECCOMP_RET_ALLOW)),
                  "memory that there is not");
    /* Twice as many ways with each argument that is looked at. */
    static struct sock_filter intricate[201];
    for (int i = 0; i < 100; i++) {
        intricate[2 * i] = (struct sock_filter)LOAD(args[0]);
        intricate[2 * i + 1] = (struct sock_filter)JUMP(BPF_JEQ, 7, 0, 0);
    }
    intricate[200] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    ck_assert(!filter_code_spares(intricate, 201, CALL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attach_filter");
    TCase *tests = tcase_create("filter");
    tcase_add_test(tests, tells_actions_apart);
    tcase_add_test(tests, tells_calls_apart);
    tcase_add_test(tests, an_argument_may_be_any);
    tcase_add_test(tests, computes_as_the_kernel_does);
    tcase_add_test(tests, what_cannot_be_told_is_not_spared);
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK);
}
