#include "replay/suspects.h"

#include <stdlib.h>
#include <string.h>

/** A control word that is looked after, for a finding. */
struct watch {
    uint64_t word;
    size_t finding;
    /** The flight that reads it, beside which others may write; SUSPECT_NONE: writers beside
     *  writers. */
    size_t reader;
    /** The latest writer with each kind of effect; SUSPECT_NONE. */
    struct finding_writer lasts[EFFECT_KINDS];
    size_t pair[2];
    bool pair_together;
};

struct search {
    const struct flight *flights;
    size_t flights_len;
    struct finding *findings;
    size_t findings_len;
    struct watch *watches;
    size_t watches_len;
    size_t watches_room;
};

static bool in_flight(const struct finding *finding, const struct flight *flight)
{
    return flight->published < finding->until && flight->seen_done > finding->since;
}

static bool add_watch(struct search *search, uint64_t word, size_t finding, size_t reader,
                      struct replay_error *error)
{
    if (search->watches_len == search->watches_room) {
        size_t room = search->watches_room * 2 + 64;
        struct watch *more = realloc(search->watches, room * sizeof(*more));
        if (more == NULL)
            return replay_fail_memory(error);
        search->watches = more;
        search->watches_room = room;
    }
    struct watch *watch = &search->watches[search->watches_len++];
    *watch = (struct watch){
        .word = word, .finding = finding, .reader = reader, .pair = {SUSPECT_NONE, SUSPECT_NONE}};
    for (size_t i = 0; i < EFFECT_KINDS; i++)
        watch->lasts[i].flight = SUSPECT_NONE;
    return true;
}

static int compare_watches(const void *left, const void *right)
{
    const struct watch *a = left;
    const struct watch *b = right;
    if (a->word != b->word)
        return a->word < b->word ? -1 : 1;
    return (a->finding > b->finding) - (a->finding < b->finding);
}

/** Place of the first watch at a word or behind it. */
static size_t first_watch(const struct search *search, uint64_t word)
{
    size_t low = 0;
    size_t high = search->watches_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (search->watches[middle].word < word)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/** Keep two that nothing ordered: the first such pair, but rather one of a common launch. */
static void keep_pair(const struct search *search, struct watch *watch, size_t first, size_t second)
{
    const struct flight *a = &search->flights[first];
    const struct flight *b = &search->flights[second];
    if (first == second || !flights_unordered(a, b) || watch->pair_together)
        return;
    bool together = a->launch == b->launch || a->launch == 0 || b->launch == 0;
    if (watch->pair[0] != SUSPECT_NONE && !together)
        return;
    watch->pair[0] = first;
    watch->pair[1] = second;
    watch->pair_together = together;
}

/** Hold a writer against the latest ones before it.  If it races with any slot, it does with one of
 *  these, or that one has raced with them. */
static void pair_writers(const struct search *search, struct watch *watch, size_t flight,
                         const struct effect *effect)
{
    for (size_t i = 0; i < EFFECT_KINDS && !watch->pair_together; i++) {
        const struct finding_writer *last = &watch->lasts[i];
        if (last->flight != SUSPECT_NONE && !effects_commute(&last->effect, effect))
            keep_pair(search, watch, last->flight, flight);
    }
    watch->lasts[effect->kind] = (struct finding_writer){.flight = flight, .effect = *effect};
}

static void count_writer(struct finding *finding, size_t flight, const struct effect *effect)
{
    /* A slot that writes it in two steps is one writer. */
    size_t len = finding->writers_len;
    bool known = len > 0 && finding->writers[len - 1].flight == flight;
    finding->writing += known ? 0 : 1;
    finding->commuting =
        len == 0 || (finding->commuting && effects_commute(&finding->writers[0].effect, effect));
    if (!known && len < FINDING_WRITERS_MAX)
        finding->writers[finding->writers_len++] =
            (struct finding_writer){.flight = flight, .effect = *effect};
}

static void touch(const struct search *search, struct watch *watch, size_t flight,
                  const struct effect *effect)
{
    struct finding *finding = &search->findings[watch->finding];
    if (!in_flight(finding, &search->flights[flight]))
        return;
    if (watch->reader != SUSPECT_NONE) {
        size_t first = flight < watch->reader ? flight : watch->reader;
        if (effect_writes(effect))
            keep_pair(search, watch, first, first == flight ? watch->reader : flight);
    } else if (effect_writes(effect)) {
        count_writer(finding, flight, effect);
        pair_writers(search, watch, flight, effect);
    } else {
        finding->reading++;
    }
}

static void walk_effects(const struct search *search, size_t flight, const struct effect *effects,
                         size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t end = effects[i].first + effects[i].words;
        for (size_t w = first_watch(search, effects[i].first);
             w < search->watches_len && search->watches[w].word < end; w++)
            touch(search, &search->watches[w], flight, &effects[i]);
    }
}

