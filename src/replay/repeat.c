#include "replay/repeat.h"

#include <stdlib.h>
#include <string.h>

#include "replay/trace.h"

static void count(struct repeat *repeat, uint64_t digest)
{
    size_t i = 0;
    repeat->runs++;
    while (i < repeat->len && repeat->outcomes[i].digest != digest)
        i++;
    if (i == repeat->len)
        repeat->outcomes[repeat->len++] =
            (struct repeat_outcome){.digest = digest, .first_run = repeat->runs};
    repeat->outcomes[i].runs++;
}

/** \param[out] result  of this run */
static bool run_again(const struct timeline *timeline, const struct backend *backend,
                      const struct replay_options *options, struct repeat *repeat,
                      struct replay_result *result, struct replay_error *error)
{
    struct trace trace;
    if (!trace_init(&trace, timeline, false, error))
        return false;
    struct replay_options again = *options;
    again.trace = &trace;
    bool run = replay_run(timeline, backend, &again, result, error);
    if (run && !result->stopped)
        count(repeat, trace.digest);
    trace_free(&trace);
    return run;
}

/** The runs after the first.  \param later  for the result of each */
static bool run_others(const struct timeline *timeline, const struct backend *backend,
                       const struct replay_options *options, uint32_t runs, struct repeat *repeat,
                       struct replay_result *later, struct replay_result *result,
                       struct replay_error *error)
{
    for (uint32_t i = 1; i < runs && !result->stopped; i++) {
        if (!run_again(timeline, backend, options, repeat, later, error))
            return false;
        if (repeat->parted > 0) {
            result->stopped = later->stopped;
            continue;
        }
        *result = *later;
        if (repeat->len > 1)
            repeat->parted = repeat->runs;
    }
    return true;
}

/** \param first  of the first run, released by the caller */
static bool run_all(const struct timeline *timeline, const struct backend *backend,
                    const struct replay_options *options, uint32_t runs, struct trace *first,
                    struct repeat *repeat, struct replay_result *result, struct replay_error *error)
{
    struct replay_options with = *options;
    with.against = REPLAY_AGAINST_RUN;
    with.first_run = NULL;
    with.trace = first;
    if (!replay_run(timeline, backend, &with, result, error))
        return false;
    if (result->stopped)
        return true;
    count(repeat, first->digest);
    with.first_run = first;
    /* Larger than a stack frame should be. */
    struct replay_result *later = malloc(sizeof(*later));
    if (later == NULL)
        return replay_fail_memory(error);
    bool run = run_others(timeline, backend, &with, runs, repeat, later, result, error);
    free(later);
    return run;
}

bool replay_repeat(const struct timeline *timeline, const struct backend *backend,
                   const struct replay_options *options, uint32_t runs, struct repeat *repeat,
                   struct replay_result *result, struct replay_error *error)
{
    struct trace first;
    memset(repeat, 0, sizeof(*repeat));
    repeat->outcomes = calloc(runs, sizeof(*repeat->outcomes));
    if (repeat->outcomes == NULL)
        return replay_fail_memory(error);
    bool run = trace_init(&first, timeline, true, error);
    if (run) {
        run = run_all(timeline, backend, options, runs, &first, repeat, result, error);
        trace_free(&first);
    }
    if (!run)
        repeat_free(repeat);
    return run;
}

void repeat_free(struct repeat *repeat)
{
    free(repeat->outcomes);
    memset(repeat, 0, sizeof(*repeat));
}
