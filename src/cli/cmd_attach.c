#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/record_options.h"
#include "cli/recorder_report.h"
#include "cli/target_log.h"
#include "cli/target_process.h"
#include "cli/target_shim.h"

#define WAIT_MS 500

static const char usage[] =
    "Usage: vrrl attach [OPTION]... PID\n"
    "Record each slot that a running process publishes into a work ring, from now on until\n"
    "'vrrl detach'. A process without the shim is made to load it at one of its next calls of a\n"
    "function that is recorded, or stopped for a moment in its own code.\n"
    "\n" RECORD_OPTIONS_USAGE
    "      --checkpoint   read the megakernel's buffers once, before its next launch, so that a\n"
    "                     replay is exact from there\n"
    "  -j, --json         print one JSON object, as 'vrrl ps --json' does\n"
    "  -h, --help         print this help\n"
    "\n"
    "Exit status: 0 it records, or begins to with the next publish; 2 it could not be done; the\n"
    "process goes on unrecorded.";

enum {
    OPTION_CHECKPOINT = OPTION_OF_VERB,
};

struct options {
    struct record_options record;
    bool checkpoint;
    bool json;
    bool help;
    uint32_t pid;
};

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option long_options[] = {
        RECORD_LONG_OPTIONS,
        {"checkpoint", no_argument, NULL, OPTION_CHECKPOINT},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code;
    *options = (struct options){.help = false};
    record_options_begin(&options->record);
    while ((code = getopt_long(argc, argv, ":" RECORD_SHORT_OPTIONS "jh", long_options, NULL)) !=
           -1) {
        if (code == 'h') {
            options->help = true;
            return true;
        }
        if (code == 'j') {
            options->json = true;
        } else if (code == OPTION_CHECKPOINT) {
            options->checkpoint = true;
        } else if (!record_options_take(code, argv, &options->record)) {
            return false;
        }
    }
    return record_options_check("attach", &options->record) &&
           target_process_pid(argc, argv, &options->pid);
}

static bool copy_text(char *to, size_t room, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (length >= room) {
        return false;
    }
    memcpy(to, text == NULL ? "" : text, length + 1);
    return true;
}

static bool make_request(const struct options *options, const struct target_log *log,
                         struct panel_request *request)
{
    const struct record_options *record = &options->record;
    *request = (struct panel_request){
        .capacity = record->capacity,
        .flags = (record->no_session ? PANEL_NO_SESSION : 0u) |
                 (options->checkpoint ? PANEL_CHECKPOINT : 0u),
        .control_argument = (uint32_t)record->control_argument,
        .ring_argument = (uint32_t)record->ring_argument,
    };
    if (copy_text(request->log, sizeof(request->log), log->path) &&
        copy_text(request->kernel, sizeof(request->kernel), record->kernel) &&
        copy_text(request->publish_symbols, sizeof(request->publish_symbols),
                  record->publish_symbols)) {
        return true;
    }
    message_error("attach: what was given by --publish-symbol is longer than %d bytes. Fix: leave "
                  "out what need not be told (_).",
                  PANEL_SYMBOLS_BYTES - 1);
    return false;
}

/** Whether it can be asked at all. \return false after a message */
static bool check_panel(const struct process *process, const struct panel *panel)
{
    struct recorder_report report;
    recorder_report(process, panel, &report);
    if (recorder_is_on(panel)) {
        message_error("attach: process %u is recorded already%s%s. Fix: 'vrrl detach %u' first.",
                      process->pid, report.log[0] == '\0' ? "" : ", into ", report.log,
                      process->pid);
        return false;
    }
    if (panel->status.state == PANEL_CONFINED) {
        message_error("attach: process %u forbids itself system calls (seccomp), and no log can be "
                      "opened in it any more. Fix: record it from its start.",
                      process->pid);
        return false;
    }
    return true;
}

/** Say how it stands. */
static int tell(const struct process *process, const struct panel_remote *panel, bool json)
{
    struct recorder_report report;
    struct process now;
    uint32_t state = panel->seen.status.state;
    bool answered = panel->seen.status.answered == panel->seen.word;
    recorder_report(process, &panel->seen, &report);
    if (!process_look(process->pid, &now) || now.zombie) {
        message_error("attach: process %u ended meanwhile. Fix: record it from its start, with "
                      "'vrrl record'.",
                      process->pid);
        return CLI_FAILED;
    }
    if (answered && (state == PANEL_FAILED || state == PANEL_CONFINED)) {
        message_error("attach: process %u could not record%s%s: %s", process->pid,
                      report.log[0] == '\0' ? "" : " into ", report.log, report.fault);
        return CLI_FAILED;
    }
    if (json) {
        recorder_report_print_json(&report);
    } else if (answered && state == PANEL_RECORDING) {
        message_notice("process %u is recorded into %s%s%s%s", process->pid, report.log,
                       process->root[0] == '\0' ? "" : " (",
                       process->root[0] == '\0' ? "" : panel->seen.status.log,
                       process->root[0] == '\0' ? "" : " as it sees it)");
    } else {
        message_notice("process %u has published nothing since: recording begins with its next "
                       "publish",
                       process->pid);
    }
    return message_finish_output(CLI_WELL);
}

/** Ask, and wait for the log to be opened as long as a host that publishes would take. */
static int ask(const struct process *process, struct panel_remote *panel,
               const struct panel_request *request, bool json)
{
    if (!panel_ask(panel, request)) {
        message_error("attach: process %u: its control file cannot be written: %m. Fix: try again.",
                      process->pid);
        return CLI_FAILED;
    }
    if (!target_shim_wake(process, panel, request->publish_symbols)) {
        return CLI_FAILED;
    }
    panel_unlock(panel);
    panel_wait_past(panel, PANEL_WAITING, WAIT_MS);
    return tell(process, panel, json);
}

static int attach(const struct options *options)
{
    struct process process;
    struct target_log log;
    struct panel_request request;
    struct panel_remote panel;
    if (!target_process_look("attach", options->pid, &process) ||
        !target_log_check(&process, options->record.log, options->record.append, &log) ||
        !make_request(options, &log, &request)) {
        return CLI_FAILED;
    }
    if (target_process_panel("attach", &process, true, &panel) != 0) {
        return CLI_FAILED;
    }
    int status = CLI_FAILED;
    if (check_panel(&process, &panel.seen) && target_log_make_room(&log)) {
        if (!options->record.no_session) {
            target_log_prepare(&log, options->record.capacity);
        }
        status = ask(&process, &panel, &request, options->json);
        if (status != CLI_WELL) {
            target_log_take_back(&process, log.path);
        }
    }
    panel_close(&panel);
    return status;
}

int cmd_attach(int argc, char **argv)
{
    struct options options;
    int status = CLI_FAILED;
    if (read_options(argc, argv, &options)) {
        if (options.help) {
            puts(usage);
            status = message_finish_output(CLI_WELL);
        } else {
            status = attach(&options);
        }
    }
    record_options_free(&options.record);
    return status;
}
