/*
 * megakernel.cl as C, lane after lane, against the reference interpreter: under a
 * checker every word that it might touch outside its buffers is seen, which no
 * device shows.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay/reference.h"
#include "test_replay_hostile.h"

/* As much of OpenCL C as the kernel uses. */
#define __kernel
#define __global
#define CLK_GLOBAL_MEM_FENCE
typedef unsigned int uint;

static size_t current_lane;

static size_t get_global_id(uint dimension)
{
    return dimension == 0 ? current_lane : 0;
}

static uint min(uint a, uint b)
{
    return a < b ? a : b;
}

static uint max(uint a, uint b)
{
    return a > b ? a : b;
}

static uint atomic_xchg(volatile uint *word, uint value)
{
    uint old = *word;
    *word = value;
    return old;
}

static uint atomic_add(volatile uint *word, uint value)
{
    uint old = *word;
    *word = old + value;
    return old;
}

static uint atomic_inc(volatile uint *word)
{
    return atomic_add(word, 1);
}

static uint atomic_cmpxchg(volatile uint *word, uint expected, uint value)
{
    uint old = *word;
    if (old == expected)
        *word = value;
    return old;
}

#define mem_fence(flags) ((void)0)

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "replay/megakernel.cl"
#include "run_suite.h"

#define SLOTS 3

static struct reference machine(const uint32_t *control, uint32_t control_words)
{
    struct reference made = {
        .control = malloc(control_words * sizeof(uint32_t)),
        .control_words = control_words,
        .ring = calloc(SLOTS, VYRE_SLOT_BYTES),
        .ring_slots = SLOTS,
        .debug_log = calloc(VYRE_DEBUG_LOG_WORDS, sizeof(uint32_t)),
    };
    memcpy(made.control, control, control_words * sizeof(uint32_t));
    return made;
}

static void discard(struct reference *machine)
{
    free(machine->control);
    free(machine->ring);
    free(machine->debug_log);
}

static void launch(struct reference *kernel, size_t lanes)
{
    uint io_queue[1];
    for (current_lane = 0; current_lane < lanes; current_lane++)
        vyre_megakernel(kernel->control, kernel->ring, kernel->debug_log, io_queue,
                        kernel->control_words, kernel->ring_slots);
}

static void compare_for(uint32_t control_words)
{
    uint32_t control[HOSTILE_WORDS];
    hostile_control(control);
    struct reference kernel = machine(control, control_words);
    struct reference reference = machine(control, control_words);
    for (int launches = 0; launches < 40; launches++) {
        for (size_t slot = 0; slot < SLOTS; slot++) {
            hostile_slot(kernel.ring + slot * VYRE_SLOT_WORDS);
            memcpy(reference.ring + slot * VYRE_SLOT_WORDS, kernel.ring + slot * VYRE_SLOT_WORDS,
                   VYRE_SLOT_BYTES);
        }
        launch(&kernel, 64); /* more lanes than slots */
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            reference_drain(&reference, slot);
        ck_assert_mem_eq(kernel.control, reference.control, control_words * sizeof(uint32_t));
        ck_assert_mem_eq(kernel.ring, reference.ring, SLOTS * VYRE_SLOT_BYTES);
        ck_assert_mem_eq(kernel.debug_log, reference.debug_log,
                         VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t));
    }
    discard(&kernel);
    discard(&reference);
}

START_TEST(hostile_slots_end_as_in_the_reference)
{
    for (int round = 0; round < 2000; round++) {
        compare_for(HOSTILE_WORDS);
        compare_for(VYRE_CONTROL_WORDS_MIN);
        compare_for(VYRE_CONTROL_WORDS_MIN + 1);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("text");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, hostile_slots_end_as_in_the_reference);

    Suite *suite = suite_create("replay kernel text");
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK_GETENV);
}
