#include "cli/replay_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "replay/repeat.h"

/** A day. */
#define TIMEOUT_MAX_S 86400

static void print_help(void)
{
    puts(
        "Usage: vrrl replay [OPTION]... LOG\n"
        "Run again what was launched: the recorded program on the recorded buffers, slots and\n"
        "launches in their order; and compare, word for word, with what the host read back.\n"
        "Without a session: the built-in megakernel, beside a reference interpreter.\n"
        "\nOptions:\n"
        "      --run N            replay run N of the log; the last one by default\n"
        "      --ring N           replay ring N of the run alone; all of them by default\n"
        "      --device N|NAME    where to run, as 'vrrl devices' lists; the first by default\n"
        "      --against WHAT     compare with what was 'recorded' (default with a session), with "
        "the\n"
        "                         'reference' interpreter, or with another device beside it:\n"
        "                         'device:N' or 'device:NAME'\n"
        "      --runs N           run it N times against itself, and count how it ends\n"
        "      --kernel WHICH     launch the 'recorded' program (default with a session), or the\n"
        "                         'builtin' megakernel\n"
        "      --handlers FILE.cl functions for user opcodes, for the built-in megakernel\n"
        "      --mode MODE        'batch': one launch for each that was recorded (default);\n"
        "                         'resident': one launch of the built-in megakernel for the whole\n"
        "                         run, which is fed while it runs\n"
        "      --pace PACE        as 'fast' as it goes (default), or as slow as 'recorded'\n"
        "      --timeout SECONDS  give up when nothing ends for so long; 30 by default\n"
        "      --strict           an epoch that the host had seen is exactly the replay's, as\n"
        "                         it is for a host that waits for each batch\n"
        "  -j, --json             print one JSON object\n"
        "  -h, --help             print this help\n"
        "\nExit status: 0 match, 1 diverged, 2 incomplete or not possible, 130 ended by Ctrl-C.");
}

static bool parse_against(const char *text, struct replay_options *options)
{
    static const char device[] = "device:";
    if (strcmp(text, "recorded") == 0) {
        options->against = REPLAY_AGAINST_RECORDED;
    } else if (strcmp(text, "reference") == 0) {
        options->against = REPLAY_AGAINST_REFERENCE;
    } else if (strncmp(text, device, strlen(device)) == 0 && text[strlen(device)] != '\0') {
        options->against = REPLAY_AGAINST_DEVICE;
        options->other_device = text + strlen(device);
    } else {
        return false;
    }
    return true;
}

int replay_options_parse(int argc, char **argv, struct replay_request *request)
{
    enum {
        OPTION_RUN = 256,
        OPTION_RING,
        OPTION_DEVICE,
        OPTION_AGAINST,
        OPTION_RUNS,
        OPTION_KERNEL,
        OPTION_HANDLERS,
        OPTION_MODE,
        OPTION_PACE,
        OPTION_TIMEOUT,
        OPTION_STRICT
    };
    static const struct option long_options[] = {
        {"run", required_argument, NULL, OPTION_RUN},
        {"ring", required_argument, NULL, OPTION_RING},
        {"device", required_argument, NULL, OPTION_DEVICE},
        {"against", required_argument, NULL, OPTION_AGAINST},
        {"runs", required_argument, NULL, OPTION_RUNS},
        {"kernel", required_argument, NULL, OPTION_KERNEL},
        {"handlers", required_argument, NULL, OPTION_HANDLERS},
        {"mode", required_argument, NULL, OPTION_MODE},
        {"pace", required_argument, NULL, OPTION_PACE},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"strict", no_argument, NULL, OPTION_STRICT},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t number;
    int code;
    *request = (struct replay_request){.timeout_s = WATCH_TIMEOUT_S};
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
        switch (code) {
        case OPTION_RUN:
            if (!option_number(optarg, UINT32_MAX, &number) || number == 0) {
                option_value_error(argv, "--run", "the number of a run, from 1");
                return CLI_FAILED;
            }
            request->choice.run_given = true;
            request->choice.run = (uint32_t)number;
            break;
        case OPTION_RING:
            if (!option_number(optarg, UINT32_MAX - 1, &number)) {
                option_value_error(argv, "--ring", "the number of a ring, from 0");
                return CLI_FAILED;
            }
            request->choice.ring_given = true;
            request->choice.ring = (uint32_t)number;
            break;
        case OPTION_DEVICE:
            request->options.device = optarg;
            break;
        case OPTION_AGAINST:
            if (!parse_against(optarg, &request->options)) {
                option_value_error(argv, "--against",
                                   "'recorded', 'reference', or 'device:' and a device");
                return CLI_FAILED;
            }
            break;
        case OPTION_RUNS:
            if (!option_number(optarg, REPEAT_MAX, &number) || number < 2) {
                option_value_error(argv, "--runs", "how many times to run it, 2 to 100000");
                return CLI_FAILED;
            }
            request->runs = (uint32_t)number;
            break;
        case OPTION_KERNEL:
            if (strcmp(optarg, "recorded") != 0 && strcmp(optarg, "builtin") != 0) {
                option_value_error(argv, "--kernel", "'recorded' or 'builtin'");
                return CLI_FAILED;
            }
            request->options.builtin = strcmp(optarg, "builtin") == 0;
            request->recorded_kernel = !request->options.builtin;
            break;
        case OPTION_HANDLERS:
            request->handlers_path = optarg;
            break;
        case OPTION_MODE:
            if (strcmp(optarg, "batch") != 0 && strcmp(optarg, "resident") != 0) {
                option_value_error(argv, "--mode", "'batch' or 'resident'");
                return CLI_FAILED;
            }
            request->resident = strcmp(optarg, "resident") == 0;
            break;
        case OPTION_PACE:
            if (strcmp(optarg, "recorded") != 0 && strcmp(optarg, "fast") != 0) {
                option_value_error(argv, "--pace", "'recorded' or 'fast'");
                return CLI_FAILED;
            }
            request->options.recorded_pace = strcmp(optarg, "recorded") == 0;
            break;
        case OPTION_TIMEOUT:
            if (!option_number(optarg, TIMEOUT_MAX_S, &number) || number == 0) {
                option_value_error(argv, "--timeout", "a number of seconds, 1 to 86400");
                return CLI_FAILED;
            }
            request->timeout_s = (unsigned)number;
            break;
        case OPTION_STRICT:
            request->options.strict = true;
            break;
        case 'j':
            request->json = true;
            break;
        case 'h':
            print_help();
            return message_finish_output(CLI_WELL);
        default:
            option_error(argv, code);
            return CLI_FAILED;
        }
    }
    if (request->runs > 0 && request->options.against != REPLAY_AGAINST_DEFAULT) {
        message_error("--runs compares the runs with each other alone. Fix: leave --against or "
                      "--runs out.");
        return CLI_FAILED;
    }
    if (request->resident && request->recorded_kernel) {
        message_error("the recorded kernel cannot be made resident. Fix: leave --kernel recorded "
                      "or --mode resident out.");
        return CLI_FAILED;
    }
    request->options.builtin = request->options.builtin || request->resident;
    request->path = option_operand(argc, argv, "LOG");
    return request->path != NULL ? -1 : CLI_FAILED;
}
