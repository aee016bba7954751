#include "cli/recorder_report.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/vrrl.h"
#include "panel/root.h"
#include "session/session.h"

static bool was_answered(const struct panel *panel)
{
    return panel->status.answered == panel->word &&
           (panel_wants_on(panel->word) || panel->left == panel->word);
}

bool recorder_is_on(const struct panel *panel)
{
    uint32_t state = panel->status.state;
    if (!was_answered(panel)) {
        return panel_wants_on(panel->word);
    }
    return state == PANEL_WAITING || state == PANEL_RECORDING;
}

static const char *state_of(const struct panel *panel)
{
    static const char *const states[] = {
        [PANEL_DORMANT] = "dormant", [PANEL_WAITING] = "waiting",   [PANEL_RECORDING] = "recording",
        [PANEL_FAILED] = "failed",   [PANEL_CONFINED] = "confined",
    };
    uint32_t state = panel->status.state;
    if (!was_answered(panel)) {
        return panel_wants_on(panel->word) ? "asked" : "ending";
    }
    return state < sizeof(states) / sizeof(states[0]) ? states[state] : "unknown";
}

static void count_session(const struct session_reader *session, const struct vrrl_info *info,
                          const struct panel_status *status, struct recorder_report *report)
{
    const struct session_header *header = session_reader_header(session);
    const struct session_run *run = &header->run_table[(status->run - 1) % SESSION_RUNS_MAX];
    if (run->number != status->run) {
        return;
    }
    report->counted = true;
    report->publishes = session_reader_total(session, info->cursor) - run->first_sequence;
    report->overwritten =
        report->publishes > info->capacity ? report->publishes - info->capacity : 0;
    report->failed = header->failed - status->failed_before;
    report->skipped = header->skipped - status->skipped_before;
}

static const char *count_log(const char *path, const struct panel_status *status,
                             struct recorder_report *report)
{
    struct stat file;
    struct vrrl_reader *reader;
    struct session_reader *session;
    struct vrrl_info info;
    if (stat(path, &file) != 0) {
        return "its log was deleted, and what is recorded goes nowhere. Fix: detach, and attach "
               "again.";
    }
    if (file.st_dev != status->log_device || file.st_ino != status->log_inode) {
        return "another file has the name of its log. Fix: detach, and attach again.";
    }
    if (vrrl_reader_open(path, &reader) != 0) {
        return "its log cannot be read: it was damaged, or is not this user's. Fix: see 'vrrl "
               "verify'.";
    }
    vrrl_reader_info(reader, &info);
    vrrl_reader_close(reader);
    if (info.lost > 0) {
        return "its log was truncated. Fix: detach, and attach again.";
    }
    int error = session_reader_open(path, info.capacity, &session);
    if (error == 0) {
        count_session(session, &info, status, report);
        session_reader_close(session);
    } else if (error == VRRL_E_NOT_FOUND) {
        // Of a bare log only what it holds is known.
        report->counted = true;
        report->publishes = info.live;
    } else {
        return session_strerror(error);
    }
    return "";
}

/** Look into the log that is recorded into. \return why it cannot be, "" when it can */
static const char *count(const char *root, const struct panel_status *status,
                         struct recorder_report *report)
{
    char here[PATH_MAX] = "";
    int folder = root_reach(root, status->log, here);
    const char *fault = count_log(here, status, report);
    if (folder >= 0) {
        close(folder);
    }
    return fault;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void recorder_report(const struct process *process, const struct panel *panel,
                     struct recorder_report *report)
{
    const struct panel_status *status = &panel->status;
    *report = (struct recorder_report){
        .pid = process->pid,
        .program = process->name,
        .state = state_of(panel),
    };
    const char *log = status->log;
    const char *fault = status->state == PANEL_FAILED ? status->fault : "";
    if (!was_answered(panel) && panel_wants_on(panel->word)) {
        log = panel->request.log;
        fault = "";
    } else if (status->state == PANEL_RECORDING) {
        uint64_t now = now_ns();
        report->for_ns = now > status->since_ns ? now - status->since_ns : 0;
        fault = count(process->root, status, report);
    } else if (status->state == PANEL_WAITING && panel->word != 0) {
        log = panel->request.log;
    }
    snprintf(report->log, sizeof(report->log), "%s%s", log[0] == '\0' ? "" : process->root, log);
    snprintf(report->fault, sizeof(report->fault), "%s", fault);
}

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
    json_object_object_add(object, name, json_object_new_uint64(value));
}

struct json_object *recorder_report_json(const struct recorder_report *report)
{
    struct json_object *object = json_object_new_object();
    add_number(object, "pid", report->pid);
    json_object_object_add(object, "program", json_object_new_string(report->program));
    json_object_object_add(object, "state", json_object_new_string(report->state));
    if (report->log[0] != '\0') {
        json_object_object_add(object, "log", json_object_new_string(report->log));
    }
    if (strcmp(report->state, "recording") == 0 || report->for_ns > 0) {
        add_number(object, "for_ns", report->for_ns);
    }
    if (report->counted) {
        add_number(object, "publishes", report->publishes);
        add_number(object, "overwritten", report->overwritten);
        add_number(object, "failed", report->failed);
        add_number(object, "skipped", report->skipped);
    }
    if (report->fault[0] != '\0') {
        json_object_object_add(object, "fault", json_object_new_string(report->fault));
    }
    return object;
}

void recorder_report_print_json(const struct recorder_report *report)
{
    struct json_object *object = recorder_report_json(report);
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}
