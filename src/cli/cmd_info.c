#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/record_format.h"
#include "cli/session_json.h"
#include "log/vrrl.h"
#include "session/session.h"

static const char usage[] =
    "Usage: vrrl info [--json] LOG\n"
    "Say what a log is: its capacity, how much it holds, from when to when, and, with a\n"
    "session beside it, which runs of which programs it is from.\n"
    "\n"
    "  -j, --json  print one JSON object\n"
    "  -h, --help  print this help\n"
    "\n"
    "Exit status: 0 all well, 2 the log could not be read.";

static void print_json(const char *path, const struct vrrl_info *info, struct json_object *session)
{
    const struct {
        const char *name;
        uint64_t value;
    } before[] = {{"version", info->version}, {"flags", info->flags}, {"capacity", info->capacity},
                  {"cursor", info->cursor},   {"live", info->live},   {"gaps", info->gaps}},
      after[] = {{"first_timestamp_ns", info->first_timestamp_ns},
                 {"last_timestamp_ns", info->last_timestamp_ns},
                 {"lost", info->lost}};
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "path", json_object_new_string(path));
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        json_object_object_add(object, before[i].name, json_object_new_uint64(before[i].value));
    }
    json_object_object_add(object, "wrapped", json_object_new_boolean(info->wrapped));
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        json_object_object_add(object, after[i].name, json_object_new_uint64(after[i].value));
    }
    json_object_object_add(object, "cursor_behind", json_object_new_boolean(info->cursor_behind));
    if (session != NULL) {
        json_object_object_add(object, "session", json_object_get(session));
    }
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static void print_number(const char *name, uint64_t value, const char *note)
{
    printf("%-12s %" PRIu64 "%s\n", name, value, note);
}

static const char *text_member(struct json_object *object, const char *member)
{
    struct json_object *value;
    return json_object_object_get_ex(object, member, &value) ? json_object_get_string(value) : NULL;
}

/** Whether recording began or ended while the program ran. */
static void print_attach(struct json_object *run)
{
    char time[TIME_TEXT_SIZE];
    uint64_t end_ns = json_number(run, "end_ns");
    if (end_ns != 0) {
        printf(", ended %s", time_text(end_ns, time));
    }
    if (json_object_object_get_ex(run, "late", NULL)) {
        printf(", attached while it ran");
    }
    if (json_object_object_get_ex(run, "checkpoint", NULL)) {
        printf(", checkpoint after %" PRIu64 " publishes", json_number(run, "checkpoint"));
    }
    puts("");
}

static void print_session(struct json_object *session)
{
    print_number("total", json_number(session, "total"), "");
    print_number("overwritten", json_number(session, "overwritten"), "");
    print_number("failed", json_number(session, "failed"), "");
    print_number("skipped", json_number(session, "skipped"), "");
    struct json_object *owner = json_object_object_get(session, "owner");
    bool alive = json_object_get_boolean(json_object_object_get(owner, "alive"));
    print_number("owner", json_number(owner, "pid"), alive ? " (recording)" : " (ended)");
    struct json_object *runs = json_object_object_get(session, "runs");
    for (size_t i = 0; i < json_object_array_length(runs); i++) {
        struct json_object *run = json_object_array_get_idx(runs, i);
        const char *program = text_member(run, "program");
        char time[TIME_TEXT_SIZE];
        printf("run %-8" PRIu64 " %s, process %" PRIu64 ", began %s", json_number(run, "run"),
               program == NULL ? "unknown program" : program, json_number(run, "pid"),
               time_text(json_number(run, "start_ns"), time));
        print_attach(run);
    }
    struct json_object *rings = json_object_object_get(session, "rings");
    for (size_t i = 0; i < json_object_array_length(rings); i++) {
        struct json_object *ring = json_object_array_get_idx(rings, i);
        printf("ring %-7" PRIu64 " of run %" PRIu64 ", %" PRIu64 " slots\n",
               json_number(ring, "ring"), json_number(ring, "run"), json_number(ring, "slots"));
    }
}

