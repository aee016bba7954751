/**
 * \file findings_report.h
 * \brief Findings as text, a few lines for the likeliest causes, and as JSON, all of them.
 */
#ifndef VRRL_FINDINGS_REPORT_H
#define VRRL_FINDINGS_REPORT_H

#include <json-c/json.h>

#include "cli/finding_text.h"
#include "replay/findings.h"

/** Print where the sides part first, and why: at most 16 lines. */
void findings_report_print(const struct findings *findings, const struct timeline *timeline,
                           const struct finding_sides *sides);

/** An array with all findings, the likeliest cause first. */
struct json_object *findings_report_json(const struct findings *findings,
                                         const struct timeline *timeline,
                                         const struct finding_sides *sides);

#endif
