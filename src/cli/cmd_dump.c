#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/record_filter.h"
#include "cli/record_format.h"
#include "cli/session_dump.h"
#include "log/vrrl.h"
#include "vyre/opcode.h"

#define FOLLOW_INTERVAL_MS 50
#define RECORDS_AT_ONCE 256

static const char usage[] =
    "Usage: vrrl dump [OPTION]... LOG\n"
    "Print the records of a log, oldest first, or what only its session knows.\n"
    "\n"
    "  -S, --slots          all 16 words of each slot, its ring and its thread\n"
    "  -L, --submits        the launches of the megakernel, and what was uploaded beside slots\n"
    "  -o, --observations   what the host read back\n"
    "  -f, --follow         go on with what is appended, until interrupted\n"
    "  -t, --tenant N       only records of tenant N; may be repeated\n"
    "  -O, --opcode OPCODE  only records of this opcode, by name or number; may be repeated\n"
    "  -s, --slot A[-B]     only records of slots A to B\n"
    "  -e, --epoch A[-B]    only records of epochs A to B\n"
    "  -j, --json           print one JSON object a line\n"
    "  -h, --help           print this help\n"
    "\n"
    "Exit status: 0 all well, 2 the log could not be read.";

struct dump_options {
    struct record_filter filter;
    const struct record_format *format;
    bool follow;
    /** A filter was given. */
    bool filtered;
    bool json;
    /** What is printed: 0 for the records, else the letter of the option. */
    int what;
    bool help;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static bool add(uint32_t **list, size_t *length, uint32_t value)
{
    if (record_filter_add(list, length, value)) {
        return true;
    }
    message_error("dump: %s. Fix: free some memory.", strerror(errno));
    return false;
}

static bool read_number(char **argv, const char *option, uint32_t **list, size_t *length)
{
    uint64_t number;
    if (!option_number(optarg, UINT32_MAX, &number)) {
        option_value_error(argv, option, "a number from 0 to 4294967295");
        return false;
    }
    return add(list, length, (uint32_t)number);
}

static bool read_opcode(char **argv, struct record_filter *filter)
{
    uint32_t opcode;
    if (!vyre_opcode_parse(optarg, &opcode)) {
        option_value_error(argv, "--opcode", "a name such as ATOMIC_ADD, or a 32-bit number");
        return false;
    }
    return add(&filter->opcodes, &filter->opcodes_len, opcode);
}

static bool read_range(char **argv, const char *option, uint32_t *first, uint32_t *last)
{
    if (option_range(optarg, first, last)) {
        return true;
    }
    option_value_error(argv, option, "a number or a range such as 3-17");
    return false;
}

static bool read_option(int code, char **argv, struct dump_options *options)
{
    struct record_filter *filter = &options->filter;
    options->filtered = options->filtered || strchr("tOse", code) != NULL;
    switch (code) {
    case 'S':
    case 'L':
    case 'o':
        options->what = code;
        return true;
    case 'f':
        options->follow = true;
        return true;
    case 't':
        return read_number(argv, "--tenant", &filter->tenants, &filter->tenants_len);
    case 'O':
        return read_opcode(argv, filter);
    case 's':
        return read_range(argv, "--slot", &filter->slot_first, &filter->slot_last);
    case 'e':
        return read_range(argv, "--epoch", &filter->epoch_first, &filter->epoch_last);
    case 'j':
        options->format = &record_format_json;
        options->json = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    default:
        option_error(argv, code);
        return false;
    }
}

static bool read_options(int argc, char **argv, struct dump_options *options)
{
    static const struct option long_options[] = {
        {"follow", no_argument, NULL, 'f'},
        {"tenant", required_argument, NULL, 't'},
        {"opcode", required_argument, NULL, 'O'},
        {"slot", required_argument, NULL, 's'},
        {"epoch", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},
        {"slots", no_argument, NULL, 'S'},
        {"submits", no_argument, NULL, 'L'},
        {"observations", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code;
    *options = (struct dump_options){.format = &record_format_text};
    record_filter_init(&options->filter);
    while (!options->help &&
           (code = getopt_long(argc, argv, ":ft:O:s:e:jSLoh", long_options, NULL)) != -1) {
        if (!read_option(code, argv, options)) {
            return false;
        }
    }
    if (options->what != 0 && options->follow) {
        message_error("dump: only records can be followed. Fix: leave out --follow.");
        return false;
    }
    if ((options->what == 'L' || options->what == 'o') && options->filtered) {
        message_error("dump: filters are for records and slots. Fix: leave them out.");
        return false;
    }
    return true;
}

static void dump_records(struct vrrl_reader *reader, const struct dump_options *options,
                         uint64_t *index)
{
    struct vrrl_record records[RECORDS_AT_ONCE];
    size_t count;
    while (!interrupted && !ferror(stdout) &&
           (count = vrrl_read(reader, records, RECORDS_AT_ONCE)) > 0) {
        for (size_t i = 0; i < count; i++, *index += 1) {
            if (record_filter_passes(&options->filter, &records[i])) {
                options->format->record(*index, &records[i]);
            }
        }
    }
}

/** Wait for the next look at the log. \return false when nobody reads our output any more */
static bool wait_a_moment(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, FOLLOW_INTERVAL_MS) <= 0 || (output.revents & POLLERR) == 0;
}

static int follow(const char *path, struct vrrl_reader *reader, const struct dump_options *options,
                  uint64_t *index)
{
    for (bool more = true; more;) {
        bool overrun = false;
        more = !interrupted && fflush(stdout) == 0 && wait_a_moment();
        // At the end, too: it may have been noticed while the last records were read.
        int error = vrrl_follow(reader, &overrun);
        if (error != 0) {
            message_log_error(path, error);
            return CLI_FAILED;
        }
        if (overrun) {
            message_notice("%s: records were overwritten before they could be read", path);
        }
        if (more) {
            dump_records(reader, options, index);
        }
    }
    return CLI_WELL;
}

static int dump(const char *path, const struct dump_options *options)
{
    struct vrrl_reader *reader;
    int status = CLI_WELL;
    int error = vrrl_reader_open(path, &reader);
    if (error != 0) {
        message_log_error(path, error);
        return CLI_FAILED;
    }
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    uint64_t index = 0;
    options->format->begin();
    if (options->follow) {
        // Output goes on whole; a second interrupt ends us where it is stuck.
        struct sigaction action = {.sa_handler = on_interrupt,
                                   .sa_flags = SA_RESTART | (int)SA_RESETHAND};
        sigaction(SIGINT, &action, NULL);
    }
    dump_records(reader, options, &index);
    if (info.lost > 0) {
        message_lost_records(path, info.lost);
    }
    if (options->follow) {
        status = follow(path, reader, options, &index);
    }
    vrrl_reader_close(reader);
    return message_finish_output(status);
}

static int dump_what(const char *path, const struct dump_options *options)
{
    switch (options->what) {
    case 'S':
        return session_dump_slots(path, &options->filter, options->json);
    case 'L':
        return session_dump_submits(path, options->json);
    case 'o':
        return session_dump_observations(path, options->json);
    default:
        return dump(path, options);
    }
}

int cmd_dump(int argc, char **argv)
{
    struct dump_options options;
    int status = CLI_FAILED;
    if (read_options(argc, argv, &options)) {
        const char *path = NULL;
        if (options.help) {
            puts(usage);
            status = message_finish_output(CLI_WELL);
        } else if ((path = option_operand(argc, argv, "LOG")) != NULL) {
            status = dump_what(path, &options);
        }
    }
    record_filter_free(&options.filter);
    return status;
}
