#include "replay/error.h"

#include <stdarg.h>
#include <stdio.h>

bool replay_fail(struct replay_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

bool replay_fail_memory(struct replay_error *error)
{
    return replay_fail(error, "the replay needs more memory than there is. "
                              "Fix: close other programs or replay on a larger machine.");
}
