/**
 * \file publish_report.h
 * \brief How the publishes of two logs differ, as text and as JSON.
 */
#ifndef VRRL_PUBLISH_REPORT_H
#define VRRL_PUBLISH_REPORT_H

#include <json-c/json.h>

#include "replay/publish_diff.h"

void publish_report_print(const struct publish_diff *diff, const struct excerpt *a,
                          const struct excerpt *b);

/** An object with a total for each kind of change, and the first 1000 differences. */
struct json_object *publish_report_json(const struct publish_diff *diff, const struct excerpt *a,
                                        const struct excerpt *b);

#endif
