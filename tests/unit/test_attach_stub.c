/* The stub that a job runs while it is attached to, run by this process itself. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(at, bytes) ((void)(at))
#endif

#include "run_suite.h"
#include "stub_job.h"

static bool is_open(int file)
{
    return fcntl(file, F_GETFD) >= 0;
}

START_TEST(goes_on_to_the_original_when_not_armed)
{
    for (uint32_t i = 0; i <= STUB_EXPLAINING; i++) {
        words.state = i == STUB_ARMED ? STUB_OFF : i;
        uint32_t before = words.state;
        memset(&harness_captured, 0, sizeof(harness_captured));
        ck_assert_uint_eq(harness_call(entry(i), &given), 77);
        check_registers();
        ck_assert_uint_eq(words.state, before);
    }
    ck_assert_uint_eq(loads, 0);
    ck_assert_uint_eq(words.asked, 0);
}
END_TEST

START_TEST(loads_once_when_told_yes)
{
    struct answerer answerer = {.no = 0};
    call_answered(&answerer);
    ck_assert_uint_eq(state(), STUB_LOADED);
    ck_assert_uint_eq(loads, 1);
    ck_assert_uint_eq(wakes, 0);
    ck_assert_str_eq(loaded_path, "path");
    ck_assert_int_eq(loaded_mode, 2);
    ck_assert_uint_eq(words.result, address(&words));
    /* The stack of this thread, as at the call. */
    ck_assert_uint_lt(answerer.stack, address(&answerer));
    ck_assert_uint_gt(answerer.stack, address(&answerer) - 65536);
    ck_assert_uint_eq(harness_call(entry(3), &given), 77);
    ck_assert_uint_eq(loads, 1);
}
END_TEST

START_TEST(asks_again_when_told_no)
{
    struct answerer answerer = {.no = 3};
    call_answered(&answerer);
    ck_assert_uint_ge(words.asked, 4);
    ck_assert_uint_eq(loads, 1);
}
END_TEST

START_TEST(signals_wait_while_it_loads)
{
    struct answerer answerer = {.no = 0};
    sigset_t after;
    call_answered(&answerer);
    ck_assert_int_eq(sigismember(&loaded_signals, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&loaded_signals, SIGUSR1), 1);
    ck_assert_int_eq(sigismember(&loaded_signals, SIGSEGV), 0);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    ck_assert_int_eq(sigismember(&after, SIGTERM), 0);
}
END_TEST

START_TEST(calls_what_it_finds_in_what_it_loaded)
{
    struct answerer answerer = {.no = 0};
    parameters->find = (uint64_t)(uintptr_t)find;
    parameters->name = address("wake");
    call_answered(&answerer);
    ck_assert_uint_eq(state(), STUB_LOADED);
    ck_assert_uint_eq(wakes, 1);
}
END_TEST

START_TEST(what_it_does_not_find_is_a_failure)
{
    struct answerer answerer = {.no = 0};
    parameters->find = (uint64_t)(uintptr_t)find;
    parameters->name = address("nothing");
    call_answered(&answerer);
    ck_assert_uint_eq(state(), STUB_FAILED);
    ck_assert_uint_eq(words.error, address(explanation));
}
END_TEST

START_TEST(tells_why_it_did_not_load)
{
    struct answerer answerer = {.no = 0};
    load_result = NULL;
    call_answered(&answerer);
    ck_assert_uint_eq(state(), STUB_FAILED);
    ck_assert_uint_eq(words.result, 0);
    ck_assert_uint_eq(words.error, address(explanation));
}
END_TEST

static void want_file(void)
{
    parameters->file_name = address("name");
    parameters->path = address(words.path);
}

/** \return how many could be open before */
static rlim_t limit_files(rlim_t files)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = files;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

START_TEST(loads_from_the_file_that_it_makes)
{
    struct answerer answerer = {.no = 0};
    int before = dup(0);
    close(before);
    want_file();
    call_answered_by(answer_and_fill, &answerer);
    ck_assert_uint_eq(state(), STUB_LOADED);
    ck_assert_uint_eq(loads, 1);
    ck_assert_str_eq(loaded_path, "another path");
    ck_assert_msg(loaded_file_bytes == 8, "the file is not there during the call");
    ck_assert(words.file >= STUB_FILE_LEAST);
    ck_assert_msg(!is_open(words.file), "the file is left open");
    ck_assert_msg(!is_open(before), "the first descriptor of the file is left open");
}
END_TEST

START_TEST(a_file_has_a_low_number_where_there_is_no_other)
{
    struct answerer answerer = {.no = 0};
    rlim_t before = limit_files(64);
    want_file();
    call_answered_by(answer_and_fill, &answerer);
    ck_assert_uint_eq(state(), STUB_LOADED);
    limit_files(before);
    ck_assert(words.file >= 0 && words.file < 64);
    ck_assert_msg(!is_open(words.file), "the file is left open");
}
END_TEST

START_TEST(a_file_that_cannot_be_made_is_a_failure)
{
    struct answerer answerer = {.no = 0};
    rlim_t before = limit_files(0);
    want_file();
    words.error = 1;
    call_answered(&answerer);
    limit_files(before);
    ck_assert_uint_eq(state(), STUB_FAILED);
    ck_assert_uint_eq(loads, 0);
    ck_assert_int_eq(words.file, -EMFILE);
    ck_assert_uint_eq(words.error, 0);
}
END_TEST

