#include "replay/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log/vrrl.h"
#include "replay/effects.h"
#include "replay/words.h"
#include "session/journal.h"
#include "session/session.h"

/** A record with what its session says of it. */
struct entry {
    struct vrrl_record record;
    bool has_slot;
    struct session_slot slot;
};

struct source {
    const char *path;
    struct vrrl_reader *log;
    /** NULL without a session that can be used. */
    struct session_reader *session;
    struct vrrl_info info;
};

static bool fail_code(struct replay_error *error, const char *path, int code)
{
    if (code == VRRL_E_IO)
        return replay_fail(error, "%s: %s. Fix: make sure that the file can be read by this user.",
                           path, strerror(errno));
    return replay_fail(error, "%s: %s", path, session_strerror(code));
}

static bool next_entry(struct source *source, struct entry *entry)
{
    if (vrrl_read(source->log, &entry->record, 1) == 0)
        return false;
    entry->has_slot = source->session != NULL &&
                      session_reader_slot(source->session, entry->record.place, &entry->slot);
    return true;
}

/** Find run and ring to replay, as asked for or the last run and its first ring.
 *  \param[out] last_ring  of the run */
static bool choose(struct source *source, const struct excerpt_choice *choice,
                   struct excerpt *excerpt, uint32_t *last_ring, struct replay_error *error)
{
    struct entry entry;
    uint32_t last_run = 0;
    vrrl_rewind(source->log);
    while (next_entry(source, &entry)) {
        if (entry.has_slot && entry.slot.run > last_run)
            last_run = entry.slot.run;
    }
    excerpt->session = last_run > 0;
    *last_ring = 0;
    if (!excerpt->session) {
        if (choice->run_given || choice->ring_given)
            return replay_fail(error,
                               "%s: no session tells its runs and rings. "
                               "Fix: replay all of it, without --run and --ring.",
                               source->path);
        return true;
    }

    excerpt->run = choice->run_given ? choice->run : last_run;
    excerpt->ring = choice->ring;
    excerpt->all_rings = choice->all_rings;
    bool found = false;
    uint32_t low = UINT32_MAX;
    uint32_t high = 0;
    vrrl_rewind(source->log);
    while (next_entry(source, &entry)) {
        if (!entry.has_slot || entry.slot.run != excerpt->run)
            continue;
        found = found || !choice->ring_given || entry.slot.ring == choice->ring;
        if (entry.slot.ring == SESSION_RING_UNKNOWN)
            continue;
        low = entry.slot.ring < low ? entry.slot.ring : low;
        high = entry.slot.ring > high ? entry.slot.ring : high;
    }
    if (!found && low > high)
        return replay_fail(error,
                           "%s: run %u has no record; the last run is %u. "
                           "Fix: choose a run that is in the log.",
                           source->path, excerpt->run, last_run);
    if (!found)
        return replay_fail(error,
                           "%s: ring %u has no record in run %u; its rings are %u to %u. "
                           "Fix: choose one of them with --ring.",
                           source->path, choice->ring, excerpt->run, low, high);
    if (!choice->ring_given)
        excerpt->ring = low;
    *last_ring = high;
    return true;
}

/** The slot as a publish leaves it, as far as a record tells. */
static void rebuild(const struct vrrl_record *record, struct recorded_slot *slot)
{
    slot->words[VYRE_SLOT_STATUS] = VYRE_STATUS_PUBLISHED;
    slot->words[VYRE_SLOT_OPCODE] = record->opcode;
    slot->words[VYRE_SLOT_TENANT] = record->tenant_id;
    slot->words[VYRE_SLOT_PRIORITY] = VYRE_PRIORITY_NORMAL;
    memcpy(slot->words + VYRE_SLOT_ARG0, record->args, sizeof(record->args));
    if (record->opcode == VYRE_OP_PACKED_SLOT &&
        !effects_packed_within(slot->words + VYRE_SLOT_ARG0, 4))
        slot->obstacle = OBSTACLE_PACKED_ARGS;
}

