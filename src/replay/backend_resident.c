#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/backend.h"
#include "replay/devices.h"
#include "replay/resident_ways.h"

/** Rings of at most so many slots go through the host's memory: commands take longer than their
 *  bytes.  More bytes are copied faster than lanes load them. */
#define SMALL_RING_SLOTS 8192u

#define WAYS 4u

struct state {
    char *choice;
    /** The way that the device can do; NULL before it is loaded. */
    const struct backend *way;
    void *inner;
};

static bool find_device(const char *choice, char device_name[256], struct replay_error *error)
{
    struct replay_device *devices;
    size_t len;
    if (!devices_list(&devices, &len, error))
        return false;
    const struct replay_device *found = devices_find(devices, len, choice, error);
    if (found != NULL)
        snprintf(device_name, 256, "%s", found->name);
    free(devices);
    return found != NULL;
}

static bool open_resident(const char *choice, char device_name[256], void **opaque,
                          struct replay_error *error)
{
    if (!find_device(choice, device_name, error))
        return false;
    struct state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return replay_fail_memory(error);
    if (choice != NULL) {
        state->choice = strdup(choice);
        if (state->choice == NULL) {
            free(state);
            return replay_fail_memory(error);
        }
    }
    *opaque = state;
    return true;
}

/** Take the first way that the device can do. */
static bool open_way(struct state *state, uint32_t ring_slots, struct replay_error *error)
{
    static const struct backend *const small[WAYS] = {
        &resident_svm, &resident_reached, &resident_copies_kernel, &resident_copies_alone};
    static const struct backend *const large[WAYS] = {&resident_svm, &resident_copies_kernel,
                                                      &resident_copies_alone, &resident_reached};
    const struct backend *const *ways = ring_slots <= SMALL_RING_SLOTS ? small : large;
    struct replay_error reasons[WAYS];
    char device_name[256] = "";
    for (size_t i = 0; i < WAYS; i++) {
        if (ways[i]->open(state->choice, device_name, &state->inner, &reasons[i])) {
            state->way = ways[i];
            return true;
        }
    }
    return replay_fail(error,
                       "%.200s cannot be fed while a kernel runs. %s: %.700s %s: %.700s %s: %.700s "
                       "%s: %.700s",
                       device_name, ways[0]->name, reasons[0].text, ways[1]->name, reasons[1].text,
                       ways[2]->name, reasons[2].text, ways[3]->name, reasons[3].text);
}

static bool load(void *opaque, const struct backend_image *image, struct replay_error *error)
{
    struct state *state = opaque;
    return open_way(state, image->ring_slots, error) &&
           state->way->load(state->inner, image, error);
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
    return state->way != NULL && state->way->claimed(state->inner, slot);
}

static void close_resident(void *opaque)
{
    struct state *state = opaque;
    if (state->way != NULL)
        state->way->close(state->inner);
    free(state->choice);
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