/** Tell every watch of every flight that touches its word. */
static void walk(struct search *search)
{
    if (search->watches_len == 0)
        return;
    qsort(search->watches, search->watches_len, sizeof(*search->watches), compare_watches);
    for (size_t flight = 0; flight < search->flights_len; flight++) {
        struct effect named[EFFECTS_MAX];
        struct effect common[EFFECTS_COMMON_MAX];
        const uint32_t *words = search->flights[flight].words;
        walk_effects(search, flight, named, effects_of_slot(words, named));
        walk_effects(search, flight, common, effects_common(words, common));
    }
}

static int compare_status_findings(const void *left, const void *right)
{
    const struct finding *a = *(const struct finding *const *)left;
    const struct finding *b = *(const struct finding *const *)right;
    return (a->word > b->word) - (a->word < b->word);
}

/** Find the flights behind statuses and the debug log: a slot's latest, and all PRINTFs. */
static bool find_slots(const struct search *search, struct replay_error *error)
{
    struct finding **statuses = malloc((search->findings_len + 1) * sizeof(struct finding *));
    struct finding *debug_log = NULL;
    size_t len = 0;
    if (statuses == NULL)
        return replay_fail_memory(error);
    for (size_t i = 0; i < search->findings_len; i++) {
        if (search->findings[i].where == FINDING_STATUS)
            statuses[len++] = &search->findings[i];
        if (search->findings[i].where == FINDING_DEBUG_LOG)
            debug_log = &search->findings[i];
    }
    qsort(statuses, len, sizeof(struct finding *), compare_status_findings);
    for (size_t i = 0; i < search->flights_len && (len > 0 || debug_log != NULL); i++) {
        const struct flight *flight = &search->flights[i];
        const struct effect none = {0};
        struct finding wanted = {.word = flight->slot_idx};
        const struct finding *key = &wanted;
        struct finding **found =
            bsearch(&key, statuses, len, sizeof(struct finding *), compare_status_findings);
        if (found != NULL && in_flight(*found, flight)) {
            (*found)->writers[0] = (struct finding_writer){.flight = i};
            (*found)->writers_len = 1;
            (*found)->writing = 1;
        }
        if (debug_log != NULL && flight->words[VYRE_SLOT_OPCODE] == VYRE_OP_PRINTF &&
            in_flight(debug_log, flight))
            count_writer(debug_log, i, &none);
    }
    free(statuses);
    return true;
}

/** The control word that a writer takes a finding's value from.  \return false without one */
static bool input_of(const struct search *search, const struct finding *finding,
                     const struct finding_writer *writer, uint64_t *word)
{
    if (finding->where == FINDING_STATUS) {
        *word = (uint64_t)VYRE_CONTROL_TENANT_MASKS +
                search->flights[writer->flight].words[VYRE_SLOT_TENANT];
        return true;
    }
    *word = writer->effect.source + (finding->word - writer->effect.first);
    return writer->effect.kind == EFFECT_COPY;
}

static bool watch_words(struct search *search, struct replay_error *error)
{
    for (size_t i = 0; i < search->findings_len; i++) {
        const struct finding *finding = &search->findings[i];
        if (finding->where == FINDING_CONTROL &&
            !add_watch(search, finding->word, i, SUSPECT_NONE, error))
            return false;
    }
    return true;
}

static bool watch_inputs(struct search *search, struct replay_error *error)
{
    search->watches_len = 0;
    for (size_t i = 0; i < search->findings_len; i++) {
        const struct finding *finding = &search->findings[i];
        if (finding->where == FINDING_DEBUG_LOG || finding->pair[0] != SUSPECT_NONE)
            continue;
        for (size_t w = 0; w < finding->writers_len; w++) {
            uint64_t word;
            if (input_of(search, finding, &finding->writers[w], &word) &&
                !add_watch(search, word, i, finding->writers[w].flight, error))
                return false;
        }
    }
    return true;
}

/** Take over the pairs that the watches found. */
static void take_pairs(struct search *search, enum finding_cause cause)
{
    for (size_t i = 0; i < search->watches_len; i++) {
        const struct watch *watch = &search->watches[i];
        struct finding *finding = &search->findings[watch->finding];
        if (watch->pair[0] == SUSPECT_NONE ||
            (finding->pair[0] != SUSPECT_NONE && !watch->pair_together))
            continue;
        memcpy(finding->pair, watch->pair, sizeof(finding->pair));
        finding->pair_word = (uint32_t)watch->word;
        finding->pair_together = watch->pair_together;
        finding->cause = cause;
    }
}

