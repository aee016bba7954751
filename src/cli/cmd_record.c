#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/host.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/record_result.h"
#include "cli/target_log.h"
#include "log/vrrl.h"
#include "vyre/vyre_protocol.h"

#define SHIM "libvrrl-preload.so"
#define DEFAULT_LOG "vrrl.vrrl"

/** As shells end when they cannot run a command. */
enum {
    CANNOT_RUN = 126,
    NOT_FOUND = 127
};

static const char usage[] =
    "Usage: vrrl record [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "Run a command and record each slot that it publishes into a work ring.\n"
    "\n"
    "  -o, --output LOG   write to LOG instead of " DEFAULT_LOG "; a log of that name is\n"
    "                     kept as LOG.old. %p, %h and %e in it are the process id, the\n"
    "                     host's name and the program's name\n"
    "  -c, --capacity N   let a new log hold N records, 1 to 1048576 (default 65536);\n"
    "                     after them the oldest is overwritten\n"
    "  -a, --append       continue a log of that name, with its own capacity\n"
    "      --no-session   record the bare log only, without LOG.d beside it\n"
    "      --publish-symbol 'NAME(ring,len,slot,...) [-> CONDITION]'\n"
    "                     NAME publishes, with its parameters in this order: ring, len, slot,\n"
    "                     tenant, opcode, args, nargs, or _; may be repeated\n"
    "      --kernel NAME  the megakernel is the kernel of this name, whatever its buffers\n"
    "                     look like\n"
    "      --control-arg N, --ring-arg N\n"
    "                     the megakernel's arguments that are its control buffer and its\n"
    "                     ring, counted from 0 (default 0 and 1)\n"
    "  -h, --help         print this help\n"
    "\n"
    "Exit status: the command's; its death by a signal is repeated. 126 when it cannot be\n"
    "run, 127 when it is not found, 2 when recording cannot begin (nothing was run then).";

struct record_options {
    const char *log;
    uint64_t capacity;
    bool append;
    bool no_session;
    /** Separated by ';', NULL when none was given. */
    char *publish_symbols;
    /** NULL: recognised by its buffers. */
    const char *kernel;
    uint64_t control_argument;
    uint64_t ring_argument;
    bool help;
};

enum long_option {
    OPTION_NO_SESSION = 256,
    OPTION_PUBLISH_SYMBOL,
    OPTION_KERNEL,
    OPTION_CONTROL_ARGUMENT,
    OPTION_RING_ARGUMENT,
};

/** Arguments of a kernel that the shim looks at. */
#define ARGUMENTS_MAX 64

static bool read_argument(char **argv, const char *option, uint64_t *argument)
{
    if (option_number(optarg, ARGUMENTS_MAX - 1, argument)) {
        return true;
    }
    option_value_error(argv, option, "a number from 0 to 63");
    return false;
}

static bool add_publish_symbol(char **argv, struct record_options *options)
{
    char *before = options->publish_symbols;
    const char *open = strchr(optarg, '(');
    if (open == NULL || open == optarg || strchr(open, ')') == NULL) {
        option_value_error(argv, "--publish-symbol", "NAME(ring,len,slot,...)");
        return false;
    }
    if (asprintf(&options->publish_symbols, "%s%s%s", before == NULL ? "" : before,
                 before == NULL ? "" : ";", optarg) < 0) {
        message_error("record: %s. Fix: free some memory.", strerror(errno));
        return false;
    }
    free(before);
    return true;
}

static bool read_megakernel(int code, char **argv, struct record_options *options)
{
    switch (code) {
    case OPTION_KERNEL:
        options->kernel = optarg;
        if (optarg[0] == '\0' || strlen(optarg) > 255) {
            option_value_error(argv, "--kernel", "the name of a kernel, at most 255 bytes long");
            return false;
        }
        return true;
    case OPTION_CONTROL_ARGUMENT:
        return read_argument(argv, "--control-arg", &options->control_argument);
    default:
        return read_argument(argv, "--ring-arg", &options->ring_argument);
    }
}