static void print_count(struct json_object *session, const char *journal)
{
    struct json_object *object;
    if (!json_object_object_get_ex(session, journal, &object)) {
        return;
    }
    uint64_t dropped = json_number(object, "dropped");
    printf("%-12s %" PRIu64, journal, json_number(object, "entries"));
    if (dropped > 0) {
        printf(" and %" PRIu64 " that had no room", dropped);
    }
    puts("");
}

static void print_gpu(struct json_object *session)
{
    struct json_object *programs = json_object_object_get(session, "programs");
    struct json_object *kernels = json_object_object_get(session, "kernels");
    print_count(session, "submits");
    print_count(session, "observations");
    for (size_t i = 0; programs != NULL && i < json_object_array_length(programs); i++) {
        struct json_object *program = json_object_array_get_idx(programs, i);
        const char *options = text_member(program, "options");
        printf("program %-4" PRIu64 " %s (%" PRIu64 " bytes) for %s, driver %s%s%s\n",
               json_number(program, "number"), text_member(program, "form"),
               json_number(program, "code_bytes"), text_member(program, "device"),
               text_member(program, "driver"), options[0] == '\0' ? "" : ", options ", options);
    }
    for (size_t i = 0; kernels != NULL && i < json_object_array_length(kernels); i++) {
        struct json_object *kernel = json_object_array_get_idx(kernels, i);
        printf("kernel %-5" PRIu64 " %s of program %" PRIu64 ", %" PRIu64
               " arguments, ring %" PRIu64 "\n",
               json_number(kernel, "number"), text_member(kernel, "name"),
               json_number(kernel, "program"), json_number(kernel, "arguments"),
               json_number(kernel, "ring"));
    }
}

static void print_text(const char *path, const struct vrrl_info *info, struct json_object *session)
{
    char time[TIME_TEXT_SIZE];
    printf("%-12s %s\n", "log", path);
    print_number("version", info->version, "");
    print_number("flags", info->flags, "");
    print_number("capacity", info->capacity, "");
    print_number("cursor", info->cursor, info->cursor_behind ? " (on the newest record)" : "");
    print_number("live", info->live, "");
    print_number("gaps", info->gaps, "");
    if (info->lost > 0) {
        print_number("lost", info->lost, "");
    }
    printf("%-12s %s\n", "wrapped", info->wrapped ? "yes" : "no");
    printf("%-12s %s\n", "first", time_text(info->first_timestamp_ns, time));
    printf("%-12s %s\n", "last", time_text(info->last_timestamp_ns, time));
    if (session != NULL) {
        print_session(session);
        print_gpu(session);
    } else {
        printf("%-12s none: the running total and the runs are unknown\n", "session");
    }
}

static struct json_object *read_session(const char *path, const struct vrrl_info *info)
{
    struct session_reader *session;
    int error = session_reader_open(path, info->capacity, &session);
    if (error != 0) {
        if (error != VRRL_E_NOT_FOUND) {
            message_session_error(path, error);
        }
        return NULL;
    }
    struct json_object *object = session_json(path, session, info);
    session_reader_close(session);
    return object;
}

static int tell(const char *path, bool json)
{
    struct vrrl_reader *reader;
    int error = vrrl_reader_open(path, &reader);
    if (error != 0) {
        message_log_error(path, error);
        return CLI_FAILED;
    }
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    vrrl_reader_close(reader);
    struct json_object *session = read_session(path, &info);
    if (json) {
        print_json(path, &info, session);
    } else {
        print_text(path, &info, session);
    }
    json_object_put(session);
    if (info.lost > 0) {
        message_lost_records(path, info.lost);
    }
    return message_finish_output(CLI_WELL);
}

int cmd_info(int argc, char **argv)
{
    bool json;
    const char *path;
    int status = option_log_and_json(argc, argv, usage, &path, &json);
    return path == NULL ? status : tell(path, json);
}
