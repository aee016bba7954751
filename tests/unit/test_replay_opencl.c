/* The megakernel on the first OpenCL device against the reference interpreter. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/backend.h"
#include "replay/builtin.h"
#include "replay/devices.h"
#include "replay/resident_ways.h"
#include "run_suite.h"
#include "test_replay_hostile.h"

#define SLOTS 1000u
#define SKIPPED 77

static struct replay_error error;

/* A backend that was opened and loaded. */
struct machine {
    const struct backend *backend;
    void *state;
    struct backend_view view;
};

#define REQUIRE(what) ck_assert_msg(what, "%s", error.text)

/* The megakernel on buffers of its own. */
static struct timeline_buffer buffers[] = {{.bytes = HOSTILE_WORDS * sizeof(uint32_t)},
                                           {.bytes = SLOTS * VYRE_SLOT_BYTES}};
static const struct timeline bare = {
    .buffers = buffers,
    .buffers_len = 2,
    .roles = {{.buffer = 0, .bytes = HOSTILE_WORDS * sizeof(uint32_t)},
              {.buffer = 1, .bytes = SLOTS * VYRE_SLOT_BYTES},
              {.buffer = TIMELINE_NONE},
              {.buffer = TIMELINE_NONE}},
    .control_words = HOSTILE_WORDS,
    .ring_slots = SLOTS,
};
static struct builtin builtin;

/* Each test is run on each; whether copies reach a running kernel is the device's affair. */
static const struct backend *const backends[] = {&backend_opencl, &resident_svm, &resident_reached,
                                                 &resident_copies_kernel, &resident_copies_alone};
#define BACKENDS ((int)(sizeof(backends) / sizeof(backends[0])))

static bool is_on_cpu;

static bool possible(const struct backend *backend)
{
    char name[256];
    void *state;
    if (backend->open(NULL, name, &state, &error)) {
        backend->close(state);
        return true;
    }
    ck_assert_msg(backend != &backend_opencl && strstr(error.text, "Fix: use --mode batch"), "%s",
                  error.text);
    fprintf(stderr, "%s: skipped, %s\n", backend->name, error.text);
    /* Lanes of a CPU reach the host's memory by nature, where commands run beside them at all. */
    ck_assert_msg(backend != &resident_reached || !is_on_cpu || !possible(&resident_copies_alone),
                  "they do not reach it");
    return false;
}

static struct machine start(const struct backend *backend, const uint32_t *control)
{
    struct machine machine = {.backend = backend};
    const struct backend_image *image = &builtin.image;
    char name[256];
    REQUIRE(backend->open(NULL, name, &machine.state, &error));
    REQUIRE(backend->load(machine.state, image, &error));
    REQUIRE(backend->write(machine.state, &image->roles[VYRE_KERNEL_ARG_CONTROL], control, &error));
    return machine;
}

static void run(struct machine *machine)
{
    REQUIRE(machine->backend->submit(machine->state, &builtin.submit, &error));
    REQUIRE(machine->backend->observe(machine->state, false, &machine->view, &error));
}

static void publish(struct machine *machines, uint32_t slot, const uint32_t *words)
{
    for (size_t i = 0; i < 2; i++)
        machines[i].backend->publish(machines[i].state, slot, words);
}

static void stop(struct machine *machines)
{
    for (size_t i = 0; i < 2; i++)
        machines[i].backend->close(machines[i].state);
}

static void start_both(struct machine *machines, const struct backend *backend,
                       const uint32_t *control)
{
    machines[0] = start(backend, control);
    machines[1] = start(&backend_reference, control);
}

static void compare(struct machine *machines, bool debug_log)
{
    run(&machines[0]);
    run(&machines[1]);
    const struct backend_view *device = &machines[0].view;
    const struct backend_view *reference = &machines[1].view;
    ck_assert_mem_eq(device->control, reference->control, HOSTILE_WORDS * sizeof(uint32_t));
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        ck_assert_uint_eq(backend_status(device, slot), backend_status(reference, slot));
    size_t words = debug_log ? VYRE_DEBUG_LOG_WORDS : 1;
    ck_assert_mem_eq(device->debug_log, reference->debug_log, words * sizeof(uint32_t));
}

START_TEST(hostile_slots_one_by_one)
{
    if (!possible(backends[_i]))
        return;
    for (int round = 0; round < 4; round++) {
        uint32_t control[HOSTILE_WORDS];
        struct machine machines[2];
        hostile_control(control);
        control[VYRE_CONTROL_TENANT_BASE] = VYRE_CONTROL_TENANT_MASKS;
        start_both(machines, backends[_i], control);
        for (int i = 0; i < 400; i++) {
            uint32_t words[VYRE_SLOT_WORDS];
            hostile_slot(words);
            /* Always the same slot: a masked one elsewhere might run beside a later one. */
            publish(machines, (uint32_t)round * 333, words);
            compare(machines, true);
        }
        stop(machines);
    }
}
END_TEST

