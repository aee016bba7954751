#include "cli/session_journals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "session/entries.h"
#include "session/journal.h"

static const char *const forms[] = {"unknown", "source", "il", "binary"};

static void add_number(struct json_object *object, const char *member, uint64_t value)
{
    json_object_object_add(object, member, json_object_new_uint64(value));
}

static void add_text(struct json_object *object, const char *member, struct session_text text)
{
    json_object_object_add(object, member, json_object_new_string_len(text.text, (int)text.bytes));
}

static void add_count(const char *log_path, enum journal_kind kind, struct json_object *session)
{
    struct journal_reader *reader;
    if (journal_reader_open(log_path, kind, &reader) != 0) {
        return;
    }
    const struct journal_header *header = journal_reader_header(reader);
    struct json_object *object = json_object_new_object();
    add_number(object, "entries", header->entries);
    add_number(object, "dropped", header->dropped);
    json_object_object_add(session, journal_name(kind), object);
    journal_reader_close(reader);
}

static struct json_object *program_json(const struct journal_entry *entry, const void *payload)
{
    struct session_program_view view;
    if (!session_program_read(payload, entry->bytes, &view)) {
        return NULL;
    }
    struct json_object *object = json_object_new_object();
    add_number(object, "number", entry->number);
    add_text(object, "api", view.api);
    add_text(object, "platform", view.platform);
    add_text(object, "device", view.device);
    add_text(object, "driver", view.driver);
    add_text(object, "options", view.options);
    json_object_object_add(object, "form", json_object_new_string(forms[view.head.form]));
    add_number(object, "code_bytes", view.head.code_bytes);
    return object;
}

static struct json_object *kernel_json(const struct journal_entry *entry, const void *payload)
{
    struct session_kernel_view view;
    if (!session_kernel_read(payload, entry->bytes, &view)) {
        return NULL;
    }
    struct json_object *object = json_object_new_object();
    add_number(object, "number", entry->number);
    add_number(object, "program", view.head.program);
    add_number(object, "ring", entry->ring);
    add_text(object, "name", view.name);
    add_number(object, "arguments", view.head.arguments);
    return object;
}

void session_journals_add_json(const char *log_path, struct json_object *session)
{
    add_count(log_path, JOURNAL_SUBMITS, session);
    add_count(log_path, JOURNAL_OBSERVATIONS, session);
    struct journal_reader *reader;
    if (journal_reader_open(log_path, JOURNAL_PROGRAMS, &reader) != 0) {
        return;
    }
    struct json_object *programs = json_object_new_array();
    struct json_object *kernels = json_object_new_array();
    struct journal_entry entry;
    const void *payload;
    while (journal_read(reader, &entry, &payload) == 1) {
        struct json_object *program =
            entry.type == SESSION_ENTRY_PROGRAM ? program_json(&entry, payload) : NULL;
        struct json_object *kernel =
            entry.type == SESSION_ENTRY_KERNEL ? kernel_json(&entry, payload) : NULL;
        if (program != NULL) {
            json_object_array_add(programs, program);
        }
        if (kernel != NULL) {
            json_object_array_add(kernels, kernel);
        }
    }
    journal_reader_close(reader);
    json_object_object_add(session, "programs", programs);
    json_object_object_add(session, "kernels", kernels);
}

/** What the entries of one journal are held against. */
struct check {
    const struct session_header *header;
    uint64_t total;
    /** Entries of `programs`. */
    uint64_t programs;
    uint64_t last_position;
    uint32_t last_run;
    /** What is wrong with the entry. */
    const char *wrong;
};

