#include "replay/flights.h"

#include <stdlib.h>
#include <string.h>

/** What is known on the way through the events. */
struct walk {
    const struct timeline *timeline;
    struct flights *flights;
    /** For each slot of the ring the place of its flight that was not seen DONE, plus 1; or 0. */
    size_t *in_slot;
    /** Places of the flights that were not seen DONE, in the order of publishing; those that
     *  in_slot does not know any more are over. */
    size_t *open;
    size_t open_len;
    /** How many of them were launched. */
    size_t launched;
};

static void publish(struct walk *walk, uint64_t time, const struct recorded_slot *slot)
{
    struct flights *flights = walk->flights;
    size_t *in_slot = &walk->in_slot[slot->slot_idx];
    if (*in_slot > 0) {
        struct flight *before = &flights->list[*in_slot - 1];
        /* The slot of a masked tenant goes up again as it was. */
        if (before->record == slot->index)
            return;
        before->seen_done = time;
    }
    walk->open[walk->open_len++] = flights->len;
    flights->list[flights->len++] = (struct flight){.record = slot->index,
                                                    .slot_idx = slot->slot_idx,
                                                    .words = slot->words,
                                                    .published = time,
                                                    .seen_done = FLIGHT_NEVER};
    *in_slot = flights->len;
}

static void launch(struct walk *walk, const struct timeline_submit *submit)
{
    for (; walk->launched < walk->open_len; walk->launched++)
        walk->flights->list[walk->open[walk->launched]].launch = submit->launch;
}

/** Whether an observation tells that a slot is DONE. */
static bool seen_done(const struct timeline_observation *observation, const struct flight *flight)
{
    if (observation == NULL)
        return true;
    bool in_range = observation->what == SESSION_OBSERVED_RING &&
                    timeline_observed_slot(observation, flight->slot_idx);
    if (in_range && timeline_observed_published(observation, flight->slot_idx))
        return false;
    if (observation->exact)
        return flight->launch <= observation->launches;
    if (!in_range)
        return false;
    for (size_t status = VYRE_STATUS_CLAIMED; status < 8; status++) {
        if (status != VYRE_STATUS_DONE && observation->statuses[status] > 0)
            return false;
    }
    return true;
}

static void observe(struct walk *walk, uint64_t time,
                    const struct timeline_observation *observation)
{
    if (observation != NULL && !observation->exact && observation->what != SESSION_OBSERVED_RING)
        return;
    size_t kept = 0;
    size_t launched = 0;
    for (size_t i = 0; i < walk->open_len; i++) {
        size_t place = walk->open[i];
        struct flight *flight = &walk->flights->list[place];
        size_t *in_slot = &walk->in_slot[flight->slot_idx];
        if (*in_slot != place + 1)
            continue;
        /* A launch that is under way may run what went up after it began. */
        bool could_run = i < walk->launched || (observation != NULL && !observation->exact);
        if (could_run && seen_done(observation, flight)) {
            flight->seen_done = time;
            *in_slot = 0;
            continue;
        }
        launched += i < walk->launched ? 1 : 0;
        walk->open[kept++] = place;
    }
    walk->open_len = kept;
    walk->launched = launched;
}

static void walk_events(struct walk *walk)
{
    const struct timeline *timeline = walk->timeline;
    uint64_t time = 0;
    for (size_t i = 0; i < timeline->events_len; i++) {
        const struct timeline_event *event = &timeline->events[i];
        bool observation = event->kind == TIMELINE_OBSERVATION;
        if (i == 0 || !observation || event[-1].kind != TIMELINE_OBSERVATION)
            time = (uint64_t)i + 1;
        if (event->kind == TIMELINE_PUBLISH)
            publish(walk, time, &timeline->excerpt.slots[event->which]);
        else if (event->kind == TIMELINE_SUBMIT || event->kind == TIMELINE_ROUND)
            launch(walk, &timeline->submits[event->which]);
        else if (observation)
            observe(walk, time,
                    event->which != TIMELINE_NONE ? &timeline->observations[event->which] : NULL);
    }
}

uint64_t flights_time(const struct timeline *timeline, size_t event)
{
    const struct timeline_event *events = timeline->events;
    while (event > 0 && events[event].kind == TIMELINE_OBSERVATION &&
           events[event - 1].kind == TIMELINE_OBSERVATION)
        event--;
    return (uint64_t)event + 1;
}

static size_t count_publishes(const struct timeline *timeline)
{
    size_t len = 0;
    for (size_t i = 0; i < timeline->events_len; i++)
        len += timeline->events[i].kind == TIMELINE_PUBLISH ? 1 : 0;
    return len;
}

bool flights_make(const struct timeline *timeline, struct flights *flights,
                  struct replay_error *error)
{
    size_t room = count_publishes(timeline) + 1;
    struct walk walk = {.timeline = timeline, .flights = flights};
    flights->len = 0;
    flights->list = malloc(room * sizeof(*flights->list));
    walk.open = malloc(room * sizeof(*walk.open));
    walk.in_slot = calloc((size_t)timeline->ring_slots + 1, sizeof(*walk.in_slot));
    bool made = flights->list != NULL && walk.open != NULL && walk.in_slot != NULL;
    if (made)
        walk_events(&walk);
    else
        flights_free(flights);
    free(walk.in_slot);
    free(walk.open);
    return made || replay_fail_memory(error);
}

void flights_free(struct flights *flights)
{
    free(flights->list);
    flights->list = NULL;
    flights->len = 0;
}