static void take(const struct excerpt *excerpt, const struct entry *entry, uint32_t index,
                 struct recorded_slot *slot)
{
    memset(slot, 0, sizeof(*slot));
    slot->index = index;
    slot->sequence = index;
    slot->timestamp_ns = entry->record.timestamp_ns;
    slot->slot_idx = entry->record.slot_idx;
    slot->epoch = entry->record.epoch;
    if (!excerpt->session) {
        rebuild(&entry->record, slot);
        return;
    }
    if (!entry->has_slot) {
        rebuild(&entry->record, slot);
        slot->obstacle = OBSTACLE_NO_SLOT;
        return;
    }
    slot->sequence = entry->slot.sequence - 1;
    slot->thread = entry->slot.thread;
    slot->ring = entry->slot.ring;
    memcpy(slot->words, entry->slot.words, sizeof(slot->words));
    if (!session_slot_matches(&entry->slot, &entry->record))
        slot->obstacle = OBSTACLE_MISMATCH;
    else if (entry->slot.ring == SESSION_RING_UNKNOWN)
        slot->obstacle = OBSTACLE_RING;
    else if (slot->words[VYRE_SLOT_STATUS] != VYRE_STATUS_PUBLISHED)
        slot->obstacle = OBSTACLE_STATUS;
}

/* A record without a slot in the session is of the run that the records around it
 * are of.  One before the chosen run's first is of an earlier run. */
static bool wanted(const struct excerpt *excerpt, const struct entry *entry, uint32_t current_run)
{
    if (!excerpt->session)
        return true;
    if (!entry->has_slot)
        return current_run == excerpt->run;
    return entry->slot.run == excerpt->run &&
           (excerpt->all_rings || entry->slot.ring == excerpt->ring ||
            entry->slot.ring == SESSION_RING_UNKNOWN);
}

/** Number the threads from 0 without a gap. */
static bool number_threads(struct excerpt *excerpt, struct replay_error *error)
{
    uint32_t *threads = malloc(excerpt->len * sizeof(*threads));
    if (threads == NULL)
        return replay_fail_memory(error);
    for (size_t i = 0; i < excerpt->len; i++)
        threads[i] = excerpt->slots[i].thread;
    qsort(threads, excerpt->len, sizeof(*threads), compare_words);
    size_t distinct = 0;
    for (size_t i = 0; i < excerpt->len; i++) {
        if (distinct == 0 || threads[distinct - 1] != threads[i])
            threads[distinct++] = threads[i];
    }
    for (size_t i = 0; i < excerpt->len; i++) {
        struct recorded_slot *slot = &excerpt->slots[i];
        const uint32_t *place =
            bsearch(&slot->thread, threads, distinct, sizeof(*threads), compare_words);
        slot->thread = (uint32_t)(place - threads);
    }
    excerpt->threads = (uint32_t)distinct;
    free(threads);
    return true;
}

/** Whether records of the run were overwritten. */
static void measure(const struct source *source, struct excerpt *excerpt)
{
    excerpt->wrapped = source->info.wrapped;
    excerpt->total = source->info.live;
    if (!excerpt->session)
        return;
    const struct session_header *header = session_reader_header(source->session);
    const struct session_run *run = &header->run_table[(excerpt->run - 1) % SESSION_RUNS_MAX];
    uint64_t capacity = source->info.capacity;
    excerpt->total = session_reader_total(source->session, source->info.cursor);
    if (run->number != excerpt->run)
        return;
    excerpt->wrapped = excerpt->total > capacity && excerpt->total - capacity > run->first_sequence;
    excerpt->late = (run->flags & SESSION_RUN_LATE) != 0 && run->checkpoint == 0;
}

static bool fill(struct source *source, struct excerpt *excerpt, struct replay_error *error)
{
    excerpt->slots = calloc(source->info.live, sizeof(*excerpt->slots));
    if (excerpt->slots == NULL)
        return replay_fail_memory(error);

    struct entry entry;
    uint32_t current_run = 0;
    uint32_t index = 0;
    vrrl_rewind(source->log);
    for (; index < source->info.live && next_entry(source, &entry); index++) {
        if (entry.has_slot)
            current_run = entry.slot.run;
        if (wanted(excerpt, &entry, current_run))
            take(excerpt, &entry, index, &excerpt->slots[excerpt->len++]);
        else
            excerpt->others++;
    }
    if (excerpt->len == 0 || !number_threads(excerpt, error)) {
        if (excerpt->len == 0)
            replay_fail(error,
                        "%s: it changed while it was read. "
                        "Fix: replay it when its writer has ended.",
                        source->path);
        excerpt_free(excerpt);
        return false;
    }
    return true;
}

