/*
 * load_shim PID SHIM [MILLISECONDS [FUNCTION…]]: load the shim into a process that runs, and say
 * how.
 */
#include <stdio.h>
#include <stdlib.h>

#include "attach/attach.h"

int main(int argc, char **argv)
{
    struct attach_error error;
    struct attach_result result;
    if (argc < 3) {
        fprintf(stderr, "usage: load_shim PID SHIM [MILLISECONDS [FUNCTION...]]\n");
        return EXIT_FAILURE;
    }
    const struct attach_request request = {
        .pid = (pid_t)strtol(argv[1], NULL, 10),
        .shim = argv[2],
        .milliseconds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0,
        .functions = argc > 4 ? (const char *const *)argv + 4 : NULL,
    };
    if (attach_load(&request, &result, &error) != 0) {
        fprintf(stderr, "vrrl: %s\n", error.text);
        return 2;
    }
    static const char *const ways[] = {
        [ATTACH_BY_REFERENCE] = "by reference",
        [ATTACH_BY_STOP] = "by stop",
    };
    printf("%s %s\n", result.was_loaded ? "woken" : "loaded", ways[result.way]);
    return EXIT_SUCCESS;
}
