#include <json-c/json.h>
#include <stdio.h>

#include "cli/findings_report.h"
#include "cli/replay_report.h"
#include "replay/schedule.h"

/** Records with an obstacle, and outcomes of runs, that are listed. */
#define LISTED_MAX 1000

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
    json_object_object_add(object, key, json_object_new_int64((int64_t)number));
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, text != NULL ? json_object_new_string(text) : NULL);
}

static struct json_object *divergence_json(const struct divergence *divergence,
                                           enum replay_against against)
{
    struct json_object *object = json_object_new_object();
    char name[64];
    divergence_word_name(divergence, name, sizeof(name));
    add_number(object, "record", divergence->record);
    add_number(object, "epoch", divergence->epoch);
    add_number(object, "word", divergence->word);
    add_text(object, "word_name", name);
    add_text(object, "buffer", divergence_buffer(divergence));
    add_number(object, "expected", divergence->expected);
    add_number(object, "actual", divergence->actual);
    add_text(object, "against", divergence->recorded ? "recorded" : replay_against_name(against));
    struct json_object *writers = json_object_new_array();
    for (size_t i = 0; i < divergence->writers_len; i++)
        json_object_array_add(writers, json_object_new_int64(divergence->writers[i]));
    json_object_object_add(object, "writers", writers);
    return object;
}

static struct json_object *obstacles_json(const struct excerpt *excerpt)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < excerpt->len && json_object_array_length(array) < LISTED_MAX; i++) {
        if (excerpt->slots[i].obstacle == OBSTACLE_NONE)
            continue;
        char reason[512];
        obstacle_describe(&excerpt->slots[i], reason, sizeof(reason));
        struct json_object *object = json_object_new_object();
        add_number(object, "record", excerpt->slots[i].index);
        add_text(object, "reason", reason);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *unhandled_json(const struct replay_result *result)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < result->unhandled_len; i++) {
        struct json_object *object = json_object_new_object();
        add_number(object, "opcode", result->unhandled[i].opcode);
        add_number(object, "records", result->unhandled[i].records);
        add_number(object, "first", result->unhandled[i].first);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *runs_json(const struct repeat *repeat)
{
    struct json_object *object = json_object_new_object();
    add_number(object, "count", repeat->runs);
    json_object_object_add(object, "parted",
                           repeat->parted > 0 ? json_object_new_int64(repeat->parted) : NULL);
    add_number(object, "outcomes_total", repeat->len);
    struct json_object *outcomes = json_object_new_array();
    for (size_t i = 0; i < repeat->len && i < LISTED_MAX; i++) {
        struct json_object *outcome = json_object_new_object();
        add_number(outcome, "first_run", repeat->outcomes[i].first_run);
        add_number(outcome, "runs", repeat->outcomes[i].runs);
        json_object_array_add(outcomes, outcome);
    }
    json_object_object_add(object, "outcomes", outcomes);
    return object;
}

static void add_result(struct json_object *object, const struct replay_report *report)
{
    const struct replay_result *result = report->result;
    add_text(object, "against", replay_against_name(result->against));
    if (result->against == REPLAY_AGAINST_DEVICE)
        add_text(object, "other_device", result->other_device);
    add_text(object, "kernel", result->builtin ? "builtin" : "recorded");
    add_number(object, "launches", result->launches);
    add_number(object, "compared", result->compared);
    add_number(object, "in_flight", result->in_flight);
    json_object_object_add(object, "stopped", json_object_new_boolean(result->stopped));
    add_number(object, "published", result->published);
    add_number(object, "divergences_total", result->divergences.total);
    add_number(object, "first_epoch", result->first_epoch);
    add_number(object, "last_epoch", result->last_epoch);
    add_number(object, "largest_lead", result->largest_lead);
    add_number(object, "largest_lead_record", result->largest_lead_record);
    add_number(object, "left_published", result->left_published);
    add_number(object, "control_words", report->timeline->control_words);
    add_number(object, "ring_slots", report->timeline->ring_slots);
    add_number(object, "unhandled_total", result->unhandled_records);
    json_object_object_add(object, "unhandled", unhandled_json(result));
    json_object_object_add(object, "seconds", json_object_new_double(result->seconds));
}

static void add_timeline(struct json_object *object, const struct timeline *timeline)
{
    const struct timeline_gaps *gaps = &timeline->gaps;
    add_number(object, "epochs", timeline->epochs);
    if (!timeline->recorded) {
        add_number(object, "batches", timeline->submits_len);
        return;
    }
    add_number(object, "observations", timeline->observations_len);
    add_number(object, "checkpoint", gaps->checkpoint);
    add_number(object, "before_checkpoint", gaps->before);
    add_number(object, "never_launched", gaps->never_launched);
}

void replay_json_print(const struct replay_report *report)
{
    const struct excerpt *excerpt = &report->timeline->excerpt;
    const struct replay_result *result = report->result;
    struct json_object *object = json_object_new_object();
    add_text(object, "verdict", report->verdict);
    add_number(object, "records", excerpt->len);
    add_timeline(object, report->timeline);
    add_text(object, "backend", replay_backend(report->request, report->timeline)->name);
    add_text(object, "device", result != NULL ? result->device : NULL);

    struct json_object *divergences = json_object_new_array();
    for (size_t i = 0; result != NULL && i < result->divergences.len; i++)
        json_object_array_add(divergences,
                              divergence_json(&result->divergences.list[i], result->against));
    json_object_object_add(object, "divergences", divergences);
    json_object_object_add(object, "incomplete", obstacles_json(excerpt));
    add_number(object, "incomplete_total", report->timeline->obstacles);

    struct json_object *assumed = json_object_new_array();
    for (size_t i = 0; i < report->assumed_len; i++)
        json_object_array_add(assumed, json_object_new_string(report->assumed[i]));
    json_object_object_add(object, "assumed", assumed);
    add_text(object, "session_fault", excerpt->session_fault);
    json_object_object_add(object, "strict",
                           json_object_new_boolean(report->request->options.strict));
    if (excerpt->session) {
        add_number(object, "run", excerpt->run);
        add_number(object, "ring", excerpt->ring);
    }
    if (result != NULL) {
        add_result(object, report);
        json_object_object_add(
            object, "findings",
            findings_report_json(report->findings, report->timeline, &report->sides));
    }
    if (report->repeat != NULL)
        json_object_object_add(object, "runs", runs_json(report->repeat));
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}
