/**
 * \file ring_report.h
 * \brief How launches and observations of one ring differ in two sessions, as text and as JSON.
 */
#ifndef VRRL_RING_REPORT_H
#define VRRL_RING_REPORT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "replay/findings.h"
#include "replay/session_diff.h"

/** A ring that both sessions have, compared. */
struct ring_comparison {
    const struct timeline *a;
    const struct timeline *b;
    const struct session_diff *diff;
    /** On a's timeline. */
    const struct findings *findings;
};

bool ring_differs(const struct ring_comparison *comparison);

void ring_report_print(const struct ring_comparison *comparison);

struct json_object *ring_report_json(const struct ring_comparison *comparison);

#endif
