#include "cli/findings_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/finding_text.h"
#include "cli/slot_text.h"

/** Groups that are printed, the first of them at length. */
#define GROUPS_SHOWN 4u

/** Findings of one time and cause, whose slots have the same opcodes. */
struct group {
    const struct finding *first;
    size_t len;
};

static uint32_t opcode_of(const struct findings *findings, const struct finding *finding, size_t i)
{
    size_t flight = finding->pair[i];
    if (flight == SUSPECT_NONE && i == 0 && finding->writers_len > 0)
        flight = finding->writers[0].flight;
    return flight != SUSPECT_NONE ? findings->flights.list[flight].words[VYRE_SLOT_OPCODE]
                                  : UINT32_MAX;
}

static bool alike(const struct findings *findings, const struct finding *a, const struct finding *b)
{
    return a->until == b->until && a->cause == b->cause && a->where == b->where &&
           opcode_of(findings, a, 0) == opcode_of(findings, b, 0) &&
           opcode_of(findings, a, 1) == opcode_of(findings, b, 1);
}

/** Put the findings at the first observation into groups, the likeliest cause first.  \return
 *  findings in no group, as there were too many */
static size_t make_groups(const struct findings *findings, struct group groups[GROUPS_SHOWN],
                          size_t *groups_len)
{
    size_t left = 0;
    *groups_len = 0;
    for (size_t i = 0; i < findings->len; i++) {
        const struct finding *finding = &findings->list[findings->order[i]];
        size_t g = 0;
        if (finding->until != findings->list[findings->order[0]].until)
            break;
        while (g < *groups_len && !alike(findings, groups[g].first, finding))
            g++;
        if (g < *groups_len)
            groups[g].len++;
        else if (g < GROUPS_SHOWN)
            groups[(*groups_len)++] = (struct group){.first = finding, .len = 1};
        else
            left++;
    }
    return left;
}

static size_t count_later(const struct findings *findings)
{
    size_t later = 0;
    for (size_t i = 0; i < findings->len; i++)
        later += findings->list[i].until != findings->list[findings->order[0]].until ? 1 : 0;
    return later;
}

static void print_suspect(const struct findings *findings, size_t flight)
{
    const struct flight *slot = &findings->flights.list[flight];
    char text[SLOT_TEXT_SIZE];
    printf("     record %u: %s of tenant %u in slot %u", slot->record, slot_text(slot->words, text),
           slot->words[VYRE_SLOT_TENANT], slot->slot_idx);
    if (slot->launch > 0)
        printf(", launch %" PRIu64, slot->launch);
    putchar('\n');
}

static void print_group(const struct findings *findings, const struct group *group, size_t number,
                        const struct finding_sides *sides)
{
    const struct finding *finding = group->first;
    char word[FINDING_WORD_SIZE];
    char verdict[FINDING_TEXT_SIZE];
    printf("  %zu. %s is %u %s and %u %s", number, finding_word(finding, word), finding->expected,
           sides->expected, finding->actual, sides->actual);
    if (group->len > 1)
        printf("; %zu more like it", group->len - 1);
    printf("\n     %s\n", finding_verdict(findings, finding, sides, verdict));
    if (number > 1)
        return;
    if (finding->pair[0] != SUSPECT_NONE) {
        print_suspect(findings, finding->pair[0]);
        print_suspect(findings, finding->pair[1]);
    } else if (finding->writers_len > 0) {
        print_suspect(findings, finding->writers[0].flight);
        if (finding->writers_len > 1)
            print_suspect(findings, finding->writers[1].flight);
    }
}

/** The launch and the time of what a time stands for. */
static void print_where(const struct timeline *timeline, const struct finding *finding)
{
    const struct timeline_event *event = &timeline->events[finding->until - 1];
    uint64_t launches = 0;
    uint32_t epoch = 0;
    for (size_t i = 0; i < finding->until; i++) {
        const struct timeline_event *before = &timeline->events[i];
        if (before->kind == TIMELINE_SUBMIT)
            launches = timeline->submits[before->which].launch;
        if (before->kind == TIMELINE_PUBLISH)
            epoch = timeline->excerpt.slots[before->which].epoch;
    }
    printf("first difference after launch %" PRIu64 ", epoch %u", launches, epoch);
    if (event->kind == TIMELINE_OBSERVATION && event->which != TIMELINE_NONE)
        printf(", at observation %" PRIu64, timeline->observations[event->which].entry);
    puts(":");
}

