#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/replay_options.h"
#include "cli/replay_report.h"

/** As of a command that SIGINT has ended. */
#define STATUS_INTERRUPTED 130

const struct backend *replay_backend(const struct replay_request *request,
                                     const struct timeline *timeline)
{
    if (timeline->fed && !request->options.builtin)
        return &backend_fed;
    return request->resident ? &backend_resident : &backend_opencl;
}

/** Print the report.  \return the exit status */
static int finish(struct replay_report *report)
{
    const struct replay_result *result = report->result;
    int status = CLI_WELL;
    replay_report_assume(report);
    report->verdict = "match";
    if (result == NULL || (result->unhandled_records > 0 && result->divergences.total == 0)) {
        report->verdict = "incomplete";
        status = CLI_FAILED;
    } else if (result->stopped && result->divergences.total == 0) {
        report->verdict = "stopped";
    } else if (result->divergences.total > 0) {
        report->verdict = "diverged";
        status = CLI_FOUND;
    }
    if (report->request->json)
        replay_json_print(report);
    else
        replay_text_print(report);
    if (result == NULL)
        message_error("%s: %zu of its %zu records cannot be replayed faithfully. Fix: see the "
                      "reason of each.",
                      report->request->path, report->timeline->obstacles,
                      report->timeline->excerpt.len);
    if (result != NULL && result->stopped)
        status = STATUS_INTERRUPTED;
    return message_finish_output(status);
}

/** Find out what the divergences come from, and print it all.  \return the exit status, or -1 */
static int explain(struct replay_report *report, struct replay_error *error)
{
    struct findings findings;
    if (!findings_make(report->timeline, &report->result->divergences, &findings, error))
        return -1;
    report->findings = &findings;
    replay_report_name_sides(report);
    watch_report(report->request->options.watch);
    int status = finish(report);
    findings_free(&findings);
    return status;
}

static bool run(const struct replay_request *request, const struct timeline *timeline,
                struct repeat *repeat, struct replay_result *result, struct replay_error *error)
{
    if (request->runs > 0)
        return replay_repeat(timeline, replay_backend(request, timeline), &request->options,
                             request->runs, repeat, result, error);
    return replay_run(timeline, replay_backend(request, timeline), &request->options, result,
                      error);
}

static int replay_timeline(const struct replay_request *request, const struct timeline *timeline,
                           struct replay_error *error)
{
    struct replay_report report = {.request = request, .timeline = timeline};
    if (timeline->obstacles > 0)
        return finish(&report);

    /* Larger than a stack frame should be. */
    struct replay_result *result = malloc(sizeof(*result));
    struct repeat repeat = {0};
    int status = -1;
    if (result == NULL) {
        replay_fail_memory(error);
    } else if (run(request, timeline, &repeat, result, error)) {
        report.result = result;
        report.repeat = request->runs > 0 ? &repeat : NULL;
        status = explain(&report, error);
        repeat_free(&repeat);
    }
    free(result);
    return status;
}

/** What a worker is given. */
struct work {
    const struct replay_request *request;
    const struct timeline *timeline;
};

static int do_work(void *context, struct watch *watch)
{
    const struct work *work = context;
    struct replay_request request = *work->request;
    struct replay_error error;
    request.options.watch = watch;
    int status = replay_timeline(&request, work->timeline, &error);
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}

/** Replay in a process of its own, which a device can stall or crash. \return -1 with the error */
static int replay_watched(const struct replay_request *request, const struct timeline *timeline,
                          struct replay_error *error)
{
    struct work work = {request, timeline};
    int status = -1;
    fflush(stdout);
    switch (watch_run(do_work, &work, request->timeout_s, &status, error)) {
    case WATCH_ENDED:
        return status;
    case WATCH_INTERRUPTED:
        message_error("the replay was interrupted, and its device did not come back to report. "
                      "Fix: look at what its kernel does.");
        return STATUS_INTERRUPTED;
    case WATCH_FAILED:
        break;
    }
    return -1;
}

static int replay_ring(const struct replay_request *request, const struct excerpt_choice *choice)
{
    struct replay_error error;
    struct timeline timeline;
    int status = -1;
    if (timeline_read(request->path, choice, &timeline, &error)) {
        status = replay_watched(request, &timeline, &error);
        timeline_free(&timeline);
    }
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}

/** Each ring is a stream of its own.  \return the worst status */
static int replay_rings(struct replay_request *request, struct replay_error *error)
{
    uint32_t *rings;
    size_t len;
    int worst = CLI_WELL;
    if (!excerpt_list_rings(request->path, &request->choice, &rings, &len, error))
        return -1;
    for (size_t i = 0; i < len; i++) {
        struct excerpt_choice choice = request->choice;
        choice.ring_given = choice.run_given;
        choice.ring = rings[i];
        if (i > 0 && !request->json)
            putchar('\n');
        int status = replay_ring(request, &choice);
        worst = status > worst ? status : worst;
        if (status == STATUS_INTERRUPTED)
            break;
    }
    free(rings);
    return worst;
}

int cmd_replay(int argc, char **argv)
{
    struct replay_request request;
    int status = replay_options_parse(argc, argv, &request);
    if (status >= 0)
        return status;

    struct replay_error error;
    if (handlers_read(request.handlers_path, &request.handlers, &error)) {
        request.options.handlers = &request.handlers;
        status = replay_rings(&request, &error);
        handlers_free(&request.handlers);
    }
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}
