#include "cli/ring_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/findings_report.h"

/** Edits of launches that are printed for a person, and that JSON lists. */
#define SHOWN_MAX 3u
#define LISTED_MAX 1000u

static const struct finding_sides sides = {.expected = "in a", .actual = "in b"};

static const char *change_name(const struct align_edit *edit)
{
    return edit->b_len == 0 ? "missing" : edit->a_len == 0 ? "extra" : "other";
}

bool ring_differs(const struct ring_comparison *comparison)
{
    return comparison->diff->launches_len > 0 || comparison->diff->divergences.total > 0;
}

static void print_edit(const struct ring_comparison *comparison, const struct align_edit *edit)
{
    bool in_a = edit->a_len > 0;
    const struct timeline *timeline = in_a ? comparison->a : comparison->b;
    const struct timeline_submit *submit = &timeline->submits[in_a ? edit->a : edit->b];
    size_t len = in_a ? edit->a_len : edit->b_len;
    printf("  %s's launch%s %" PRIu64, in_a ? "a" : "b", len > 1 ? "es from" : "", submit->launch);
    if (len > 1)
        printf(" on (%zu)", len);
    if (edit->b_len == 0)
        puts(": b has it not");
    else if (edit->a_len == 0)
        puts(": a has it not");
    else
        printf(": b's launch %" PRIu64
               " has another kernel, geometry, or number of publishes before it\n",
               comparison->b->submits[edit->b].launch);
}

static void print_launches(const struct ring_comparison *comparison)
{
    const struct session_diff *diff = comparison->diff;
    if (diff->launches_len == 0) {
        printf("launches: the same %u\n", comparison->a->submits_len);
        return;
    }
    printf("launches: %u in a, %u in b\n", comparison->a->submits_len, comparison->b->submits_len);
    for (size_t i = 0; i < diff->launches_len && i < SHOWN_MAX; i++)
        print_edit(comparison, &diff->launches[i]);
    if (diff->launches_len > SHOWN_MAX)
        printf("  and %zu more places (--json lists them)\n", diff->launches_len - SHOWN_MAX);
}

void ring_report_print(const struct ring_comparison *comparison)
{
    const struct session_diff *diff = comparison->diff;
    print_launches(comparison);
    printf("observations: %zu compared, ", diff->compared);
    if (diff->divergences.total == 0)
        fputs("all the same", stdout);
    else
        printf("%" PRIu64 " words differ", diff->divergences.total);
    if (diff->alone > 0)
        printf("; %zu that only one has", diff->alone);
    if (diff->in_flight > 0)
        printf("; %zu not compared, as launches were in flight", diff->in_flight);
    putchar('\n');
    findings_report_print(comparison->findings, comparison->a, &sides);
}

static struct json_object *edit_json(const struct ring_comparison *comparison,
                                     const struct align_edit *edit)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "change", json_object_new_string(change_name(edit)));
    json_object_object_add(object, "count",
                           json_object_new_uint64(edit->a_len > 0 ? edit->a_len : edit->b_len));
    json_object_object_add(
        object, "a",
        edit->a_len > 0 ? json_object_new_uint64(comparison->a->submits[edit->a].launch) : NULL);
    json_object_object_add(
        object, "b",
        edit->b_len > 0 ? json_object_new_uint64(comparison->b->submits[edit->b].launch) : NULL);
    return object;
}

struct json_object *ring_report_json(const struct ring_comparison *comparison)
{
    const struct session_diff *diff = comparison->diff;
    struct json_object *object = json_object_new_object();
    struct json_object *launches = json_object_new_array();
    for (size_t i = 0; i < diff->launches_len && i < LISTED_MAX; i++)
        json_object_array_add(launches, edit_json(comparison, &diff->launches[i]));
    json_object_object_add(object, "launches_a", json_object_new_int64(comparison->a->submits_len));
    json_object_object_add(object, "launches_b", json_object_new_int64(comparison->b->submits_len));
    json_object_object_add(object, "launches", launches);
    json_object_object_add(object, "observations", json_object_new_uint64(diff->compared));
    json_object_object_add(object, "observations_alone", json_object_new_uint64(diff->alone));
    json_object_object_add(object, "observations_in_flight",
                           json_object_new_uint64(diff->in_flight));
    json_object_object_add(object, "words", json_object_new_uint64(diff->divergences.total));
    json_object_object_add(object, "findings",
                           findings_report_json(comparison->findings, comparison->a, &sides));
    return object;
}
