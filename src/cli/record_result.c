#include "cli/record_result.h"

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "session/log_name.h"
#include "session/session.h"

/** The recorder's clock may be that much behind the system's. */
#define CLOCK_SLACK_NS UINT64_C(10000)

#define RECORDS_AT_ONCE 256

/** Room for a name of which every character is escaped. */
#define PATTERN_SIZE ((size_t)2 * PATH_MAX)

/** The first run since a time; NULL when there is none. */
static const struct session_run *first_run(const struct session_header *header, uint64_t since_ns,
                                           unsigned *opened)
{
    const struct session_run *first = NULL;
    for (unsigned i = 0; i < SESSION_RUNS_MAX; i++) {
        const struct session_run *run = &header->run_table[i];
        if (run->number != 0 && run->start_ns + CLOCK_SLACK_NS >= since_ns) {
            *opened += 1;
            if (first == NULL || run->number < first->number) {
                first = run;
            }
        }
    }
    return first;
}

static void count(struct vrrl_reader *reader, const struct session_reader *session,
                  const struct session_run *from, struct record_result *result)
{
    struct vrrl_info info;
    struct vrrl_record records[RECORDS_AT_ONCE];
    size_t records_len;
    vrrl_reader_info(reader, &info);
    uint64_t places = session_reader_total(session, info.cursor) - from->first_sequence;
    result->overwritten = places > info.capacity ? places - info.capacity : 0;
    result->recorded = result->overwritten;
    while ((records_len = vrrl_read(reader, records, RECORDS_AT_ONCE)) > 0) {
        for (size_t i = 0; i < records_len; i++) {
            struct session_slot slot;
            if (session_reader_slot(session, records[i].place, &slot) && slot.run >= from->number) {
                result->recorded++;
            }
        }
    }
}

static void look_into(const char *name, uint64_t since_ns, unsigned *opened,
                      struct record_result *result)
{
    struct vrrl_reader *reader;
    struct session_reader *session;
    *result = (struct record_result){0};
    if (vrrl_reader_open(name, &reader) != 0) {
        return;
    }
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    int error = session_reader_open(name, info.capacity, &session);
    if (error == 0) {
        const struct session_run *from =
            first_run(session_reader_header(session), since_ns, opened);
        if (from != NULL) {
            count(reader, session, from, result);
        }
        session_reader_close(session);
    } else if (error == VRRL_E_NOT_FOUND && info.live > 0 &&
               info.last_timestamp_ns + CLOCK_SLACK_NS >= since_ns) {
        // A bare log is of one run. What it says of those that were overwritten is nothing.
        *opened += 1;
        result->recorded = info.live;
    }
    vrrl_reader_close(reader);
}

/** The name as a pattern of glob(). \param other_process  with a process id before the suffix */
static bool make_pattern(const char *name, bool other_process, char pattern[PATTERN_SIZE])
{
    const char *file = log_name_file(name);
    const char *suffix = log_name_suffix(name);
    size_t used = 0;
    for (const char *at = name;; at++) {
        if (other_process && at == suffix) {
            used += (size_t)snprintf(pattern + used, 8, ".[0-9]*");
        }
        if (*at == '\0' || used + 16 > PATTERN_SIZE) {
            break;
        }
        if (at >= file && log_name_expands(at)) {
            pattern[used++] = '*';
            at++;
        } else {
            if (strchr("*?[\\", *at) != NULL) {
                pattern[used++] = '\\';
            }
            pattern[used++] = *at;
        }
    }
    pattern[used] = '\0';
    return used + 16 <= PATTERN_SIZE;
}

unsigned record_results(const char *log_name, uint64_t since_ns, unsigned *opened,
                        void (*each)(const char *name, const struct record_result *result))
{
    unsigned logs = 0;
    glob_t found = {0};
    char pattern[PATTERN_SIZE];
    for (int other = 0; other < 2; other++) {
        if (make_pattern(log_name, other == 1, pattern)) {
            glob(pattern, other == 1 ? GLOB_APPEND : 0, NULL, &found);
        }
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct record_result result;
        look_into(found.gl_pathv[i], since_ns, opened, &result);
        if (result.recorded > 0) {
            each(found.gl_pathv[i], &result);
            logs++;
        }
    }
    globfree(&found);
    return logs;
}