static bool read_options(int argc, char **argv, struct record_options *options)
{
    static const struct option long_options[] = {
        {"output", required_argument, NULL, 'o'},
        {"capacity", required_argument, NULL, 'c'},
        {"append", no_argument, NULL, 'a'},
        {"no-session", no_argument, NULL, OPTION_NO_SESSION},
        {"publish-symbol", required_argument, NULL, OPTION_PUBLISH_SYMBOL},
        {"kernel", required_argument, NULL, OPTION_KERNEL},
        {"control-arg", required_argument, NULL, OPTION_CONTROL_ARGUMENT},
        {"ring-arg", required_argument, NULL, OPTION_RING_ARGUMENT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code;
    *options = (struct record_options){.log = DEFAULT_LOG,
                                       .capacity = VRRL_CAPACITY_DEFAULT,
                                       .control_argument = VYRE_KERNEL_ARG_CONTROL,
                                       .ring_argument = VYRE_KERNEL_ARG_RING};
    while ((code = getopt_long(argc, argv, "+:o:c:ah", long_options, NULL)) != -1) {
        switch (code) {
        case 'o':
            options->log = optarg;
            break;
        case 'c':
            if (!option_number(optarg, VRRL_CAPACITY_MAX, &options->capacity) ||
                options->capacity == 0) {
                option_value_error(argv, "--capacity", "a number from 1 to 1048576");
                return false;
            }
            break;
        case 'a':
            options->append = true;
            break;
        case OPTION_NO_SESSION:
            options->no_session = true;
            break;
        case OPTION_PUBLISH_SYMBOL:
            if (!add_publish_symbol(argv, options)) {
                return false;
            }
            break;
        case OPTION_KERNEL:
        case OPTION_CONTROL_ARGUMENT:
        case OPTION_RING_ARGUMENT:
            if (!read_megakernel(code, argv, options)) {
                return false;
            }
            break;
        case 'h':
            options->help = true;
            return true;
        default:
            option_error(argv, code);
            return false;
        }
    }
    if (options->control_argument == options->ring_argument) {
        message_error("record: argument %" PRIu64 " cannot be both control buffer and ring. Fix: "
                      "give --control-arg and --ring-arg different numbers.",
                      options->ring_argument);
        return false;
    }
    if (options->append && options->no_session) {
        message_error("record: without a session nobody can tell whether a log is being written. "
                      "Fix: leave out --append or --no-session.");
        return false;
    }
    if (optind == argc) {
        message_error("record: no command was given. Fix: put it after 'vrrl record --'.");
        return false;
    }
    return true;
}

/** The shim of a build tree beside an uninstalled command, or the installed one. */
static bool find_shim(char shim[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *places[] = {".libs/" SHIM, SHIM};
    for (size_t i = 0; size > 0 && i < sizeof(places) / sizeof(places[0]); i++) {
        self[size] = '\0';
        char copy[PATH_MAX];
        memcpy(copy, self, (size_t)size + 1);
        if (snprintf(shim, PATH_MAX, "%s/%s", dirname(copy), places[i]) < PATH_MAX &&
            access(shim, R_OK) == 0) {
            return true;
        }
    }
    snprintf(shim, PATH_MAX, "%s", PKGLIBDIR "/" SHIM);
    if (access(shim, R_OK) == 0) {
        return true;
    }
    message_error("%s: %s. Fix: install vrrl with 'make install'.", shim, strerror(errno));
    return false;
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
    int status;
    int error = child_run(file, command, variables, &status);
    if (error != 0) {
        message_error("%s: %s. Fix: make sure that it runs without vrrl.", command[0],
                      strerror(error));
        return CANNOT_RUN;
    }
    tell_result(log, since_ns, command[0], file);
    return child_repeat_end(status);
}

static int record(char **argv, const struct record_options *options)
{
    struct target_log log;
    char shim[PATH_MAX];
    char file[PATH_MAX];
    if (options->help) {
        puts(usage);
        return message_finish_output(CLI_WELL);
    }
    if (!target_log_check(options->log, options->append, &log) || !find_shim(shim)) {
        return CLI_FAILED;
    }
    int error = host_find(argv[optind], file);
    if (error != 0) {
        message_error("%s: %s. Fix: name a program that this user can run.", argv[optind],
                      strerror(error));
        return error == ENOENT || error == ENOTDIR ? NOT_FOUND : CANNOT_RUN;
    }
    char *preload = preload_list(shim);
    if (preload == NULL || !target_log_make_room(&log)) {
        free(preload);
        return CLI_FAILED;
    }
    int status = run_and_tell(options, &log, file, argv + optind, preload);
    free(preload);
    return status;
}

int cmd_record(int argc, char **argv)
{
    struct record_options options;
    int status = read_options(argc, argv, &options) ? record(argv, &options) : CLI_FAILED;
    free(options.publish_symbols);
    return status;
}
