#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/recorder_report.h"
#include "cli/target_log.h"
#include "cli/target_process.h"

#define WAIT_MS 500

static const char usage[] =
    "Usage: vrrl detach [--json] PID\n"
    "End recording in a process, which goes on as if nobody had recorded it.\n"
    "\n"
    "  -j, --json  print one JSON object, as 'vrrl ps --json' does\n"
    "  -h, --help  print this help\n"
    "\n"
    "Exit status: 0 recording has ended, or ends with the next publish; 2 it could not be done,\n"
    "and nothing was changed.";

/** What was recorded, before it ends; and how it is then. */
static int tell(const struct process *process, const struct panel_remote *panel,
                const struct recorder_report *before, bool answered, bool json)
{
    struct recorder_report report;
    recorder_report(process, &panel->seen, &report);
    if (json) {
        recorder_report_print_json(&report);
    } else if (!answered) {
        message_notice(
            "process %u has called nothing since that would show it: recording ends with "
            "its next publish",
            process->pid);
    } else if (before->counted) {
        message_notice("process %u records no more: %" PRIu64 " publishes in %s (%" PRIu64
                       " overwritten)",
                       process->pid, before->publishes, before->log, before->overwritten);
    } else {
        message_notice("process %u records no more", process->pid);
    }
    return message_finish_output(CLI_WELL);
}

static int refuse(const struct process *process, const struct panel *panel)
{
    bool failed = panel != NULL && panel->status.state == PANEL_FAILED;
    message_error("detach: process %u is not recorded%s%s Fix: 'vrrl ps' lists those that are.",
                  process->pid, failed ? ": " : ".", failed ? panel->status.fault : "");
    return CLI_FAILED;
}

static int detach(uint32_t pid, bool json)
{
    struct process process;
    struct panel_remote panel;
    struct recorder_report before;
    if (!target_process_look("detach", pid, &process)) {
        return CLI_FAILED;
    }
    int error = panel_is_in_use(&process) ? target_process_panel("detach", &process, false, &panel)
                                          : ENOENT;
    if (error != 0) {
        return error == ENOENT ? refuse(&process, NULL) : CLI_FAILED;
    }
    int status = CLI_FAILED;
    struct panel as_was = panel.seen;
    if (!recorder_is_on(&panel.seen)) {
        status = refuse(&process, &panel.seen);
    } else if (!panel_ask(&panel, NULL)) {
        message_error("detach: process %u: its control file cannot be written: %m. Fix: try again.",
                      pid);
    } else {
        panel_unlock(&panel);
        bool answered = panel_wait_left(&panel, WAIT_MS);
        if (as_was.status.state != PANEL_RECORDING) {
            target_log_take_back(&process, as_was.request.log);
        }
        recorder_report(&process, &as_was, &before);
        status = tell(&process, &panel, &before, answered, json);
    }
    panel_close(&panel);
    return status;
}

int cmd_detach(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool json = false;
    uint32_t pid;
    int code;
    while ((code = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
        switch (code) {
        case 'j':
            json = true;
            break;
        case 'h':
            puts(usage);
            return message_finish_output(CLI_WELL);
        default:
            option_error(argv, code);
            return CLI_FAILED;
        }
    }
    return target_process_pid(argc, argv, &pid) ? detach(pid, json) : CLI_FAILED;
}
