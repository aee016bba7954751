/* Rings of many pieces on the first OpenCL device, as the host may publish into them; each test in
 * batches, and resident in each way. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/builtin.h"
#include "replay/devices.h"
#include "replay/resident_ways.h"
#include "run_suite.h"
#include "vyre/control.h"

#define SLOTS 20000u
#define WORDS 320u
#define MASKED_TENANT 5u
#define SKIPPED 77

static struct replay_error error;
static const struct backend *const tested[] = {&backend_opencl, &resident_svm, &resident_reached,
                                               &resident_copies_kernel, &resident_copies_alone};
static const struct backend *backends[] = {NULL, &backend_reference};
#define TESTED ((int)(sizeof(tested) / sizeof(tested[0])))

static void *states[2];
static struct backend_view views[2];
static uint32_t random_state;

#define REQUIRE(what) ck_assert_msg(what, "%s", error.text)

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* The megakernel on buffers of its own. */
static struct timeline_buffer buffers[] = {{.bytes = WORDS * sizeof(uint32_t)},
                                           {.bytes = SLOTS * VYRE_SLOT_BYTES}};
static const struct timeline bare = {
    .buffers = buffers,
    .buffers_len = 2,
    .roles = {{.buffer = 0, .bytes = WORDS * sizeof(uint32_t)},
              {.buffer = 1, .bytes = SLOTS * VYRE_SLOT_BYTES},
              {.buffer = TIMELINE_NONE},
              {.buffer = TIMELINE_NONE}},
    .control_words = WORDS,
    .ring_slots = SLOTS,
};
static struct builtin builtin;

/* \return false when the device cannot do it */
static bool open_both(const struct backend *backend)
{
    uint32_t control[WORDS];
    vyre_control_encode(control, WORDS, 32);
    control[VYRE_CONTROL_TENANT_MASKS + MASKED_TENANT] = 0;
    char name[256];
    random_state = 1;
    backends[0] = backend;
    if (!backend->open(NULL, name, &states[0], &error)) {
        ck_assert_msg(backend != &backend_opencl && strstr(error.text, "Fix: use --mode batch"),
                      "%s", error.text);
        fprintf(stderr, "%s: skipped, %s\n", backend->name, error.text);
        return false;
    }
    REQUIRE(backend_reference.open(NULL, name, &states[1], &error));
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(backends[i]->load(states[i], &builtin.image, &error));
        REQUIRE(backends[i]->write(states[i], &builtin.image.roles[VYRE_KERNEL_ARG_CONTROL],
                                   control, &error));
    }
    return true;
}

static void close_both(void)
{
    for (size_t i = 0; i < 2; i++)
        backends[i]->close(states[i]);
}

/* A slot that adds to a word, so that each visit counts. */
static void publish(uint32_t slot, uint32_t tenant)
{
    uint32_t words[VYRE_SLOT_WORDS] = {VYRE_STATUS_PUBLISHED, VYRE_OP_ATOMIC_ADD, tenant,
                                       VYRE_PRIORITY_NORMAL,  next_random(),      200 + slot % 50};
    for (size_t i = 0; i < 2; i++)
        backends[i]->publish(states[i], slot, words);
}

static void submit(void)
{
    for (size_t i = 0; i < 2; i++)
        REQUIRE(backends[i]->submit(states[i], &builtin.submit, &error));
}

static void compare(void)
{
    bool whole_ring = next_random() % 4 == 0;
    for (size_t i = 0; i < 2; i++)
        REQUIRE(backends[i]->observe(states[i], whole_ring, &views[i], &error));
    ck_assert_mem_eq(views[0].control, views[1].control, WORDS * sizeof(uint32_t));
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        ck_assert_uint_eq(backend_status(&views[0], slot), backend_status(&views[1], slot));
}

START_TEST(a_full_ring_again_and_again)
{
    if (!open_both(tested[_i]))
        return;
    for (int round = 0; round < 4; round++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            publish(slot, 0);
        submit();
        compare();
    }
    close_both();
}
END_TEST

START_TEST(slots_in_any_order_some_of_them_masked)
{
    if (!open_both(tested[_i]))
        return;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3000; i++) {
            uint32_t slot = next_random() % SLOTS;
            /* A host publishes into slots that are free. */
            if (round > 0 && backend_status(&views[0], slot) == VYRE_STATUS_PUBLISHED)
                continue;
            publish(slot, next_random() % 100 == 0 ? MASKED_TENANT : 0);
        }
        submit();
        compare();
    }
    close_both();
}
END_TEST

/* What is published between a submit and the next is not drained before it. */
START_TEST(publishes_beside_a_drain)
{
    if (!open_both(tested[_i]))
        return;
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t slot = round % 2; slot < SLOTS; slot += 2)
            publish(slot, 0);
        submit();
        for (uint32_t slot = 1 - round % 2; slot < SLOTS; slot += 2 + round)
            publish(slot, 0);
        compare();
        submit();
        compare();
    }
    close_both();
}
END_TEST

/* Submits that nobody waits for: nothing is drained twice. */
START_TEST(submits_that_are_not_observed)
{
    if (!open_both(tested[_i]))
        return;
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t slot = round * 400; slot < round * 400 + 400; slot++)
            publish(slot, 0);
        submit();
    }
    compare();
    submit();
    compare();
    close_both();
}
END_TEST

START_TEST(a_few_slots_far_apart)
{
    if (!open_both(tested[_i]))
        return;
    for (uint32_t round = 0; round < 10; round++) {
        publish(round, 0);
        publish(SLOTS - 1 - round, 0);
        publish(SLOTS / 2, 0);
        submit();
        compare();
    }
    close_both();
}
END_TEST

int main(void)
{
    struct replay_device *devices;
    size_t len;
    if (!devices_list(&devices, &len, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return SKIPPED;
    }
    free(devices);
    if (!builtin_make(&bare, NULL, &builtin, &error))
        return 1;

    TCase *tests = tcase_create("staged ring");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, a_full_ring_again_and_again, 0, TESTED);
    tcase_add_loop_test(tests, slots_in_any_order_some_of_them_masked, 0, TESTED);
    tcase_add_loop_test(tests, publishes_beside_a_drain, 0, TESTED);
    tcase_add_loop_test(tests, submits_that_are_not_observed, 0, TESTED);
    tcase_add_loop_test(tests, a_few_slots_far_apart, 0, TESTED);

    Suite *suite = suite_create("replay staged ring");
    suite_add_tcase(suite, tests);
    /* The driver's threads do not survive a fork. */
    int status = run_suite(suite, CK_NOFORK);
    builtin_free(&builtin);
    return status;
}
