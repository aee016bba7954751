/*
 * The observations of a ring, read and put in order.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

static bool wrong(const struct merge *merge, const struct raw_entry *entry, const char *what)
{
    return raw_entry_wrong(merge->journals, JOURNAL_OBSERVATIONS, entry, what, merge->error);
}

static uint32_t role_of(enum session_observed what)
{
    static const uint32_t roles[] = {
        [SESSION_OBSERVED_CONTROL] = VYRE_KERNEL_ARG_CONTROL,
        [SESSION_OBSERVED_RING] = VYRE_KERNEL_ARG_RING,
        [SESSION_OBSERVED_DEBUG_LOG] = VYRE_KERNEL_ARG_DEBUG_LOG,
        [SESSION_OBSERVED_IO_QUEUE] = VYRE_KERNEL_ARG_IO_QUEUE,
    };
    return roles[what];
}

bool observed_read(const struct merge *merge, const struct raw_entry *entry,
                   struct timeline_observation *observation)
{
    struct session_observation_view view;
    if (entry->head.type != SESSION_ENTRY_OBSERVATION ||
        !session_observation_read(entry->payload, entry->head.bytes, &view))
        return wrong(merge, entry, "is no observation");
    const struct session_observation *head = &view.head;
    *observation = (struct timeline_observation){
        .entry = entry->head.number,
        .time_ns = entry->head.time_ns,
        .what = (enum session_observed)head->what,
        .offset = head->offset,
        .count = head->count,
        .launches = head->launches,
        .exact = head->completed >= head->launches,
        .ended = head->completed >= head->launches,
        .bytes = view.observed_bytes > 0 ? view.observed : NULL,
    };
    memcpy(observation->statuses, head->statuses, sizeof(head->statuses));
    const struct timeline_range *role = &merge->timeline->roles[role_of(observation->what)];
    bool fits = role->buffer != TIMELINE_NONE && head->offset <= role->bytes &&
                head->count <= role->bytes - head->offset && head->count > 0;
    if (observation->what == SESSION_OBSERVED_RING)
        fits = fits && head->offset % VYRE_SLOT_BYTES == 0 && head->count % VYRE_SLOT_BYTES == 0;
    return fits || wrong(merge, entry, "lies outside its buffer");
}

static int compare_observed(const void *left, const void *right)
{
    const struct observed *a = left;
    const struct observed *b = right;
    if (a->launches != b->launches)
        return a->launches < b->launches ? -1 : 1;
    return (a->entry->head.number > b->entry->head.number) -
           (a->entry->head.number < b->entry->head.number);
}

struct observed *observed_list(const struct merge *merge, size_t *len)
{
    const struct raw_journal *journal = &merge->journals->of[JOURNAL_OBSERVATIONS];
    struct observed *list = malloc((journal->len + 1) * sizeof(*list));
    *len = 0;
    if (list == NULL) {
        replay_fail_memory(merge->error);
        return NULL;
    }
    for (size_t i = 0; i < journal->len; i++) {
        const struct raw_entry *entry = &journal->entries[i];
        struct session_observation_view view;
        if (entry->head.ring != merge->timeline->excerpt.ring)
            continue;
        if (entry->head.type != SESSION_ENTRY_OBSERVATION ||
            !session_observation_read(entry->payload, entry->head.bytes, &view)) {
            free(list);
            wrong(merge, entry, "is no observation");
            return NULL;
        }
        list[(*len)++] = (struct observed){view.head.launches, entry};
    }
    qsort(list, *len, sizeof(*list), compare_observed);
    return list;
}
