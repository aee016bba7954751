#include "replay/pace.h"

#include <time.h>

/** \return 0 when it is not known */
static uint64_t recorded_time(const struct timeline *timeline, const struct timeline_event *event)
{
    switch (event->kind) {
    case TIMELINE_PUBLISH:
        return timeline->excerpt.slots[event->which].timestamp_ns;
    case TIMELINE_SUBMIT:
        return timeline->submits[event->which].time_ns;
    case TIMELINE_OBSERVATION:
        return event->which == TIMELINE_NONE ? 0 : timeline->observations[event->which].time_ns;
    default:
        return 0;
    }
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t pace_wait_ns(struct pace *pace, const struct timeline *timeline,
                      const struct timeline_event *event)
{
    uint64_t recorded_ns = recorded_time(timeline, event);
    if (recorded_ns == 0)
        return 0;
    if (!pace->begun)
        *pace = (struct pace){.begun = true, .recorded_ns = recorded_ns, .here_ns = now_ns()};
    if (recorded_ns < pace->recorded_ns)
        return 0;
    uint64_t due_ns = recorded_ns - pace->recorded_ns;
    uint64_t passed_ns = now_ns() - pace->here_ns;
    return due_ns > passed_ns ? due_ns - passed_ns : 0;
}