void findings_report_print(const struct findings *findings, const struct timeline *timeline,
                           const struct finding_sides *sides)
{
    if (findings->len == 0)
        return;
    print_where(timeline, &findings->list[findings->order[0]]);
    struct group groups[GROUPS_SHOWN];
    size_t groups_len;
    size_t left = make_groups(findings, groups, &groups_len);
    for (size_t i = 0; i < groups_len; i++)
        print_group(findings, &groups[i], i + 1, sides);
    if (left > 0)
        printf("  and %zu more words there (--json lists them)\n", left);
    size_t later = count_later(findings);
    if (later > 0)
        printf("  and %zu more words at later observations (--json lists them)\n", later);
}

static struct json_object *flight_json(const struct findings *findings, size_t flight)
{
    const struct flight *slot = &findings->flights.list[flight];
    struct json_object *object = slot_json(slot->record, slot->slot_idx, slot->words);
    json_object_object_add(object, "launch",
                           slot->launch > 0 ? json_object_new_uint64(slot->launch) : NULL);
    json_object_object_add(object, "published", json_object_new_uint64(slot->published));
    json_object_object_add(object, "seen_done",
                           slot->seen_done != FLIGHT_NEVER ? json_object_new_uint64(slot->seen_done)
                                                           : NULL);
    return object;
}

static struct json_object *pair_json(const struct findings *findings, const struct finding *finding)
{
    if (finding->pair[0] == SUSPECT_NONE)
        return NULL;
    struct json_object *pair = json_object_new_object();
    json_object_object_add(pair, "first", flight_json(findings, finding->pair[0]));
    json_object_object_add(pair, "second", flight_json(findings, finding->pair[1]));
    json_object_object_add(pair, "word", json_object_new_int64(finding->pair_word));
    json_object_object_add(pair, "one_launch", json_object_new_boolean(finding->pair_together));
    return pair;
}

static struct json_object *finding_json(const struct findings *findings,
                                        const struct timeline *timeline,
                                        const struct finding_sides *sides,
                                        const struct finding *finding)
{
    struct json_object *object = json_object_new_object();
    const struct timeline_event *event = &timeline->events[finding->until - 1];
    bool observed = event->kind == TIMELINE_OBSERVATION && event->which != TIMELINE_NONE;
    char text[FINDING_TEXT_SIZE];
    char word[FINDING_WORD_SIZE];
    json_object_object_add(object, "word", json_object_new_string(finding_word(finding, word)));
    json_object_object_add(object, "divergence", json_object_new_uint64(finding->divergence));
    json_object_object_add(object, "cause",
                           json_object_new_string(finding_cause_name(finding->cause)));
    json_object_object_add(object, "verdict",
                           json_object_new_string(finding_verdict(findings, finding, sides, text)));
    json_object_object_add(object, "expected", json_object_new_int64(finding->expected));
    json_object_object_add(object, "actual", json_object_new_int64(finding->actual));
    json_object_object_add(
        object, "observation",
        observed ? json_object_new_uint64(timeline->observations[event->which].entry) : NULL);
    json_object_object_add(object, "since", json_object_new_uint64(finding->since));
    json_object_object_add(object, "until", json_object_new_uint64(finding->until));
    json_object_object_add(object, "writing", json_object_new_uint64(finding->writing));
    json_object_object_add(object, "reading", json_object_new_uint64(finding->reading));
    json_object_object_add(object, "unordered", pair_json(findings, finding));
    struct json_object *writers = json_object_new_array();
    for (size_t i = 0; i < finding->writers_len; i++)
        json_object_array_add(writers, flight_json(findings, finding->writers[i].flight));
    json_object_object_add(object, "writers", writers);
    if (finding->follows != SUSPECT_NONE)
        json_object_object_add(object, "follows",
                               json_object_new_uint64(findings->list[finding->follows].divergence));
    return object;
}

struct json_object *findings_report_json(const struct findings *findings,
                                         const struct timeline *timeline,
                                         const struct finding_sides *sides)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < findings->len; i++)
        json_object_array_add(
            array, finding_json(findings, timeline, sides, &findings->list[findings->order[i]]));
    return array;
}
