#include "attach/attach.h"

#include <sys/prctl.h>

#include "attach/by_reference.h"
#include "attach/by_stop.h"

/** Of the time, the part in which the job may come by itself. */
static uint64_t half_time(const struct injection *injection)
{
    uint64_t now = injection_now_ns();
    return now < injection->deadline_ns ? now + (injection->deadline_ns - now) / 2 : now;
}

static enum outcome inject(struct injection *injection, struct attach_result *result,
                           struct attach_error *error)
{
    result->way = ATTACH_BY_REFERENCE;
    enum outcome outcome = by_reference(injection, half_time(injection), error);
    if (outcome != OUTCOME_NOT_THIS_WAY)
        return outcome;
    result->way = ATTACH_BY_STOP;
    return by_stop(injection, error);
}

static int load(const struct attach_request *request, struct attach_result *result,
                struct attach_error *error)
{
    struct target target;
    struct injection injection;
    enum outcome outcome = OUTCOME_FAILED;
    if (!target_open(request->pid, request->shim, &target, error))
        return -1;
    result->was_loaded = target.shim != NULL;
    if (injection_plan(&target, request, &injection, error)) {
        target.memory.hurried = true;
        outcome = inject(&injection, result, error);
    }
    target_close(&target);
    return outcome == OUTCOME_LOADED ? 0 : -1;
}

int attach_load(const struct attach_request *request, struct attach_result *result,
                struct attach_error *error)
{
    /* A thread of the job waits for what is polled for here. */
    int slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1);
    int loaded = load(request, result, error);
    prctl(PR_SET_TIMERSLACK, slack);
    return loaded;
}