START_TEST(a_file_that_nobody_fills_is_a_failure)
{
    struct answerer answerer = {.no = 0};
    want_file();
    words.error = 1;
    call_answered(&answerer);
    ck_assert_uint_eq(state(), STUB_FAILED);
    ck_assert_uint_eq(loads, 0);
    ck_assert_uint_eq(words.error, 0);
    ck_assert_msg(!is_open(words.file), "the file is left open");
}
END_TEST

START_TEST(goes_on_when_nobody_answers)
{
    ck_assert_uint_eq(harness_call(entry(0), &given), 77);
    check_registers();
    ck_assert_uint_eq(state(), STUB_OFF);
    ck_assert_uint_eq(loads, 0);
}
END_TEST

START_TEST(a_late_answer_is_for_nobody)
{
    ck_assert_uint_eq(harness_call(entry(0), &given), 77);
    parameters->answer = 1u << 1 | 1u;
    words.state = STUB_ARMED;
    ck_assert_uint_eq(harness_call(entry(0), &given), 77);
    ck_assert_uint_eq(loads, 0);
    ck_assert_uint_eq(words.asked, 2);
}
END_TEST

static void *call_many(void *opaque)
{
    uint64_t *calls = opaque;
    while (state() != STUB_LOADED) {
        if (harness_call(entry((unsigned)(*calls % STUB_ENTRIES)), &given) != 77)
            return "not the original";
        ++*calls;
        uint32_t off = STUB_OFF;
        __atomic_compare_exchange_n(&words.state, &off, STUB_ARMED, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    }
    return NULL;
}

START_TEST(of_many_threads_one_loads)
{
    enum {
        THREADS = 4
    };
    pthread_t threads[THREADS];
    uint64_t calls[THREADS] = {0};
    struct answerer answerer = {.no = 20};
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_many, &calls[i]), 0);
    answer(&answerer);
    for (int i = 0; i < THREADS; i++) {
        void *fault;
        pthread_join(threads[i], &fault);
        ck_assert_ptr_null(fault);
    }
    ck_assert_uint_eq(loads, 1);
}
END_TEST

/** Lead the ways in and out of the detour to the harness. */
static void prepare_detour(void)
{
    harness_target = address(parameters) + (uint64_t)(stub_detour - stub_begin);
#if defined(__aarch64__)
    uint8_t *from[] = {harness_jump, (uint8_t *)parameters + (stub_resume - stub_begin)};
    const uint64_t to[] = {harness_target, address(harness_back)};
    uint8_t *page = (uint8_t *)(address(harness_jump) & ~UINT64_C(4095));
    ck_assert_int_eq(mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    for (int i = 0; i < 2; i++) {
        int64_t way = (int64_t)(to[i] - address(from[i]));
        uint32_t branch = 0x14000000u | ((uint32_t)(way / 4) & 0x03FFFFFFu);
        memcpy(from[i], &branch, sizeof(branch));
        __builtin___clear_cache((char *)from[i], (char *)from[i] + sizeof(branch));
    }
#endif
}

START_TEST(a_detour_changes_nothing)
{
    words.state = STUB_OFF;
    prepare_detour();
    for (unsigned i = 0; i < HARNESS_ALL; i++)
        harness_before[i] = UINT64_C(0x0101010101010101) * (i + 1);
    errno = E2BIG;
    harness_detour();
    /* To valgrind what lies below a stack that was lowered and raised is gone. */
    (void)VALGRIND_MAKE_MEM_DEFINED(harness_after, sizeof(harness_after));
    ck_assert_int_eq(errno, E2BIG);
    ck_assert_uint_eq(loads, 1);
    ck_assert_uint_eq(state(), STUB_LOADED);
    for (unsigned i = 0; i < HARNESS_ALL - 1; i++) {
#if defined(__aarch64__)
        if (i == 18)
            continue;
#endif
        ck_assert_msg(harness_after[i] == harness_before[i], "register or word %u changed", i);
    }
    ck_assert_uint_eq(harness_after[HARNESS_ALL - 1], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attach_stub");
    TCase *tests = tcase_create("stub");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, goes_on_to_the_original_when_not_armed);
    tcase_add_test(tests, loads_once_when_told_yes);
    tcase_add_test(tests, asks_again_when_told_no);
    tcase_add_test(tests, signals_wait_while_it_loads);
    tcase_add_test(tests, calls_what_it_finds_in_what_it_loaded);
    tcase_add_test(tests, what_it_does_not_find_is_a_failure);
    tcase_add_test(tests, tells_why_it_did_not_load);
    tcase_add_test(tests, loads_from_the_file_that_it_makes);
    tcase_add_test(tests, a_file_has_a_low_number_where_there_is_no_other);
    tcase_add_test(tests, a_file_that_cannot_be_made_is_a_failure);
    tcase_add_test(tests, a_file_that_nobody_fills_is_a_failure);
    tcase_add_test(tests, goes_on_when_nobody_answers);
    tcase_add_test(tests, a_late_answer_is_for_nobody);
    tcase_add_test(tests, of_many_threads_one_loads);
    tcase_add_test(tests, a_detour_changes_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK);
}
