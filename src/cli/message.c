#include "cli/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "session/session.h"

static void print_line(const char *format, va_list arguments)
{
    // What went to stdout before belongs before the message on a shared terminal.
    fflush(stdout);
    flockfile(stderr);
    fputs("vrrl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void message_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

void message_notice(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

void message_log_error(const char *path, int error)
{
    if (error == VRRL_E_IO) {
        message_error("%s: %s. Fix: make sure that the file can be read by this user.", path,
                      strerror(errno));
    } else {
        message_error("%s: %s", path, vrrl_strerror(error));
    }
}

void message_session_error(const char *path, int error)
{
    message_notice("%s: its session is not used: %s", path, session_strerror(error));
}

void message_lost_records(const char *path, uint64_t lost)
{
    message_notice("%s: the file ends inside its records: %" PRIu64 " of them are lost. Fix: take "
                   "a copy of the log that is whole.",
                   path, lost);
}

int message_finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    if (errno == EPIPE) {
        return CLI_WELL;
    }
    message_error("standard output: %s. Fix: make room where the output goes.", strerror(errno));
    return CLI_FAILED;
}
