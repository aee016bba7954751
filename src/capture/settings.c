#include "capture/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/publish_symbol.h"
#include "log/vrrl.h"
#include "session/log_name.h"
#include "vyre/vyre_protocol.h"

static bool is_on(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || value < least ||
        value > most)
        return false;
    *number = value;
    return true;
}

static bool read_argument(const char *name, uint32_t otherwise, uint32_t *argument)
{
    const char *text = getenv(name);
    uint64_t number = otherwise;
    if (text != NULL && !read_number(text, 0, SETTINGS_ARGUMENTS_MAX - 1, &number))
        return false;
    *argument = (uint32_t)number;
    return true;
}

static bool read_megakernel(struct settings *settings)
{
    const char *kernel = getenv("VRRL_KERNEL");
    if (kernel != NULL && strlen(kernel) < sizeof(settings->kernel))
        memcpy(settings->kernel, kernel, strlen(kernel) + 1);
    return read_argument("VRRL_CONTROL_ARG", VYRE_KERNEL_ARG_CONTROL,
                         &settings->control_argument) &&
           read_argument("VRRL_RING_ARG", VYRE_KERNEL_ARG_RING, &settings->ring_argument) &&
           settings->control_argument != settings->ring_argument;
}

void settings_read(struct settings *settings)
{
    memset(settings, 0, sizeof(*settings));
    settings->capacity = VRRL_CAPACITY_DEFAULT;
    settings->disabled = is_on("VRRL_DISABLE");
    settings->verbose = is_on("VRRL_VERBOSE");
    settings->no_session = is_on("VRRL_NO_SESSION");
    bool megakernel = read_megakernel(settings);
    const char *symbols = getenv("VRRL_PUBLISH_SYMBOL");
    bool understood = symbols == NULL || symbols[0] == '\0' || publish_symbols_read(symbols);
    const char *log = getenv("VRRL_LOG");
    const char *capacity = getenv("VRRL_CAPACITY");
    if (log == NULL || log[0] == '\0') {
        settings->fault = "VRRL_LOG is not set. Fix: set it to the name of the log.";
        return;
    }
    char folder[PATH_MAX];
    /* The host may have gone elsewhere by the time it publishes. */
    bool relative = log[0] != '/' && getcwd(folder, sizeof(folder)) != NULL;
    int length = snprintf(settings->log, sizeof(settings->log), "%s%s%s", relative ? folder : "",
                          relative ? "/" : "", log);
    if (length < 0 || (size_t)length >= sizeof(settings->log))
        settings->fault = "VRRL_LOG is too long. Fix: set it to a shorter name.";
    else if (capacity != NULL && !read_number(capacity, 1, VRRL_CAPACITY_MAX, &settings->capacity))
        settings->fault =
            "VRRL_CAPACITY is not a number of records. Fix: set it to 1 … 1048576, or not at all.";
    else if (!understood)
        settings->fault = "VRRL_PUBLISH_SYMBOL is not understood. "
                          "Fix: give NAME(ring,len,slot,…) with the parameters in their order.";
    else if (!megakernel)
        settings->fault =
            "VRRL_CONTROL_ARG and VRRL_RING_ARG are not the numbers of two arguments. "
            "Fix: set them to two numbers below 64, or not at all.";
}

/** Copy a text that its writer may be changing: it ends at the end of its room at the latest. */
static void copy_text(char *to, size_t room, const char *from)
{
    size_t length = strnlen(from, room - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static const char *fault_of(const struct settings *settings)
{
    if (settings->log[0] != '/')
        return "no name of a log was given. Fix: give one with -o.";
    if (settings->capacity == 0 || settings->capacity > VRRL_CAPACITY_MAX)
        return "the log's capacity is no number of records. Fix: give 1 … 1048576.";
    if (settings->control_argument >= SETTINGS_ARGUMENTS_MAX ||
        settings->ring_argument >= SETTINGS_ARGUMENTS_MAX ||
        settings->control_argument == settings->ring_argument)
        return "control buffer and ring are not two arguments below 64. Fix: give two.";
    return NULL;
}

void settings_of_request(struct settings *settings, const struct panel_request *request)
{
    char symbols[PANEL_SYMBOLS_BYTES];
    memset(settings, 0, sizeof(*settings));
    copy_text(settings->log, sizeof(settings->log), request->log);
    copy_text(settings->kernel, sizeof(settings->kernel), request->kernel);
    copy_text(symbols, sizeof(symbols), request->publish_symbols);
    settings->capacity = request->capacity;
    settings->control_argument = request->control_argument;
    settings->ring_argument = request->ring_argument;
    settings->no_session = (request->flags & PANEL_NO_SESSION) != 0;
    settings->checkpoint = (request->flags & PANEL_CHECKPOINT) != 0;
    settings->fault = fault_of(settings);
    if (settings->fault == NULL && symbols[0] != '\0')
        settings->fault = publish_symbols_add(symbols);
}

struct name {
    char *text;
    size_t used;
};

static void add(struct name *name, const char *text, size_t length)
{
    for (size_t i = 0; i < length && name->used < PATH_MAX; i++)
        name->text[name->used++] = text[i];
}

static void add_expansion(struct name *name, char letter)
{
    char number[24];
    struct utsname system;
    const char *text = program_invocation_short_name;
    if (letter == 'h')
        text = uname(&system) == 0 ? system.nodename : "unknown";
    if (letter == 'p') {
        snprintf(number, sizeof(number), "%ld", (long)getpid());
        text = number;
    }
    add(name, text, strlen(text));
}

bool settings_log_name(const struct settings *settings, bool second, char out[PATH_MAX])
{
    struct name name = {.text = out};
    const char *file = log_name_file(settings->log);
    const char *suffix = log_name_suffix(settings->log);
    for (const char *at = settings->log;; at++) {
        if (second && at == suffix) {
            add(&name, ".", 1);
            add_expansion(&name, 'p');
        }
        if (*at == '\0')
            break;
        if (at >= file && log_name_expands(at))
            add_expansion(&name, *++at);
        else
            add(&name, at, 1);
    }
    if (name.used >= PATH_MAX)
        return false;
    out[name.used] = '\0';
    return true;
}
