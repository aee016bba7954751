#include "cli/session_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session_journals.h"

#define RUNS_FILE "runs.jsonl"

uint64_t json_number(struct json_object *object, const char *member)
{
    struct json_object *value;
    return json_object_object_get_ex(object, member, &value) ? json_object_get_uint64(value) : 0;
}

static void add_number(struct json_object *object, const char *member, uint64_t value)
{
    json_object_object_add(object, member, json_object_new_uint64(value));
}

/** The run of that number among those that the session's table describes; NULL if it is too old. */
static struct json_object *find_run(struct json_object *runs, uint64_t number)
{
    for (size_t i = 0; i < json_object_array_length(runs); i++) {
        struct json_object *run = json_object_array_get_idx(runs, i);
        if (json_number(run, "run") == number) {
            return run;
        }
    }
    return NULL;
}

static void merge_line(struct json_object *runs, const char *line)
{
    struct json_object *told = json_tokener_parse(line);
    if (json_object_is_type(told, json_type_object)) {
        struct json_object *run = find_run(runs, json_number(told, "run"));
        json_object_object_foreach(told, member, value)
        {
            if (run != NULL && !json_object_object_get_ex(run, member, NULL)) {
                json_object_object_add(run, member, json_object_get(value));
            }
        }
    }
    json_object_put(told);
}

static void merge_runs_file(struct json_object *runs, const char *log_path)
{
    char folder[PATH_MAX];
    char path[PATH_MAX + sizeof(RUNS_FILE) + 1];
    if (!session_path(log_path, folder)) {
        return;
    }
    snprintf(path, sizeof(path), "%s/" RUNS_FILE, folder);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0) {
        merge_line(runs, line);
    }
    free(line);
    fclose(file);
}

static struct json_object *runs_json(const struct session_header *header)
{
    struct json_object *runs = json_object_new_array();
    uint32_t first = header->runs > SESSION_RUNS_MAX ? header->runs - SESSION_RUNS_MAX : 0;
    for (uint32_t i = first; i < header->runs; i++) {
        const struct session_run *run = &header->run_table[i % SESSION_RUNS_MAX];
        if (run->number == 0) {
            continue;
        }
        struct json_object *object = json_object_new_object();
        add_number(object, "run", run->number);
        add_number(object, "pid", run->pid);
        add_number(object, "first_sequence", run->first_sequence);
        add_number(object, "start_ns", run->start_ns);
        if (run->end_ns != 0) {
            add_number(object, "end_ns", run->end_ns);
        }
        if ((run->flags & SESSION_RUN_LATE) != 0) {
            json_object_object_add(object, "late", json_object_new_boolean(true));
        }
        if (run->checkpoint != 0) {
            add_number(object, "checkpoint", run->checkpoint - 1);
        }
        json_object_array_add(runs, object);
    }
    return runs;
}

static struct json_object *rings_json(const struct session_header *header)
{
    struct json_object *rings = json_object_new_array();
    uint32_t first = header->rings > SESSION_RINGS_MAX ? header->rings - SESSION_RINGS_MAX : 0;
    for (uint32_t i = first; i < header->rings; i++) {
        const struct session_ring *ring = &header->ring_table[i % SESSION_RINGS_MAX];
        if (ring->run == 0 || ring->joined != 0) {
            continue;
        }
        struct json_object *object = json_object_new_object();
        add_number(object, "run", ring->run);
        add_number(object, "ring", ring->number);
        add_number(object, "slots", ring->bytes / VYRE_SLOT_BYTES);
        json_object_array_add(rings, object);
    }
    return rings;
}

static struct json_object *owner_json(const struct session_owner *owner)
{
    struct json_object *object = json_object_new_object();
    add_number(object, "pid", owner->pid);
    json_object_object_add(object, "alive", json_object_new_boolean(session_owner_alive(owner)));
    return object;
}

struct json_object *session_json(const char *log_path, const struct session_reader *session,
                                 const struct vrrl_info *info)
{
    const struct session_header *header = session_reader_header(session);
    uint64_t total = session_reader_total(session, info->cursor);
    struct json_object *object = json_object_new_object();
    add_number(object, "total", total);
    add_number(object, "overwritten", total > info->capacity ? total - info->capacity : 0);
    add_number(object, "failed", header->failed);
    add_number(object, "skipped", header->skipped);
    json_object_object_add(object, "owner", owner_json(&header->owner));
    struct json_object *runs = runs_json(header);
    merge_runs_file(runs, log_path);
    json_object_object_add(object, "runs", runs);
    json_object_object_add(object, "rings", rings_json(header));
    session_journals_add_json(log_path, object);
    return object;
}
