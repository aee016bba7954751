#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "replay/devices.h"

static void print_help(void)
{
    puts("Usage: vrrl devices\n"
         "List the OpenCL devices where 'vrrl replay' can run, with the numbers and names\n"
         "that its option --device takes.\n"
         "\nOptions:\n"
         "  -h, --help  print this help\n"
         "\nExit status: 0 there is a device, 2 there is none.");
}

static int list_devices(void)
{
    struct replay_device *devices;
    size_t len;
    struct replay_error error;
    if (!devices_list(&devices, &len, &error)) {
        message_error("%s", error.text);
        return CLI_FAILED;
    }
    for (size_t i = 0; i < len; i++) {
        printf("%zu  %s\n", i, devices[i].name);
        printf("   %s, %s, %s, %.1f GiB\n", devices[i].platform, devices[i].type,
               devices[i].version, (double)devices[i].memory_bytes / (1 << 30));
    }
    free(devices);
    return message_finish_output(CLI_WELL);
}

int cmd_devices(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    int code = getopt_long(argc, argv, "+:h", long_options, NULL);
    if (code == 'h') {
        print_help();
        return message_finish_output(CLI_WELL);
    }
    if (code != -1) {
        option_error(argv, code);
        return CLI_FAILED;
    }
    if (optind < argc) {
        message_error("devices: '%s' is one argument too many. Fix: see 'vrrl devices --help'.",
                      argv[optind]);
        return CLI_FAILED;
    }
    return list_devices();
}
