#include <stdio.h>
#include <stdlib.h>

#include "replay/backend.h"
#include "replay/devices.h"
#include "replay/resident_ways.h"

/** The one that the device can do. */
struct state {
    const struct backend *way;
    void *inner;
};

static bool choice_exists(const char *choice, struct replay_error *error)
{
    struct replay_device *devices;
    size_t len;
    if (!devices_list(&devices, &len, error))
        return false;
    bool found = devices_find(devices, len, choice, error) != NULL;
    free(devices);
    return found;
}

static bool open_resident(const char *choice, char device_name[256], void **opaque,
                          struct replay_error *error)
{
    static const struct backend *const ways[] = {&resident_svm, &resident_copies_kernel,
                                                 &resident_copies_alone};
    struct replay_error reasons[sizeof(ways) / sizeof(ways[0])];
    if (!choice_exists(choice, error))
        return false;
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return replay_fail_memory(error);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        state->way = ways[i];
        if (ways[i]->open(choice, device_name, &state->inner, &reasons[i])) {
            *opaque = state;
            return true;
        }
    }
    free(state);
    return replay_fail(error,
                       "%.200s cannot be fed while a kernel runs. Shared memory: %.900s Copies and "
                       "a kernel: %.900s Copies alone: %.900s",
                       device_name, reasons[0].text, reasons[1].text, reasons[2].text);
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    const struct state *state = opaque;
    return state->way->load(state->inner, image, error);
}

static void publish(void *opaque, uint32_t slot, const uint32_t words[VYRE_SLOT_WORDS])
{
    const struct state *state = opaque;
    state->way->publish(state->inner, slot, words);
}

static bool write(void *opaque, const struct timeline_range *to, const void *bytes,
                  struct replay_error *error)
{
    const struct state *state = opaque;
    return state->way->write(state->inner, to, bytes, error);
}

static bool submit(void *opaque, const struct timeline_submit *submit, struct replay_error *error)
{
    const struct state *state = opaque;
    return state->way->submit(state->inner, submit, error);
}

static bool observe(void *opaque, bool whole_ring, struct backend_view *view,
                    struct replay_error *error)
{
    const struct state *state = opaque;
    return state->way->observe(state->inner, whole_ring, view, error);
}

static bool claimed(void *opaque, uint32_t *slot)
{
    const struct state *state = opaque;
    return state->way->claimed(state->inner, slot);
}

static void close_resident(void *opaque)
{
    struct state *state = opaque;
    state->way->close(state->inner);
    free(state);
}

const struct backend backend_resident = {
    .name = "resident",
    .open = open_resident,
    .load = load,
    .publish = publish,
    .write = write,
    .submit = submit,
    .observe = observe,
    .claimed = claimed,
    .close = close_resident,
};