/* Slots whose effects commute: sums over a few words, and for each slot words of its own. */
static void commuting_slot(uint32_t slot, uint32_t words[VYRE_SLOT_WORDS])
{
    const uint32_t shared = 300 + slot % 7;
    memset(words, 0, VYRE_SLOT_BYTES);
    words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
    words[VYRE_SLOT_TENANT] = slot % 80; /* some of them masked */
    uint32_t *args = words + VYRE_SLOT_ARG0;
    switch (slot % 5) {
    case 0:
        words[VYRE_SLOT_OPCODE] = VYRE_OP_ATOMIC_ADD;
        args[0] = slot;
        args[1] = shared;
        break;
    case 1:
        words[VYRE_SLOT_OPCODE] = VYRE_OP_BATCH_FENCE;
        args[1] = 4711;
        break;
    case 2:
        words[VYRE_SLOT_OPCODE] = VYRE_OP_PRINTF;
        args[0] = slot;
        break;
    case 3: /* two adds and a fence */
        words[VYRE_SLOT_OPCODE] = VYRE_OP_PACKED_SLOT;
        args[0] = 3 | 7u << 8 | VYRE_OP_ATOMIC_ADD << 16;
        args[1] = VYRE_OP_ATOMIC_ADD | 2u << 8 | VYRE_OP_BATCH_FENCE << 16 | 4u << 24;
        args[2] = 1;
        args[3] = shared;
        args[4] = slot;
        args[5] = 310;
        args[7] = 4711;
        break;
    default:
        words[VYRE_SLOT_OPCODE] = VYRE_OP_STORE_U32;
        args[0] = slot / 5 < 100 ? slot : 9; /* where all store to one word, the same value */
        args[1] = slot / 5 < 100 ? 165 + slot / 5 : 311;
        break;
    }
}

START_TEST(a_full_ring_of_commuting_slots)
{
    if (!possible(backends[_i]))
        return;
    uint32_t control[HOSTILE_WORDS];
    struct machine machines[2];
    vyre_control_encode(control, HOSTILE_WORDS, 32);
    start_both(machines, backends[_i], control);
    for (int round = 0; round < 10; round++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            uint32_t words[VYRE_SLOT_WORDS];
            commuting_slot(slot, words);
            publish(machines, slot, words);
        }
        compare(machines, false);
    }
    stop(machines);
}
END_TEST

START_TEST(hostile_slots_together_neither_crash_nor_hang)
{
    if (!possible(backends[_i]))
        return;
    uint32_t control[HOSTILE_WORDS];
    hostile_control(control);
    struct machine machine = start(backends[_i], control);
    for (int round = 0; round < 20; round++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            uint32_t words[VYRE_SLOT_WORDS];
            hostile_slot(words);
            words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
            machine.backend->publish(machine.state, slot, words);
        }
        run(&machine);
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            ck_assert_uint_ne(backend_status(&machine.view, slot), VYRE_STATUS_CLAIMED);
    }
    machine.backend->close(machine.state);
}
END_TEST

START_TEST(unknown_devices_are_refused)
{
    const struct backend *backend = _i == 0 ? &backend_opencl : &backend_resident;
    const char *choices[] = {"99", "no such device", "", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        char name[256];
        void *state;
        ck_assert(!backend->open(choices[i], name, &state, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "Fix: "));
    }
}
END_TEST

START_TEST(devices_are_found_by_number_and_name)
{
    struct replay_device devices[] = {{.name = "Fast GPU", .platform = "Vendor"},
                                      {.name = "Slow GPU", .platform = "Vendor"}};
    ck_assert_ptr_eq(devices_find(devices, 2, NULL, &error), &devices[0]);
    ck_assert_ptr_eq(devices_find(devices, 2, "1", &error), &devices[1]);
    ck_assert_ptr_eq(devices_find(devices, 2, "slow", &error), &devices[1]);
    ck_assert_ptr_null(devices_find(devices, 2, "gpu", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "more than one"));
    ck_assert_ptr_null(devices_find(devices, 2, "2", &error));
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
    is_on_cpu = strcmp(devices[0].type, "CPU") == 0;
    free(devices);
    if (!builtin_make(&bare, NULL, &builtin, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }

    TCase *tests = tcase_create("opencl");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, hostile_slots_one_by_one, 0, BACKENDS);
    tcase_add_loop_test(tests, a_full_ring_of_commuting_slots, 0, BACKENDS);
    tcase_add_loop_test(tests, hostile_slots_together_neither_crash_nor_hang, 0, BACKENDS);
    tcase_add_loop_test(tests, unknown_devices_are_refused, 0, 2);
    tcase_add_test(tests, devices_are_found_by_number_and_name);

    Suite *suite = suite_create("replay opencl");
    suite_add_tcase(suite, tests);
    /* The driver's threads do not survive a fork. */
    int status = run_suite(suite, CK_NOFORK);
    builtin_free(&builtin);
    return status;
}
