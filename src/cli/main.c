#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "config.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"record", cmd_record, "run a command and record what it publishes"},
    {"attach", cmd_attach, "record what a running process publishes"},
    {"detach", cmd_detach, "end that, and let the process go on"},
    {"ps", cmd_ps, "list the processes that record, or could"},
    {"info", cmd_info, "say what a log is"},
    {"dump", cmd_dump, "print the records of a log, oldest first"},
    {"verify", cmd_verify, "say whether a log is sound"},
    {"replay", cmd_replay, "run a log again on OpenCL and compare"},
    {"diff", cmd_diff, "compare two logs with each other"},
    {"devices", cmd_devices, "list where a log can be replayed"},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(void)
{
    puts("Usage: vrrl VERB [OPTION]... [ARGUMENT]...\n"
         "Record what an unmodified program publishes to a GPU megakernel, and replay it.\n"
         "\nVerbs:");
    for (size_t i = 0; i < VERBS; i++) {
        printf("  %-9s %s\n", verbs[i].name, verbs[i].summary);
    }
    puts("\nOptions:\n"
         "  -h, --help     print this help\n"
         "  -V, --version  print the version\n"
         "\n'vrrl VERB --help' tells more of a verb. Exit status: 0 all well, 1 it found what it\n"
         "looks for (damage, a divergence, a difference), 2 it could not do the work; record\n"
         "exits as its command did.");
}

static int run_verb(int argc, char **argv)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(argv[0], verbs[i].name) == 0) {
            optind = 0;
            return verbs[i].run(argc, argv);
        }
    }
    message_error("'%s' is not a verb. Fix: 'vrrl --help' lists the verbs.", argv[0]);
    return CLI_FAILED;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    switch (getopt_long(argc, argv, "+hV", long_options, NULL)) {
    case 'h':
        print_help();
        return message_finish_output(CLI_WELL);
    case 'V':
        printf("vrrl %s\n", PACKAGE_VERSION);
        return message_finish_output(CLI_WELL);
    case -1:
        break;
    default:
        message_error("%s is not an option. Fix: see 'vrrl --help'.", argv[optind - 1]);
        return CLI_FAILED;
    }
    if (optind == argc) {
        message_error("no verb was given. Fix: 'vrrl --help' lists the verbs.");
        return CLI_FAILED;
    }
    return run_verb(argc - optind, argv + optind);
}