/** Whether there is a session, though it has no slots. */
static bool has_journals(const char *path)
{
    struct journal_reader *reader;
    if (journal_reader_open(path, JOURNAL_SUBMITS, &reader) != 0)
        return false;
    journal_reader_close(reader);
    return true;
}

static bool open_source(struct source *source, struct excerpt *excerpt, struct replay_error *error)
{
    int code = vrrl_reader_open(source->path, &source->log);
    if (code != 0)
        return fail_code(error, source->path, code);
    vrrl_reader_info(source->log, &source->info);
    if (source->info.lost > 0)
        return fail_code(error, source->path, VRRL_E_TRUNCATED_RECORDS);
    if (source->info.live == 0)
        return replay_fail(
            error,
            "%s: the log has no records. Fix: record a program that publishes slots, "
            "e.g. 'vrrl record -- PROGRAM'.",
            source->path);

    code = session_reader_open(source->path, source->info.capacity, &source->session);
    if (code == VRRL_E_NO_MEMORY)
        return fail_code(error, source->path, code);
    if (code != 0)
        source->session = NULL;
    if (code != 0 && code != VRRL_E_NOT_FOUND)
        excerpt->session_fault = session_strerror(code);
    if (code == VRRL_E_NOT_FOUND && has_journals(source->path))
        excerpt->session_fault = "its slots are missing. Fix: put the file 'slots' back that was "
                                 "recorded with the log.";
    return true;
}

/** Mark the rings that the run published into. */
static bool find_rings(struct source *source, uint32_t run, uint32_t **rings, size_t *len,
                       struct replay_error *error)
{
    struct entry entry;
    bool used[SESSION_RINGS_OF_RUN_MAX] = {false};
    vrrl_rewind(source->log);
    while (next_entry(source, &entry))
        if (entry.has_slot && entry.slot.run == run && entry.slot.ring < SESSION_RINGS_OF_RUN_MAX)
            used[entry.slot.ring] = true;
    *len = 0;
    *rings = malloc(SESSION_RINGS_OF_RUN_MAX * sizeof(**rings));
    if (*rings == NULL)
        return replay_fail_memory(error);
    for (uint32_t ring = 0; ring < SESSION_RINGS_OF_RUN_MAX; ring++)
        if (used[ring])
            (*rings)[(*len)++] = ring;
    /* What is of no known ring is refused as a record. */
    if (*len == 0)
        (*rings)[(*len)++] = SESSION_RING_UNKNOWN;
    return true;
}

bool excerpt_list_rings(const char *path, struct excerpt_choice *choice, uint32_t **rings,
                        size_t *len, struct replay_error *error)
{
    struct source source = {.path = path};
    struct excerpt excerpt = {0};
    uint32_t last_ring;
    bool listed = open_source(&source, &excerpt, error) &&
                  choose(&source, choice, &excerpt, &last_ring, error);
    *len = 1;
    if (listed && excerpt.session && !choice->ring_given) {
        listed = find_rings(&source, excerpt.run, rings, len, error);
    } else if (listed) {
        *rings = malloc(sizeof(**rings));
        if (*rings != NULL)
            **rings = choice->ring;
        else
            listed = replay_fail_memory(error);
    }
    if (listed && excerpt.session) {
        choice->run_given = true;
        choice->run = excerpt.run;
    }
    session_reader_close(source.session);
    vrrl_reader_close(source.log);
    return listed;
}

bool excerpt_read(const char *path, const struct excerpt_choice *choice, struct excerpt *excerpt,
                  struct replay_error *error)
{
    struct source source = {.path = path};
    memset(excerpt, 0, sizeof(*excerpt));
    uint32_t last_ring;
    bool read =
        open_source(&source, excerpt, error) && choose(&source, choice, excerpt, &last_ring, error);
    if (read && !choice->ring_given && !choice->all_rings && excerpt->ring < last_ring)
        read = replay_fail(error,
                           "%s: run %u published into several rings, %u to %u, and each "
                           "is replayed by itself. Fix: choose one with --ring.",
                           path, excerpt->run, excerpt->ring, last_ring);
    if (read)
        measure(&source, excerpt);
    read = read && fill(&source, excerpt, error);
    session_reader_close(source.session);
    vrrl_reader_close(source.log);
    return read;
}

void excerpt_free(struct excerpt *excerpt)
{
    free(excerpt->slots);
    memset(excerpt, 0, sizeof(*excerpt));
}
