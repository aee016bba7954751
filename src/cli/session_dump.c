#include "cli/session_dump.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/record_format.h"
#include "session/entries.h"
#include "session/journal.h"
#include "session/session.h"
#include "vyre/opcode.h"

static const char *const origins[] = {"symbol", "upload"};
static const char *const observed_names[] = {"", "control", "ring", "debug_log", "io_queue"};
static const char *const status_names[] = {"empty",   "published", "claimed", "done",
                                           "wait_io", "yield",     "requeue", "fault"};

static void print_slot(uint64_t index, const struct vrrl_record *record,
                       const struct session_slot *slot, bool json)
{
    const uint32_t *words = slot->words;
    const char *name = vyre_opcode_name(words[VYRE_SLOT_OPCODE]);
    const char *origin = slot->origin < 2 ? origins[slot->origin] : "unknown";
    if (json) {
        printf("{\"index\":%" PRIu64 ",\"timestamp_ns\":%" PRIu64 ",\"run\":%" PRIu32
               ",\"ring\":%" PRIu32 ",\"thread\":%" PRIu32
               ",\"origin\":\"%s\",\"slot_idx\":%" PRIu32 ",\"words\":[",
               index, record->timestamp_ns, slot->run, slot->ring, slot->thread, origin,
               slot->slot_idx);
        for (unsigned i = 0; i < VYRE_SLOT_WORDS; i++) {
            printf("%s%" PRIu32, i == 0 ? "" : ",", words[i]);
        }
        puts("]}");
        return;
    }
    char time[TIME_TEXT_SIZE];
    char number[16];
    snprintf(number, sizeof(number), "0x%" PRIx32, words[VYRE_SLOT_OPCODE]);
    printf("%8" PRIu64 " %s run %" PRIu32 " ring %" PRIu32 " thread %" PRIu32 " %s slot %" PRIu32
           " tenant %" PRIu32 " priority %" PRIu32 " %s",
           index, time_text(record->timestamp_ns, time), slot->run, slot->ring, slot->thread,
           origin, slot->slot_idx, words[VYRE_SLOT_TENANT], words[VYRE_SLOT_PRIORITY],
           name == NULL ? number : name);
    for (unsigned i = 0; i < VYRE_SLOT_ARGS; i++) {
        printf(" %" PRIu32, words[VYRE_SLOT_ARG0 + i]);
    }
    puts("");
}

int session_dump_slots(const char *path, const struct record_filter *filter, bool json)
{
    struct vrrl_reader *reader;
    struct session_reader *session;
    int error = vrrl_reader_open(path, &reader);
    if (error != 0) {
        message_log_error(path, error);
        return CLI_FAILED;
    }
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    error = session_reader_open(path, info.capacity, &session);
    if (error != 0) {
        vrrl_reader_close(reader);
        if (error == VRRL_E_NOT_FOUND) {
            message_error("%s: it has no session, which the whole slots would be in. Fix: record "
                          "without --no-session, and keep %s.d beside the log.",
                          path, path);
        } else {
            message_session_error(path, error);
        }
        return CLI_FAILED;
    }
    struct vrrl_record record;
    for (uint64_t index = 0; vrrl_read(reader, &record, 1) == 1 && !ferror(stdout); index++) {
        struct session_slot slot;
        if (record_filter_passes(filter, &record) &&
            session_reader_slot(session, record.place, &slot)) {
            print_slot(index, &record, &slot, json);
        }
    }
    session_reader_close(session);
    vrrl_reader_close(reader);
    return message_finish_output(CLI_WELL);
}

static void add_number(struct json_object *object, const char *member, uint64_t value)
{
    json_object_object_add(object, member, json_object_new_uint64(value));
}

static void add_sizes(struct json_object *object, const char *member, const uint64_t *sizes,
                      uint32_t dimensions)
{
    struct json_object *array = json_object_new_array();
    for (uint32_t i = 0; i < dimensions; i++) {
        json_object_array_add(array, json_object_new_uint64(sizes[i]));
    }
    json_object_object_add(object, member, array);
}