static bool payload_is_sound(const struct journal_entry *entry, enum journal_kind kind,
                             const void *payload, struct check *check)
{
    struct session_program_view program;
    struct session_kernel_view kernel;
    struct session_contents_view contents;
    struct session_submit submit;
    struct session_observation_view observation;
    struct session_upload_view upload;
    struct session_lost lost;
    bool in_programs = kind == JOURNAL_PROGRAMS;
    switch (entry->type) {
    case SESSION_ENTRY_PROGRAM:
        return in_programs && session_program_read(payload, entry->bytes, &program);
    case SESSION_ENTRY_KERNEL:
        return in_programs && session_kernel_read(payload, entry->bytes, &kernel) &&
               kernel.head.program < entry->number;
    case SESSION_ENTRY_CONTENTS:
        return kind != JOURNAL_OBSERVATIONS &&
               session_contents_read(payload, entry->bytes, &contents);
    case SESSION_ENTRY_SUBMIT:
        if (kind != JOURNAL_SUBMITS || !session_submit_read(payload, entry->bytes, &submit)) {
            return false;
        }
        check->wrong = submit.kernel > check->programs ? "names a kernel that is not there" : NULL;
        return check->wrong == NULL;
    case SESSION_ENTRY_UPLOAD:
        return kind == JOURNAL_SUBMITS && session_upload_read(payload, entry->bytes, &upload);
    case SESSION_ENTRY_LOST:
        return kind == JOURNAL_SUBMITS && session_lost_read(payload, entry->bytes, &lost);
    case SESSION_ENTRY_OBSERVATION:
        return kind == JOURNAL_OBSERVATIONS &&
               session_observation_read(payload, entry->bytes, &observation);
    default:
        return false;
    }
}

static bool entry_agrees(const struct journal_entry *entry, enum journal_kind kind,
                         const void *payload, struct check *check)
{
    bool same_run = entry->run == check->last_run;
    if (entry->position > check->total) {
        check->wrong = "lies after the last record of the log";
    } else if (entry->run == 0 || entry->run > check->header->runs) {
        check->wrong = "is of a run that is not there";
    } else if (entry->run < check->last_run ||
               (same_run && entry->position < check->last_position)) {
        check->wrong = "goes back";
    } else if (!payload_is_sound(entry, kind, payload, check) && check->wrong == NULL) {
        check->wrong = "is damaged";
    }
    check->last_run = entry->run;
    check->last_position = entry->position;
    return check->wrong == NULL;
}

static bool journal_agrees(const char *log_path, enum journal_kind kind, struct check *check,
                           char fault[JOURNAL_FAULT_BYTES])
{
    struct journal_reader *reader;
    int error = journal_reader_open(log_path, kind, &reader);
    if (error == VRRL_E_NOT_FOUND) {
        return true;
    }
    if (error != 0) {
        snprintf(fault, JOURNAL_FAULT_BYTES, "%s: %s", journal_name(kind), session_strerror(error));
        return false;
    }
    struct journal_entry entry = {0};
    const void *payload;
    int more;
    check->last_position = 0;
    check->last_run = 0;
    while ((more = journal_read(reader, &entry, &payload)) == 1 &&
           entry_agrees(&entry, kind, payload, check)) {
    }
    if (kind == JOURNAL_PROGRAMS) {
        check->programs = journal_reader_header(reader)->entries;
    }
    journal_reader_close(reader);
    if (more == 0) {
        return true;
    }
    snprintf(fault, JOURNAL_FAULT_BYTES,
             "%s: entry %" PRIu64 " of the session %s. Fix: use the session that was recorded with "
             "this log, or remove it.",
             journal_name(kind), entry.number, more < 0 ? "is damaged" : check->wrong);
    return false;
}

bool session_journals_agree(const char *log_path, const struct session_header *header,
                            uint64_t total, char fault[JOURNAL_FAULT_BYTES])
{
    struct check check = {.header = header, .total = total};
    return journal_agrees(log_path, JOURNAL_PROGRAMS, &check, fault) &&
           journal_agrees(log_path, JOURNAL_SUBMITS, &check, fault) &&
           journal_agrees(log_path, JOURNAL_OBSERVATIONS, &check, fault);
}
