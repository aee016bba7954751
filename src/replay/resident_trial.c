#include "replay/resident_trial.h"

#include "replay/builtin.h"
#include "vyre/control.h"

#define WORDS 320u
#define SLOTS 256u
#define ROUNDS 3u

/** They take nanoseconds on a CPU, and about a microsecond on a GPU. */
#define PATIENCE_CPU (1u << 28)
#define PATIENCE (1u << 22)

uint32_t resident_trial_patience(const struct opencl_device *device)
{
    cl_device_type type = 0;
    clGetDeviceInfo(device->id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    return type & CL_DEVICE_TYPE_CPU ? PATIENCE_CPU : PATIENCE;
}

static bool run_round(const struct backend *way, void *state, const struct builtin *builtin,
                      uint32_t round, struct replay_error *error)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        const uint32_t words[VYRE_SLOT_WORDS] = {
            VYRE_STATUS_PUBLISHED,   VYRE_OP_ATOMIC_ADD, 0, VYRE_PRIORITY_NORMAL, round,
            VYRE_CONTROL_OBSERVABLES};
        way->publish(state, slot, words);
    }
    struct backend_view view;
    if (!way->submit(state, &builtin->submit, error) || !way->observe(state, false, &view, error))
        return false;
    uint32_t sum = SLOTS * (round * (round + 1) / 2);
    if (view.control[VYRE_CONTROL_OBSERVABLES] == sum)
        return true;
    return replay_fail(error,
                       "a kernel that is running did not see what was copied: it made %u of what "
                       "sums up to %u. Fix: use --mode batch, or choose another device with "
                       "--device.",
                       view.control[VYRE_CONTROL_OBSERVABLES], sum);
}

static bool run_rounds(const struct backend *way, void *state, const struct builtin *builtin,
                       struct replay_error *error)
{
    uint32_t control[WORDS];
    vyre_control_encode(control, WORDS, 1);
    if (!way->load(state, &builtin->image, error) ||
        !way->write(state, &builtin->image.roles[VYRE_KERNEL_ARG_CONTROL], control, error))
        return false;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        if (!run_round(way, state, builtin, round, error))
            return false;
    }
    return true;
}

bool resident_trial(const struct backend *way, void *state, struct replay_error *error)
{
    struct timeline_buffer buffers[] = {{.bytes = WORDS * sizeof(uint32_t)},
                                        {.bytes = SLOTS * VYRE_SLOT_BYTES}};
    const struct timeline timeline = {
        .buffers = buffers,
        .buffers_len = 2,
        .roles = {[VYRE_KERNEL_ARG_CONTROL] = {.buffer = 0, .bytes = buffers[0].bytes},
                  [VYRE_KERNEL_ARG_RING] = {.buffer = 1, .bytes = buffers[1].bytes},
                  [VYRE_KERNEL_ARG_DEBUG_LOG] = {.buffer = TIMELINE_NONE},
                  [VYRE_KERNEL_ARG_IO_QUEUE] = {.buffer = TIMELINE_NONE}},
        .control_words = WORDS,
        .ring_slots = SLOTS,
    };
    struct builtin builtin;
    if (!builtin_make(&timeline, NULL, &builtin, error))
        return false;
    bool works = run_rounds(way, state, &builtin, error);
    builtin_free(&builtin);
    return works;
}
