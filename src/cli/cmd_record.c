#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/host.h"
#include "cli/message.h"
#include "cli/record_options.h"
#include "cli/record_result.h"
#include "cli/shim.h"
#include "cli/target_log.h"

/** As shells end when they cannot run a command. */
enum {
    CANNOT_RUN = 126,
    NOT_FOUND = 127
};

static const char usage[] =
    "Usage: vrrl record [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "Run a command and record each slot that it publishes into a work ring.\n"
    "\n" RECORD_OPTIONS_USAGE
    "      --dormant      record nothing until 'vrrl attach' asks for it\n"
    "  -h, --help         print this help\n"
    "\n"
    "Exit status: the command's; its death by a signal is repeated. 126 when it cannot be\n"
    "run, 127 when it is not found, 2 when recording cannot begin (nothing was run then).";

enum {
    OPTION_DORMANT = OPTION_OF_VERB,
};

struct options {
    struct record_options record;
    bool dormant;
    bool help;
};

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option long_options[] = {
        RECORD_LONG_OPTIONS,
        {"dormant", no_argument, NULL, OPTION_DORMANT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code;
    *options = (struct options){.help = false};
    record_options_begin(&options->record);
    while ((code = getopt_long(argc, argv, "+:" RECORD_SHORT_OPTIONS "h", long_options, NULL)) !=
           -1) {
        if (code == 'h') {
            options->help = true;
            return true;
        }
        if (code == OPTION_DORMANT) {
            options->dormant = true;
        } else if (!record_options_take(code, argv, &options->record)) {
            return false;
        }
    }
    if (!record_options_check("record", &options->record)) {
        return false;
    }
    if (options->dormant && options->record.given) {
        message_error("record: with --dormant nothing is recorded yet. Fix: give the other options "
                      "to 'vrrl attach'.");
        return false;
    }
    if (optind == argc) {
        message_error("record: no command was given. Fix: put it after 'vrrl record --'.");
        return false;
    }
    return true;
}

/** LD_PRELOAD with the shim behind what is preloaded already: a sanitizer must stay the first. */
static char *preload_list(const char *shim)
{
    if (strpbrk(shim, ": ") != NULL) {
        message_error("%s: a library with a colon or a space in its path cannot be preloaded. "
                      "Fix: install vrrl elsewhere.",
                      shim);
        return NULL;
    }
    const char *others = getenv("LD_PRELOAD");
    char *list = NULL;
    bool alone = others == NULL || others[0] == '\0';
    if (asprintf(&list, "%s%s%s", alone ? "" : others, alone ? "" : ":", shim) < 0) {
        message_error("record: %s. Fix: free some memory.", strerror(errno));
        return NULL;
    }
    return list;
}

static void tell_log(const char *name, const struct record_result *result)
{
    message_notice("recorded %" PRIu64 " publish%s in %s (%" PRIu64 " overwritten)",
                   result->recorded, result->recorded == 1 ? "" : "es", name, result->overwritten);
}

static void tell_result(const struct target_log *log, uint64_t since_ns, const char *command,
                        const char *file)
{
    unsigned opened = 0;
    if (record_results(log->name, since_ns, &opened, tell_log) > 0) {
        return;
    }
    const char *reason = host_refuses_preload(file);
    const char *disabled = getenv("VRRL_DISABLE");
    if (disabled != NULL && disabled[0] != '\0' && strcmp(disabled, "0") != 0) {
        reason = "VRRL_DISABLE is set";
    } else if (opened > 0) {
        reason = "the runtime refused every publish";
    } else if (reason == NULL) {
        reason =
            "it called no publish function that is known, such as vyre_publish_slot "
            "(see --publish-symbol), and launched no megakernel through OpenCL (see --kernel), "
            "or a line above says why it could not record";
    }
    message_notice("nothing was recorded from %s: %s", command, reason);
}

static int run(const char *file, char **command, const struct child_variable *variables)
{
    int status;
    int error = child_run(file, command, variables, &status);
    if (error != 0) {
        message_error("%s: %s. Fix: make sure that it runs without vrrl.", command[0],
                      strerror(error));
        return -1;
    }
    return status;
}

static int run_and_tell(const struct record_options *options, const struct target_log *log,
                        const char *file, char **command, const char *preload)
{
    char capacity[32];
    char control_argument[32];
    char ring_argument[32];
    snprintf(control_argument, sizeof(control_argument), "%" PRIu64, options->control_argument);
    snprintf(ring_argument, sizeof(ring_argument), "%" PRIu64, options->ring_argument);
    snprintf(capacity, sizeof(capacity), "%" PRIu64, options->capacity);
    const struct child_variable variables[] = {
        {"LD_PRELOAD", preload},
        {"VRRL_LOG", log->path},
        {"VRRL_CAPACITY", capacity},
        {"VRRL_NO_SESSION", options->no_session ? "1" : "0"},
        {"VRRL_PUBLISH_SYMBOL", options->publish_symbols == NULL ? "" : options->publish_symbols},
        {"VRRL_KERNEL", options->kernel == NULL ? "" : options->kernel},
        {"VRRL_CONTROL_ARG", control_argument},
        {"VRRL_RING_ARG", ring_argument},
        {NULL, NULL},
    };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t since_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    int status = run(file, command, variables);
    if (status < 0) {
        return CANNOT_RUN;
    }
    tell_result(log, since_ns, command[0], file);
    return child_repeat_end(status);
}

/** What the environment asks for holds no more: `vrrl attach` brings it all. */
static int run_dormant(const char *file, char **command, const char *preload)
{
    const struct child_variable variables[] = {
        {"LD_PRELOAD", preload},
        {"VRRL_DISABLE", "1"},
        {NULL, NULL},
    };
    const char *refuses = host_refuses_preload(file);
    if (refuses != NULL) {
        message_notice("%s cannot be attached to by way of its shim: %s", command[0], refuses);
    }
    int status = run(file, command, variables);
    return status < 0 ? CANNOT_RUN : child_repeat_end(status);
}

static bool find_command(char **argv, char file[PATH_MAX], int *status)
{
    int error = host_find(argv[optind], file);
    if (error == 0) {
        return true;
    }
    message_error("%s: %s. Fix: name a program that this user can run.", argv[optind],
                  strerror(error));
    *status = error == ENOENT || error == ENOTDIR ? NOT_FOUND : CANNOT_RUN;
    return false;
}

static int record(char **argv, const struct options *options)
{
    struct target_log log;
    char shim[PATH_MAX];
    char file[PATH_MAX];
    int status = CLI_FAILED;
    if (options->help) {
        puts(usage);
        return message_finish_output(CLI_WELL);
    }
    if ((!options->dormant &&
         !target_log_check(NULL, options->record.log, options->record.append, &log)) ||
        !shim_find(shim) || !find_command(argv, file, &status)) {
        return status;
    }
    char *preload = preload_list(shim);
    if (preload != NULL && options->dormant) {
        status = run_dormant(file, argv + optind, preload);
    } else if (preload != NULL && target_log_make_room(&log)) {
        status = run_and_tell(&options->record, &log, file, argv + optind, preload);
    }
    free(preload);
    return status;
}

int cmd_record(int argc, char **argv)
{
    struct options options;
    int status = read_options(argc, argv, &options) ? record(argv, &options) : CLI_FAILED;
    record_options_free(&options.record);
    return status;
}
