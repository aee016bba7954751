#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/recorder_report.h"
#include "panel/remote.h"

static const char usage[] =
    "Usage: vrrl ps [--json]\n"
    "List the processes of this user, for root of all, that record, or could be asked to with\n"
    "'vrrl attach'.\n"
    "\n"
    "States: dormant, waiting (its log is opened with the next publish), recording, failed,\n"
    "confined (it forbids itself system calls, so no log can be opened); asked, ending: it has\n"
    "called nothing since that would show it what was asked.\n"
    "\n"
    "  -j, --json  print one JSON object a line\n"
    "  -h, --help  print this help\n"
    "\n"
    "Exit status: 0 all well, 2 it could not be done.";

struct listing {
    bool json;
    unsigned len;
};

static void print_duration(uint64_t nanoseconds)
{
    char text[32];
    uint64_t seconds = nanoseconds / UINT64_C(1000000000);
    snprintf(text, sizeof(text), "%" PRIu64 ":%02u:%02u", seconds / 3600,
             (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    printf(" %9s", text);
}

static void print_row(const struct recorder_report *report)
{
    printf("%7" PRIu32 "  %-9s", report->pid, report->state);
    if (report->for_ns > 0) {
        print_duration(report->for_ns);
    } else {
        printf(" %9s", "-");
    }
    if (report->counted) {
        printf(" %12" PRIu64 " %12" PRIu64 " %8" PRIu64 " %8" PRIu64, report->publishes,
               report->overwritten, report->failed, report->skipped);
    } else {
        printf(" %12s %12s %8s %8s", "-", "-", "-", "-");
    }
    printf("  %-15s  %s\n", report->program, report->log[0] == '\0' ? "-" : report->log);
    if (report->fault[0] != '\0') {
        printf("         %s\n", report->fault);
    }
}

static void list_one(uint32_t pid, void *opaque)
{
    struct listing *listing = opaque;
    struct process process;
    struct panel_remote panel;
    struct recorder_report report;
    if (!process_look(pid, &process) || panel_open(&process, false, &panel) != 0) {
        return;
    }
    // One that was left behind by the program before an exec is nobody's.
    if (panel_is_in_use(&process) && panel_read(&panel)) {
        recorder_report(&process, &panel.seen, &report);
        if (listing->json) {
            recorder_report_print_json(&report);
        } else {
            if (listing->len++ == 0) {
                printf("%7s  %-9s %9s %12s %12s %8s %8s  %-15s  %s\n", "PID", "STATE", "FOR",
                       "PUBLISHES", "OVERWRITTEN", "FAILED", "SKIPPED", "PROGRAM", "LOG");
            }
            print_row(&report);
        }
    }
    panel_close(&panel);
}

int cmd_ps(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct listing listing = {.json = false};
    int code;
    while ((code = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
        switch (code) {
        case 'j':
            listing.json = true;
            break;
        case 'h':
            puts(usage);
            return message_finish_output(CLI_WELL);
        default:
            option_error(argv, code);
            return CLI_FAILED;
        }
    }
    if (optind < argc) {
        message_error("ps: '%s' is one argument too many. Fix: see 'vrrl ps --help'.",
                      argv[optind]);
        return CLI_FAILED;
    }
    panel_for_each(list_one, &listing);
    return message_finish_output(CLI_WELL);
}
