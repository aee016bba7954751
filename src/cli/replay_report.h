/**
 * \file replay_report.h
 * \brief What a replay found, as text and as JSON.
 */
#ifndef VRRL_REPLAY_REPORT_H
#define VRRL_REPLAY_REPORT_H

#include <stddef.h>

#include "cli/finding_text.h"
#include "cli/replay_options.h"
#include "replay/findings.h"
#include "replay/repeat.h"
#include "replay/replay.h"
#include "replay/timeline.h"

#define REPLAY_ASSUMPTIONS_MAX 16u
#define REPLAY_ASSUMPTION_SIZE 256u
#define REPLAY_RUN_NAME_SIZE 32u

/** All that is printed of one ring. */
struct replay_report {
    const struct replay_request *request;
    const struct timeline *timeline;
    /** NULL when the replay was incomplete and did not run. */
    const struct replay_result *result;
    /** What its divergences come from; there with a result. */
    const struct findings *findings;
    /** With --runs; \c result is its first run that parted then, or the last one. */
    const struct repeat *repeat;
    /** What was compared, and the name of the second run. */
    struct finding_sides sides;
    char run_name[REPLAY_RUN_NAME_SIZE];
    const char *verdict;
    char assumed[REPLAY_ASSUMPTIONS_MAX][REPLAY_ASSUMPTION_SIZE];
    size_t assumed_len;
};

/** Where it runs. */
const struct backend *replay_backend(const struct replay_request *request,
                                     const struct timeline *timeline);

/** Say what the replay rests on without knowing it. */
void replay_report_assume(struct replay_report *report);

/** What it was compared with, as in JSON: "recorded", "reference", "device" or "run". */
const char *replay_against_name(enum replay_against against);

/** Name what its result has compared. */
void replay_report_name_sides(struct replay_report *report);

/** Print it for a person: where two sides part, and why, is on the first screen. */
void replay_text_print(const struct replay_report *report);

/** Print one JSON object with all of it, on a line of its own. */
void replay_json_print(const struct replay_report *report);

#endif
