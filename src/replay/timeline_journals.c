/*
 * The entries that the session's journals have of one run, copied and checked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/timeline_parts.h"
#include "session/session.h"

/** Bytes of payloads that are kept; a recorder's journals are far smaller together. */
#define PAYLOADS_MAX (UINT64_C(256) << 20)

bool raw_entry_wrong(const struct raw_journals *journals, enum journal_kind kind,
                     const struct raw_entry *entry, const char *what, struct replay_error *error)
{
    return replay_fail(error,
                       "%s: %s: entry %llu of the session %s. Fix: use the session that was "
                       "recorded with this log, or move it away to replay the bare log.",
                       journals->path, journal_name(kind), (unsigned long long)entry->head.number,
                       what);
}

struct raw_entry *raw_entry_find(const struct raw_journals *journals, enum journal_kind kind,
                                 uint64_t number)
{
    const struct raw_journal *journal = &journals->of[kind];
    size_t low = 0;
    size_t high = journal->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal->entries[middle].head.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < journal->len && journal->entries[low].head.number == number
               ? &journal->entries[low]
               : NULL;
}

static bool fail_journal(const struct raw_journals *journals, enum journal_kind kind, int code,
                         struct replay_error *error)
{
    if (code == VRRL_E_NO_MEMORY)
        return replay_fail_memory(error);
    if (code == VRRL_E_IO)
        return replay_fail(error, "%s.d/%s: %s. Fix: make sure that the file can be read.",
                           journals->path, journal_name(kind), strerror(errno));
    return replay_fail(error,
                       "%s.d/%s: it is damaged, cut, or of another version. Fix: use the session "
                       "that was recorded with this log, or move it away to replay the bare log.",
                       journals->path, journal_name(kind));
}

/** What an entry must be that follows another one of the same run. */
static bool entry_fits(const struct raw_journals *journals, enum journal_kind kind,
                       const struct timeline *timeline, const struct raw_entry *entry,
                       struct replay_error *error)
{
    const struct raw_journal *journal = &journals->of[kind];
    if (entry->head.position > timeline->excerpt.total)
        return raw_entry_wrong(journals, kind, entry, "lies after the last record of the log",
                               error);
    if (journal->len == 0)
        return true;
    const struct journal_entry *before = &journal->entries[journal->len - 1].head;
    if (entry->head.position < before->position || entry->head.number <= before->number)
        return raw_entry_wrong(journals, kind, entry, "goes back", error);
    return true;
}

static bool keep_entry(struct timeline *timeline, struct raw_journals *journals,
                       enum journal_kind kind, const struct journal_entry *head,
                       const void *payload, uint64_t *kept, struct replay_error *error)
{
    struct raw_journal *journal = &journals->of[kind];
    struct raw_entry entry = {.head = *head, .made = TIMELINE_NONE};
    if (!entry_fits(journals, kind, timeline, &entry, error))
        return false;
    *kept += head->bytes;
    if (*kept > PAYLOADS_MAX)
        return raw_entry_wrong(journals, kind, &entry, "is more than a recorder writes", error);
    void *copy = timeline_allocate(timeline, head->bytes);
    if (copy == NULL)
        return replay_fail_memory(error);
    if (head->bytes > 0)
        memcpy(copy, payload, head->bytes);
    entry.payload = copy;
    return timeline_append(&journal->entries, &journal->len, sizeof(entry), &entry) ||
           replay_fail_memory(error);
}

static bool read_entries(struct journal_reader *reader, struct timeline *timeline,
                         struct raw_journals *journals, enum journal_kind kind, uint64_t *kept,
                         struct replay_error *error)
{
    struct raw_journal *journal = &journals->of[kind];
    struct journal_entry head;
    const void *payload;
    int more;
    uint32_t run = timeline->excerpt.run;
    bool earlier = false;
    while ((more = journal_read(reader, &head, &payload)) == 1) {
        earlier = earlier || head.run < run;
        if (head.run == run && !keep_entry(timeline, journals, kind, &head, payload, kept, error))
            return false;
    }
    if (more < 0)
        return fail_journal(journals, kind, more, error);
    const struct journal_header *header = journal_reader_header(reader);
    journal->cut = header->tail > 0 && !earlier;
    journal->dropped = header->dropped;
    return true;
}

bool raw_journals_read(const char *path, struct timeline *timeline, struct raw_journals *journals,
                       struct replay_error *error)
{
    uint64_t kept = 0;
    *journals = (struct raw_journals){.path = path};
    for (int i = 0; i < JOURNAL_KINDS; i++) {
        enum journal_kind kind = (enum journal_kind)i;
        struct journal_reader *reader;
        int code = journal_reader_open(path, kind, &reader);
        if (code == VRRL_E_NOT_FOUND)
            continue;
        bool read = code == 0 ? read_entries(reader, timeline, journals, kind, &kept, error)
                              : fail_journal(journals, kind, code, error);
        if (code == 0)
            journal_reader_close(reader);
        if (!read) {
            raw_journals_free(journals);
            return false;
        }
        journals->of[kind].there = true;
    }
    return true;
}

void raw_journals_free(struct raw_journals *journals)
{
    for (int kind = 0; kind < JOURNAL_KINDS; kind++) {
        free(journals->of[kind].entries);
        journals->of[kind].entries = NULL;
    }
}
