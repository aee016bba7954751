#include "config.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/session_journals.h"
#include "log/vrrl.h"
#include "session/session.h"

#define RECORDS_AT_ONCE 256

static const char usage[] =
    "Usage: vrrl verify [--json] LOG\n"
    "Say whether a log is sound: header, length and each record; and, with a session\n"
    "beside it, whether the two agree.\n"
    "\n"
    "  -j, --json  print one JSON object\n"
    "  -h, --help  print this help\n"
    "\n"
    "What a killed recorder or a clock that was set back leaves behind (gaps, a cursor on\n"
    "the newest record, times that go back) is said and forgiven.\n"
    "\n"
    "Exit status: 0 the log is sound, 1 it is damaged, 2 it could not be read.";

/** What was found out, as a JSON object with an array of findings. */
struct report {
    struct json_object *findings;
    bool sound;
};

static void add_finding(struct report *report, bool damage, const char *kind, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));

static void add_finding(struct report *report, bool damage, const char *kind, const char *format,
                        ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (damage) {
        report->sound = false;
    }
    struct json_object *finding = json_object_new_object();
    json_object_object_add(finding, "kind", json_object_new_string(kind));
    json_object_object_add(finding, "damage", json_object_new_boolean(damage));
    json_object_object_add(finding, "text", json_object_new_string(size < 0 ? kind : text));
    json_object_array_add(report->findings, finding);
    if (size >= 0) {
        free(text);
    }
}

static void check_log(struct report *report, const struct vrrl_verdict *verdict)
{
    const struct vrrl_info *info = &verdict->info;
    if (info->lost > 0) {
        add_finding(report, true, "truncated",
                    "the file ends inside its records: %" PRIu64 " of them are lost. Fix: take a "
                    "copy of the log that is whole.",
                    info->lost);
    } else if (!verdict->sound) {
        add_finding(
            report, true, "damaged",
            "something is missing from the file. Fix: take a copy of the log that is whole.");
    }
    if (info->gaps > 0) {
        add_finding(report, false, "gaps",
                    "%" PRIu64 " of its written places are empty: publishes that failed, or a "
                    "recorder was killed there (forgiven)",
                    info->gaps);
    }
    if (info->cursor_behind) {
        add_finding(report, false, "cursor_behind",
                    "the cursor is on the newest record: a writer of vyre's was killed there "
                    "(forgiven)");
    }
    if (verdict->clock_set_back > 0) {
        add_finding(report, false, "clock_set_back",
                    "the clock was set back %" PRIu64 " time%s (forgiven)", verdict->clock_set_back,
                    verdict->clock_set_back == 1 ? "" : "s");
    }
}

static void compare_slots(struct report *report, struct vrrl_reader *reader,
                          const struct session_reader *session)
{
    struct vrrl_record records[RECORDS_AT_ONCE];
    size_t count;
    uint64_t index = 0;
    uint64_t different = 0;
    uint64_t first = 0;
    while ((count = vrrl_read(reader, records, RECORDS_AT_ONCE)) > 0) {
        for (size_t i = 0; i < count; i++, index++) {
            struct session_slot slot;
            if (session_reader_slot(session, records[i].place, &slot) &&
                !session_slot_matches(&slot, &records[i])) {
                first = different == 0 ? index : first;
                different++;
            }
        }
    }
    if (different > 0) {
        add_finding(report, true, "session_disagrees",
                    "the session disagrees with %" PRIu64
                    " of the records, the first of them %" PRIu64
                    ". Fix: use the session that was recorded with this log, or remove it.",
                    different, first);
    }
}

static void check_journals(struct report *report, const char *path,
                           const struct session_reader *session, uint64_t cursor)
{
    char fault[JOURNAL_FAULT_BYTES];
    if (!session_journals_agree(path, session_reader_header(session),
                                session_reader_total(session, cursor), fault)) {
        add_finding(report, true, "session_damaged", "%s", fault);
    }
}

static void check_session(struct report *report, const char *path, const struct vrrl_info *info)
{
    struct session_reader *session;
    struct vrrl_reader *reader;
    int error = session_reader_open(path, info->capacity, &session);
    if (error == VRRL_E_NOT_FOUND) {
        add_finding(report, false, "no_session", "there is no session to check it against");
        return;
    }
    if (error != 0) {
        add_finding(report, true, "session_refused", "session: %s", session_strerror(error));
        return;
    }
    if (vrrl_reader_open(path, &reader) == 0) {
        compare_slots(report, reader, session);
        vrrl_reader_close(reader);
    }
    check_journals(report, path, session, info->cursor);
    session_reader_close(session);
}

static void print_text(const char *path, const struct report *report, uint64_t live)
{
    for (size_t i = 0; i < json_object_array_length(report->findings); i++) {
        struct json_object *finding = json_object_array_get_idx(report->findings, i);
        printf("%s: %s\n", path, json_object_get_string(json_object_object_get(finding, "text")));
    }
    printf("%s: %s, %" PRIu64 " record%s\n", path, report->sound ? "sound" : "damaged", live,
           live == 1 ? "" : "s");
}

static void print_json(const char *path, const struct report *report, uint64_t live)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "path", json_object_new_string(path));
    json_object_object_add(object, "sound", json_object_new_boolean(report->sound));
    json_object_object_add(object, "live", json_object_new_uint64(live));
    json_object_object_add(object, "findings", json_object_get(report->findings));
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static int verify(const char *path, bool json)
{
    struct vrrl_verdict verdict;
    int error = vrrl_verify(path, &verdict);
    if (error != 0) {
        message_log_error(path, error);
        return CLI_FAILED;
    }
    struct report report = {.findings = json_object_new_array(), .sound = true};
    check_log(&report, &verdict);
    check_session(&report, path, &verdict.info);
    if (json) {
        print_json(path, &report, verdict.info.live);
    } else {
        print_text(path, &report, verdict.info.live);
    }
    json_object_put(report.findings);
    return message_finish_output(report.sound ? CLI_WELL : CLI_FOUND);
}

int cmd_verify(int argc, char **argv)
{
    bool json;
    const char *path;
    int status = option_log_and_json(argc, argv, usage, &path, &json);
    return path == NULL ? status : verify(path, json);
}
