/**
 * \file recorder_report.h
 * \brief What is known of the recorder in a process: from its panel, and from the log that it
 *        writes.
 */
#ifndef VRRL_RECORDER_REPORT_H
#define VRRL_RECORDER_REPORT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "panel/panel.h"
#include "panel/process.h"

struct recorder_report {
    uint32_t pid;
    const char *program;
    /** One word: dormant, asked, waiting, recording, ending, failed, confined. */
    const char *state;
    /** What is recorded into, or was to be, as the caller finds it; "": nothing. */
    char log[PATH_MAX + 32];
    /** Nanoseconds since it was opened; 0 when none is. */
    uint64_t for_ns;
    /** The counters are known: the log and its session can be read. */
    bool counted;
    /** Since this process opened it: publishes that were recorded, those of them that were
     *  overwritten since, those that the runtime refused, and those that could not be recorded. */
    uint64_t publishes;
    uint64_t overwritten;
    uint64_t failed;
    uint64_t skipped;
    /** "" when all is well; else a sentence that ends with "Fix: …". */
    char fault[PANEL_FAULT_BYTES];
};

/** Whether recording is wanted in the process, and has not failed. */
bool recorder_is_on(const struct panel *panel);

/** \a process and \a panel are pointed to by the report. */
void recorder_report(const struct process *process, const struct panel *panel,
                     struct recorder_report *report);

/** \return an object that the caller releases with json_object_put() */
struct json_object *recorder_report_json(const struct recorder_report *report);

/** Print the object, and release it. */
void recorder_report_print_json(const struct recorder_report *report);

#endif