/** The finding that a slot was drained on one side alone, or that its input differs. */
static size_t explained_by(const struct search *search, const struct finding *finding,
                           const struct finding_writer *writer)
{
    uint64_t input;
    bool has_input = input_of(search, finding, writer, &input);
    for (size_t i = 0; i < search->findings_len; i++) {
        const struct finding *other = &search->findings[i];
        if (other == finding || other->until > finding->until)
            continue;
        if (other->where == FINDING_STATUS && finding->where == FINDING_CONTROL &&
            other->writers_len > 0 && other->writers[0].flight == writer->flight)
            return i;
        if (other->where == FINDING_CONTROL && has_input && other->word == input)
            return i;
    }
    return SUSPECT_NONE;
}

/** A word in which every slot counts. */
static bool is_total(const struct finding *finding)
{
    return finding->where == FINDING_CONTROL &&
           (finding->word == VYRE_CONTROL_DONE_COUNT ||
            finding->word - VYRE_CONTROL_METRICS < VYRE_CONTROL_METRICS_WORDS);
}

/** Make the totals follow from slots that ran on one side alone, or more often there. */
static void conclude_totals(struct search *search)
{
    size_t cause = SUSPECT_NONE;
    for (size_t i = 0; i < search->findings_len; i++) {
        struct finding *finding = &search->findings[i];
        bool once = finding->cause == FINDING_DRAINED_ONCE || finding->cause == FINDING_ALONE;
        if (once && !is_total(finding) && cause == SUSPECT_NONE)
            cause = i;
    }
    for (size_t i = 0; i < search->findings_len && cause != SUSPECT_NONE; i++) {
        struct finding *finding = &search->findings[i];
        if (is_total(finding) && finding->until >= search->findings[cause].until) {
            finding->cause = FINDING_FOLLOWS;
            finding->follows = cause;
        }
    }
}

/** Say why a finding differs that no race explains. */
static void conclude(struct search *search, struct finding *finding)
{
    for (size_t i = 0; i < finding->writers_len && finding->follows == SUSPECT_NONE; i++)
        finding->follows = explained_by(search, finding, &finding->writers[i]);
    if (finding->follows != SUSPECT_NONE)
        finding->cause = FINDING_FOLLOWS;
    else if (finding->writing == 0)
        finding->cause = FINDING_NOBODY;
    else if (finding->where == FINDING_STATUS)
        finding->cause = FINDING_DRAINED_ONCE;
    else if (finding->writing == 1)
        finding->cause = FINDING_ALONE;
    else if (finding->where == FINDING_DEBUG_LOG || finding->commuting)
        finding->cause = FINDING_COMMUTING;
    else
        finding->cause = FINDING_ORDERED;
}

static bool find(struct search *search, struct replay_error *error)
{
    if (!watch_words(search, error) || !find_slots(search, error))
        return false;
    walk(search);
    take_pairs(search, FINDING_RACE);
    if (!watch_inputs(search, error))
        return false;
    walk(search);
    take_pairs(search, FINDING_RACE_OF_INPUT);
    for (size_t i = 0; i < search->findings_len; i++) {
        if (search->findings[i].pair[0] == SUSPECT_NONE)
            conclude(search, &search->findings[i]);
    }
    conclude_totals(search);
    return true;
}

bool suspects_find(const struct flight *flights, size_t flights_len, struct finding *findings,
                   size_t findings_len, struct replay_error *error)
{
    struct search search = {.flights = flights,
                            .flights_len = flights_len,
                            .findings = findings,
                            .findings_len = findings_len};
    for (size_t i = 0; i < findings_len; i++) {
        findings[i].writing = 0;
        findings[i].reading = 0;
        findings[i].writers_len = 0;
        findings[i].pair[0] = SUSPECT_NONE;
        findings[i].pair[1] = SUSPECT_NONE;
        findings[i].follows = SUSPECT_NONE;
    }
    bool found = find(&search, error);
    free(search.watches);
    return found;
}

static int compare_findings(const void *left, const void *right, void *opaque)
{
    const struct finding *findings = opaque;
    const struct finding *a = &findings[*(const size_t *)left];
    const struct finding *b = &findings[*(const size_t *)right];
    if (a->until != b->until)
        return a->until < b->until ? -1 : 1;
    if (is_total(a) != is_total(b))
        return is_total(a) ? 1 : -1;
    if (a->cause != b->cause)
        return a->cause < b->cause ? -1 : 1;
    return (a->word > b->word) - (a->word < b->word);
}

void suspects_rank(const struct finding *findings, size_t len, size_t *order)
{
    for (size_t i = 0; i < len; i++)
        order[i] = i;
    qsort_r(order, len, sizeof(*order), compare_findings, (void *)findings);
}
