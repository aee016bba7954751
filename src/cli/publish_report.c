#include "cli/publish_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/slot_text.h"

/** Differences that are printed for a person, and that JSON lists. */
#define SHOWN_MAX 6u
#define LISTED_MAX 1000u

static const struct {
    /** In JSON, and behind a count. */
    const char *name;
    const char *counted;
} changes[PUBLISH_CHANGES] = {
    [PUBLISH_MISSING] = {"missing", "missing in b"}, [PUBLISH_EXTRA] = {"extra", "only in b"},
    [PUBLISH_OTHER] = {"other", "with other words"}, [PUBLISH_SLOT] = {"slot", "in another slot"},
    [PUBLISH_EPOCH] = {"epoch", "at another epoch"},
};

static void print_slot(const struct recorded_slot *slot)
{
    char text[SLOT_TEXT_SIZE];
    printf("%s of tenant %u in slot %u, epoch %u", slot_text(slot->words, text),
           slot->words[VYRE_SLOT_TENANT], slot->slot_idx, slot->epoch);
}

static void print_records(const char *side, const struct excerpt *excerpt, size_t place, size_t len)
{
    printf("%s's record%s %u", side, len > 1 ? "s from" : "", excerpt->slots[place].index);
    if (len > 1)
        printf(" on (%zu)", len);
}

static void print_difference(const struct publish_difference *difference, const struct excerpt *a,
                             const struct excerpt *b)
{
    bool in_a = difference->a != SIZE_MAX;
    const struct recorded_slot *left = in_a ? &a->slots[difference->a] : &b->slots[difference->b];
    const struct recorded_slot *right = difference->b != SIZE_MAX ? &b->slots[difference->b] : left;
    fputs("  ", stdout);
    print_records(in_a ? "a" : "b", in_a ? a : b, in_a ? difference->a : difference->b,
                  difference->len);
    fputs(": ", stdout);
    print_slot(left);
    switch (difference->change) {
    case PUBLISH_MISSING:
        puts("; b has it not");
        break;
    case PUBLISH_EXTRA:
        puts("; a has it not");
        break;
    case PUBLISH_SLOT:
        printf("; slot %u in b's record %u\n", right->slot_idx, right->index);
        break;
    case PUBLISH_EPOCH:
        printf("; epoch %u in b's record %u\n", right->epoch, right->index);
        break;
    default:
        printf("; b's record %u: ", right->index);
        print_slot(right);
        putchar('\n');
        break;
    }
}

void publish_report_print(const struct publish_diff *diff, const struct excerpt *a,
                          const struct excerpt *b)
{
    fputs("publishes:", stdout);
    if (diff->len == 0)
        fputs(" the same", stdout);
    const char *separator = " ";
    for (size_t i = 0; i < PUBLISH_CHANGES; i++) {
        if (diff->totals[i] == 0)
            continue;
        printf("%s%" PRIu64 " %s", separator, diff->totals[i], changes[i].counted);
        separator = ", ";
    }
    putchar('\n');
    for (size_t i = 0; i < diff->len && i < SHOWN_MAX; i++)
        print_difference(&diff->list[i], a, b);
    if (diff->len > SHOWN_MAX)
        printf("  and %zu more places (--json lists them)\n", diff->len - SHOWN_MAX);
}

static struct json_object *record_json(const struct excerpt *excerpt, size_t place)
{
    if (place == SIZE_MAX)
        return NULL;
    const struct recorded_slot *slot = &excerpt->slots[place];
    struct json_object *object = slot_json(slot->index, slot->slot_idx, slot->words);
    json_object_object_add(object, "epoch", json_object_new_int64(slot->epoch));
    if (excerpt->session) {
        json_object_object_add(object, "ring", json_object_new_int64(slot->ring));
        json_object_object_add(object, "thread", json_object_new_int64(slot->thread));
    }
    return object;
}

struct json_object *publish_report_json(const struct publish_diff *diff, const struct excerpt *a,
                                        const struct excerpt *b)
{
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < PUBLISH_CHANGES; i++)
        json_object_object_add(object, changes[i].name, json_object_new_uint64(diff->totals[i]));
    struct json_object *differences = json_object_new_array();
    for (size_t i = 0; i < diff->len && i < LISTED_MAX; i++) {
        const struct publish_difference *difference = &diff->list[i];
        struct json_object *entry = json_object_new_object();
        json_object_object_add(entry, "change",
                               json_object_new_string(changes[difference->change].name));
        json_object_object_add(entry, "count", json_object_new_uint64(difference->len));
        json_object_object_add(entry, "a", record_json(a, difference->a));
        json_object_object_add(entry, "b", record_json(b, difference->b));
        json_object_array_add(differences, entry);
    }
    json_object_object_add(object, "differences", differences);
    json_object_object_add(object, "differences_total", json_object_new_uint64(diff->len));
    return object;
}
