#include "cli/record_options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/options.h"
#include "log/vrrl.h"
#include "vyre/vyre_protocol.h"

/** Arguments of a kernel that the shim looks at. */
#define ARGUMENTS_MAX 64

void record_options_begin(struct record_options *options)
{
    *options = (struct record_options){.log = RECORD_DEFAULT_LOG,
                                       .capacity = VRRL_CAPACITY_DEFAULT,
                                       .control_argument = VYRE_KERNEL_ARG_CONTROL,
                                       .ring_argument = VYRE_KERNEL_ARG_RING};
}

static bool read_argument(char **argv, const char *option, uint64_t *argument)
{
    if (option_number(optarg, ARGUMENTS_MAX - 1, argument)) {
        return true;
    }
    option_value_error(argv, option, "a number from 0 to 63");
    return false;
}

static bool read_capacity(char **argv, uint64_t *capacity)
{
    if (option_number(optarg, VRRL_CAPACITY_MAX, capacity) && *capacity > 0) {
        return true;
    }
    option_value_error(argv, "--capacity", "a number from 1 to 1048576");
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
        message_error("%s: %s. Fix: free some memory.", argv[0], strerror(errno));
        return false;
    }
    free(before);
    return true;
}

static bool read_kernel(char **argv, struct record_options *options)
{
    options->kernel = optarg;
    if (optarg[0] == '\0' || strlen(optarg) > 255) {
        option_value_error(argv, "--kernel", "the name of a kernel, at most 255 bytes long");
        return false;
    }
    return true;
}

bool record_options_take(int code, char **argv, struct record_options *options)
{
    options->given = true;
    switch (code) {
    case 'o':
        options->log = optarg;
        return true;
    case 'c':
        return read_capacity(argv, &options->capacity);
    case 'a':
        options->append = true;
        return true;
    case OPTION_NO_SESSION:
        options->no_session = true;
        return true;
    case OPTION_PUBLISH_SYMBOL:
        return add_publish_symbol(argv, options);
    case OPTION_KERNEL:
        return read_kernel(argv, options);
    case OPTION_CONTROL_ARGUMENT:
        return read_argument(argv, "--control-arg", &options->control_argument);
    case OPTION_RING_ARGUMENT:
        return read_argument(argv, "--ring-arg", &options->ring_argument);
    default:
        option_error(argv, code);
        return false;
    }
}

bool record_options_check(const char *verb, const struct record_options *options)
{
    if (options->control_argument == options->ring_argument) {
        message_error("%s: argument %" PRIu64 " cannot be both control buffer and ring. Fix: "
                      "give --control-arg and --ring-arg different numbers.",
                      verb, options->ring_argument);
        return false;
    }
    if (options->append && options->no_session) {
        message_error("%s: without a session nobody can tell whether a log is being written. "
                      "Fix: leave out --append or --no-session.",
                      verb);
        return false;
    }
    return true;
}

void record_options_free(struct record_options *options)
{
    free(options->publish_symbols);
}