static struct json_object *entry_json(const struct journal_entry *entry)
{
    struct json_object *object = json_object_new_object();
    add_number(object, "number", entry->number);
    add_number(object, "position", entry->position);
    add_number(object, "timestamp_ns", entry->time_ns);
    add_number(object, "run", entry->run);
    if (entry->ring != SESSION_RING_UNKNOWN) {
        add_number(object, "ring", entry->ring);
    }
    return object;
}

static void put_json(struct json_object *object)
{
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static void print_entry(const struct journal_entry *entry)
{
    char time[TIME_TEXT_SIZE];
    printf("%8" PRIu64 " %s run %" PRIu32, entry->number, time_text(entry->time_ns, time),
           entry->run);
    if (entry->ring != SESSION_RING_UNKNOWN) {
        printf(" ring %" PRIu32, entry->ring);
    }
    printf(" after %" PRIu64 " publishes: ", entry->position);
}

static void print_sizes(const char *name, const uint64_t *sizes, uint32_t dimensions)
{
    printf("%s", name);
    for (uint32_t i = 0; i < dimensions; i++) {
        printf("%s%" PRIu64, i == 0 ? " " : "x", sizes[i]);
    }
}

static void describe_submit(struct json_object *object, const struct session_submit *submit)
{
    if (object != NULL) {
        json_object_object_add(object, "kind", json_object_new_string("submit"));
        add_number(object, "launch", submit->launch);
        add_number(object, "kernel", submit->kernel);
        add_sizes(object, "global_offset", submit->global_offset, submit->dimensions);
        add_sizes(object, "global_size", submit->global_size, submit->dimensions);
        add_sizes(object, "local_size", submit->local_size, submit->dimensions);
        return;
    }
    printf("launch %" PRIu64 ", kernel %" PRIu64, submit->launch, submit->kernel);
    print_sizes(", global", submit->global_size, submit->dimensions);
    if (submit->local_size[0] != 0) {
        print_sizes(", local", submit->local_size, submit->dimensions);
    }
}

/** \param kind  "contents", or "lost" of which there are none */
static void describe_change(struct json_object *object, const char *kind, uint64_t buffer,
                            uint64_t offset, uint64_t bytes)
{
    if (object != NULL) {
        json_object_object_add(object, "kind", json_object_new_string(kind));
        add_number(object, "buffer", buffer);
        add_number(object, "offset", offset);
        add_number(object, "bytes", bytes);
        return;
    }
    printf("%s of buffer %" PRIu64 ", bytes %" PRIu64 "+%" PRIu64, kind, buffer, offset, bytes);
}

static void describe_upload(struct json_object *object, const struct session_upload_view *upload)
{
    uint64_t statuses[8] = {0};
    for (uint32_t i = 0; i < upload->head.runs; i++) {
        uint32_t slots;
        uint32_t status;
        session_upload_run(upload, i, &slots, &status);
        if (status < 8) {
            statuses[status] += slots;
        }
    }
    if (object != NULL) {
        json_object_object_add(object, "kind", json_object_new_string("upload"));
        add_number(object, "first_slot", upload->head.first_slot);
        add_number(object, "slots", upload->slots);
    } else {
        printf("upload of slots %" PRIu32 "+%" PRIu64, upload->head.first_slot, upload->slots);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (object != NULL) {
            add_number(object, status_names[i], statuses[i]);
        } else if (statuses[i] > 0) {
            printf(", %s %" PRIu64, status_names[i], statuses[i]);
        }
    }
}

static bool print_submit(const struct journal_entry *entry, const void *payload, bool json)
{
    struct session_submit submit;
    struct session_contents_view contents;
    struct session_upload_view upload;
    struct session_lost lost;
    bool is_submit =
        entry->type == SESSION_ENTRY_SUBMIT && session_submit_read(payload, entry->bytes, &submit);
    bool is_contents = entry->type == SESSION_ENTRY_CONTENTS &&
                       session_contents_read(payload, entry->bytes, &contents);
    bool is_upload =
        entry->type == SESSION_ENTRY_UPLOAD && session_upload_read(payload, entry->bytes, &upload);
    bool is_lost =
        entry->type == SESSION_ENTRY_LOST && session_lost_read(payload, entry->bytes, &lost);
    if (!is_submit && !is_contents && !is_upload && !is_lost) {
        return false;
    }
    struct json_object *object = json ? entry_json(entry) : NULL;
    if (!json) {
        print_entry(entry);
    }
    if (is_submit) {
        describe_submit(object, &submit);
    } else if (is_contents) {
        describe_change(object, "contents", contents.head.buffer, contents.head.offset,
                        contents.head.bytes);
    } else if (is_lost) {
        describe_change(object, "lost", lost.buffer, lost.offset, lost.bytes);
    } else {
        describe_upload(object, &upload);
    }
    if (json) {
        put_json(object);
    } else {
        puts("");
    }
    return true;
}

static bool print_observation(const struct journal_entry *entry, const void *payload, bool json)
{
    struct session_observation_view view;
    if (entry->type != SESSION_ENTRY_OBSERVATION ||
        !session_observation_read(payload, entry->bytes, &view)) {
        return false;
    }
    const struct session_observation *head = &view.head;
    const struct {
        const char *name;
        uint32_t word;
    } words[] = {{"shutdown", VYRE_CONTROL_SHUTDOWN},
                 {"done_count", VYRE_CONTROL_DONE_COUNT},
                 {"epoch", VYRE_CONTROL_EPOCH}};
    struct json_object *object = json ? entry_json(entry) : NULL;
    if (json) {
        json_object_object_add(object, "what", json_object_new_string(observed_names[head->what]));
        add_number(object, "offset", head->offset);
        add_number(object, "count", head->count);
        add_number(object, "launches", head->launches);
        add_number(object, "completed", head->completed);
    } else {
        print_entry(entry);
        printf("%s, bytes %" PRIu64 "+%" PRIu64 ", launches %" PRIu64 " (%" PRIu64 " complete)",
               observed_names[head->what], head->offset, head->count, head->launches,
               head->completed);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint32_t value;
        if (!session_observed_word(&view, words[i].word, &value)) {
            continue;
        }
        if (json) {
            add_number(object, words[i].name, value);
        } else {
            printf(", %s %" PRIu32, words[i].name, value);
        }
    }
    for (unsigned i = 0; i < 8 && head->what == SESSION_OBSERVED_RING; i++) {
        if (json) {
            add_number(object, status_names[i], head->statuses[i]);
        } else if (head->statuses[i] > 0) {
            printf(", %s %" PRIu64, status_names[i], head->statuses[i]);
        }
    }
    if (head->unseen > 0 && !json) {
        printf(", ran unseen %" PRIu64, head->unseen);
    }
    if (json) {
        add_number(object, "unseen", head->unseen);
        put_json(object);
    } else {
        puts("");
    }
    return true;
}

static int dump_journal(const char *path, enum journal_kind kind, bool json,
                        bool (*print)(const struct journal_entry *, const void *, bool))
{
    struct journal_reader *reader;
    int error = journal_reader_open(path, kind, &reader);
    if (error == VRRL_E_NOT_FOUND) {
        message_error("%s: its session has no %s: the program launched no megakernel that was "
                      "recorded, or the session is not beside the log. Fix: keep %s.d beside it.",
                      path, journal_name(kind), path);
        return CLI_FAILED;
    }
    if (error != 0) {
        message_session_error(path, error);
        return CLI_FAILED;
    }
    struct journal_entry entry;
    const void *payload;
    int more;
    while ((more = journal_read(reader, &entry, &payload)) == 1 && !ferror(stdout)) {
        if (!print(&entry, payload, json)) {
            more = SESSION_E_FORMAT;
            break;
        }
    }
    journal_reader_close(reader);
    if (more < 0) {
        message_session_error(path, more);
        message_finish_output(CLI_FAILED);
        return CLI_FAILED;
    }
    return message_finish_output(CLI_WELL);
}

int session_dump_submits(const char *path, bool json)
{
    return dump_journal(path, JOURNAL_SUBMITS, json, print_submit);
}

int session_dump_observations(const char *path, bool json)
{
    return dump_journal(path, JOURNAL_OBSERVATIONS, json, print_observation);
}
