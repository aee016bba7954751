#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"

static bool number_until(const char *text, char end, uint64_t max, uint64_t *value,
                         const char **rest)
{
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (hex && !isxdigit((unsigned char)text[2])) {
        return false;
    }
    char *stop;
    errno = 0;
    unsigned long long number = strtoull(text, &stop, hex ? 16 : 10);
    if (errno != 0 || *stop != end || number > max) {
        return false;
    }
    *value = number;
    *rest = stop;
    return true;
}

bool option_number(const char *text, uint64_t max, uint64_t *value)
{
    const char *rest;
    return number_until(text, '\0', max, value, &rest);
}

bool option_range(const char *text, uint32_t *first, uint32_t *last)
{
    uint64_t low;
    uint64_t high;
    const char *rest;
    if (number_until(text, '-', UINT32_MAX, &low, &rest)) {
        if (!option_number(rest + 1, UINT32_MAX, &high) || high < low) {
            return false;
        }
    } else if (option_number(text, UINT32_MAX, &low)) {
        high = low;
    } else {
        return false;
    }
    *first = (uint32_t)low;
    *last = (uint32_t)high;
    return true;
}

void option_error(char **argv, int code)
{
    const char *verb = argv[0];
    const char *what = code == ':' ? "needs an argument" : "is not an option of this verb";
    // getopt_long() leaves optopt 0 for a long option that it does not know (or that is ambiguous).
    if (optopt > 0 && optopt < 128 && strncmp(argv[optind - 1], "--", 2) != 0) {
        message_error("%s: -%c %s. Fix: see 'vrrl %s --help'.", verb, optopt, what, verb);
    } else {
        message_error("%s: %s %s. Fix: see 'vrrl %s --help'.", verb, argv[optind - 1], what, verb);
    }
}

void option_value_error(char **argv, const char *option, const char *takes)
{
    message_error("%s: %s takes %s. Fix: see 'vrrl %s --help'.", argv[0], option, takes, argv[0]);
}

const char *option_operand(int argc, char **argv, const char *what)
{
    if (optind == argc) {
        message_error("%s: no %s was given. Fix: see 'vrrl %s --help'.", argv[0], what, argv[0]);
        return NULL;
    }
    if (optind + 1 < argc) {
        message_error("%s: '%s' is one %s too many. Fix: see 'vrrl %s --help'.", argv[0],
                      argv[optind + 1], what, argv[0]);
        return NULL;
    }
    return argv[optind];
}

int option_log_and_json(int argc, char **argv, const char *usage, const char **path, bool *json)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code;
    *path = NULL;
    *json = false;
    while ((code = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
        switch (code) {
        case 'j':
            *json = true;
            break;
        case 'h':
            puts(usage);
            return message_finish_output(CLI_WELL);
        default:
            option_error(argv, code);
            return CLI_FAILED;
        }
    }
    *path = option_operand(argc, argv, "LOG");
    return CLI_FAILED;
}
