#include "replay/session_diff.h"

#include <stdlib.h>
#include <string.h>

/** An observation that is exactly what launches made. */
struct seen {
    enum session_observed what;
    uint64_t offset;
    uint64_t count;
    /** As b numbers them. */
    uint64_t launches;
    size_t event;
};

/** Events of the two timelines that tell of the same. */
struct pair {
    size_t a;
    size_t b;
};

/** A launch of a, and b's that is the same. */
struct launch_pair {
    uint64_t a;
    uint64_t b;
};

struct work {
    const struct timeline *a;
    const struct timeline *b;
    struct session_diff *diff;
    struct launch_pair *launches;
    size_t launches_len;
    struct seen *seen_a;
    size_t seen_a_len;
    struct seen *seen_b;
    size_t seen_b_len;
    struct pair *pairs;
    size_t pairs_len;
    /** Words and slots that differed already. */
    bool *words;
    bool *slots;
    bool debug_log;
    bool io_queue;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0xFF51AFD7ED558CCD);
    return hash ^ hash >> 32;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    return mix(hash, len);
}

/** What a kernel is and works with, but for the buffers, whose numbers say nothing. */
static uint64_t hash_kernel(const struct timeline *timeline, const struct timeline_kernel *kernel)
{
    uint64_t hash = mix_bytes(1, kernel->name, strlen(kernel->name));
    if (kernel->program != TIMELINE_NONE) {
        const struct timeline_program *program = &timeline->programs[kernel->program];
        hash = mix_bytes(hash, program->options.text, program->options.bytes);
        hash = mix_bytes(hash, program->code, program->code_bytes);
    }
    for (uint32_t i = 0; i < kernel->arguments_len; i++) {
        const struct timeline_argument *argument = &kernel->arguments[i];
        hash = mix(hash, argument->kind);
        hash = mix(hash, argument->kind == SESSION_ARGUMENT_BUFFER ? argument->range.bytes
                                                                   : argument->bytes);
        if (argument->kind == SESSION_ARGUMENT_VALUE)
            hash = mix_bytes(hash, argument->value, (size_t)argument->bytes);
    }
    return hash;
}

static uint64_t hash_submit(const struct timeline_submit *submit, const uint64_t *kernels)
{
    uint64_t hash = submit->kernel != TIMELINE_NONE ? kernels[submit->kernel] : 0;
    hash = mix(hash, submit->dimensions);
    for (uint32_t i = 0; i < submit->dimensions && i < 3; i++) {
        hash = mix(hash, submit->global_offset[i]);
        hash = mix(hash, submit->global_size[i]);
        hash = mix(hash, submit->local_size[i]);
    }
    return hash;
}

/** A key for each launch of a timeline; released with free().  NULL when memory could not be had */
static uint64_t *launch_keys(const struct timeline *timeline)
{
    uint64_t *kernels = malloc((timeline->kernels_len + 1) * sizeof(*kernels));
    uint64_t *keys = calloc(timeline->submits_len + 1, sizeof(*keys));
    uint64_t published = 0;
    if (kernels == NULL || keys == NULL) {
        free(kernels);
        free(keys);
        return NULL;
    }
    for (uint32_t i = 0; i < timeline->kernels_len; i++)
        kernels[i] = hash_kernel(timeline, &timeline->kernels[i]);
    for (size_t i = 0; i < timeline->events_len; i++) {
        const struct timeline_event *event = &timeline->events[i];
        if (event->kind == TIMELINE_PUBLISH) {
            published++;
        } else if (event->kind == TIMELINE_SUBMIT) {
            const struct timeline_submit *submit = &timeline->submits[event->which];
            keys[event->which] = mix(hash_submit(submit, kernels), published);
            published = 0;
        }
    }
    free(kernels);
    return keys;
}

/** Note the launches that both have. */
static bool pair_launches(struct work *work)
{
    const struct timeline *a = work->a;
    const struct timeline *b = work->b;
    const struct session_diff *diff = work->diff;
    work->launches = malloc((a->submits_len + 1) * sizeof(*work->launches));
    if (work->launches == NULL)
        return false;
    size_t at_a = 0;
    size_t at_b = 0;
    for (size_t i = 0; i <= diff->launches_len; i++) {
        size_t end = i < diff->launches_len ? diff->launches[i].a : a->submits_len;
        for (; at_a < end; at_a++, at_b++)
            work->launches[work->launches_len++] =
                (struct launch_pair){.a = a->submits[at_a].launch, .b = b->submits[at_b].launch};
        if (i == diff->launches_len)
            break;
        /* One that is another stands for it all the same. */
        for (size_t k = 0; k < diff->launches[i].a_len && k < diff->launches[i].b_len; k++)
            work->launches[work->launches_len++] = (struct launch_pair){
                .a = a->submits[at_a + k].launch, .b = b->submits[at_b + k].launch};
        at_a += diff->launches[i].a_len;
        at_b += diff->launches[i].b_len;
    }
    return true;
}

static bool compare_launches(struct work *work)
{
    uint64_t *a = launch_keys(work->a);
    uint64_t *b = launch_keys(work->b);
    bool compared = a != NULL && b != NULL &&
                    align_sequences(a, work->a->submits_len, b, work->b->submits_len,
                                    &work->diff->launches, &work->diff->launches_len) &&
                    pair_launches(work);
    free(a);
    free(b);
    return compared;
}

static int compare_launch_pairs(const void *left, const void *right)
{
    const struct launch_pair *a = left;
    const struct launch_pair *b = right;
    return (a->a > b->a) - (a->a < b->a);
}

/** b's number of a launch of a's; 0 stands for before the first.  \return false without one */
static bool find_launch(const struct work *work, uint64_t launch, uint64_t *partner)
{
    const struct launch_pair wanted = {.a = launch};
    const struct launch_pair *found =
        bsearch(&wanted, work->launches, work->launches_len, sizeof(wanted), compare_launch_pairs);
    *partner = found != NULL ? found->b : 0;
    return launch == 0 || found != NULL;
}

static int compare_seen(const struct seen *a, const struct seen *b)
{
    if (a->launches != b->launches)
        return a->launches < b->launches ? -1 : 1;
    if (a->what != b->what)
        return a->what < b->what ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

static int sort_seen(const void *left, const void *right)
{
    const struct seen *a = left;
    const struct seen *b = right;
    int order = compare_seen(a, b);
    return order != 0 ? order : (a->event > b->event) - (a->event < b->event);
}

/** Note the observations of a timeline, sorted.  \return NULL when memory could not be had */
static struct seen *collect(struct work *work, const struct timeline *timeline, size_t *len)
{
    struct seen *list = malloc((timeline->observations_len + 1) * sizeof(*list));
    *len = 0;
    for (size_t i = 0; list != NULL && i < timeline->events_len; i++) {
        const struct timeline_event *event = &timeline->events[i];
        if (event->kind != TIMELINE_OBSERVATION || event->which == TIMELINE_NONE)
            continue;
        const struct timeline_observation *observation = &timeline->observations[event->which];
        struct seen seen = {.what = observation->what,
                            .offset = observation->offset,
                            .count = observation->count,
                            .launches = observation->launches,
                            .event = i};
        if (!observation->exact)
            work->diff->in_flight++;
        else if (timeline == work->a && !find_launch(work, seen.launches, &seen.launches))
            work->diff->alone++;
        else
            list[(*len)++] = seen;
    }
    if (list != NULL)
        qsort(list, *len, sizeof(*list), sort_seen);
    return list;
}

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *a = left;
    const struct pair *b = right;
    return (a->a > b->a) - (a->a < b->a);
}

static bool pair_observations(struct work *work)
{
    work->seen_a = collect(work, work->a, &work->seen_a_len);
    work->seen_b = collect(work, work->b, &work->seen_b_len);
    work->pairs = malloc((work->seen_a_len + 1) * sizeof(*work->pairs));
    if (work->seen_a == NULL || work->seen_b == NULL || work->pairs == NULL)
        return false;
    size_t a = 0;
    size_t b = 0;
    while (a < work->seen_a_len && b < work->seen_b_len) {
        int order = compare_seen(&work->seen_a[a], &work->seen_b[b]);
        if (order == 0)
            work->pairs[work->pairs_len++] =
                (struct pair){.a = work->seen_a[a].event, .b = work->seen_b[b].event};
        a += order <= 0 ? 1 : 0;
        b += order >= 0 ? 1 : 0;
    }
    work->diff->compared = work->pairs_len;
    work->diff->alone += work->seen_a_len + work->seen_b_len - 2 * work->pairs_len;
    qsort(work->pairs, work->pairs_len, sizeof(*work->pairs), compare_pairs);
    return true;
}

static void add(struct work *work, enum divergence_kind kind, size_t event, uint32_t word,
                uint32_t expected, uint32_t actual)
{
    divergences_add(&work->diff->divergences, &(struct divergence){.kind = kind,
                                                                   .recorded = true,
                                                                   .event = event,
                                                                   .word = word,
                                                                   .expected = expected,
                                                                   .actual = actual});
}

static uint32_t word_at(const uint8_t *bytes, uint64_t offset)
{
    uint32_t word;
    memcpy(&word, bytes + offset, sizeof(word));
    return word;
}

static void compare_control(struct work *work, size_t event, const struct timeline_observation *a,
                            const struct timeline_observation *b)
{
    if (memcmp(a->bytes, b->bytes, (size_t)a->count) == 0)
        return;
    for (uint64_t at = (a->offset + 3) / 4 * 4; at + 4 <= a->offset + a->count; at += 4) {
        uint32_t expected = word_at(a->bytes, at - a->offset);
        uint32_t actual = word_at(b->bytes, at - a->offset);
        uint32_t word = (uint32_t)(at / 4);
        if (expected == actual || word >= work->a->control_words || work->words[word])
            continue;
        work->words[word] = true;
        add(work, DIVERGENCE_CONTROL, event, word, expected, actual);
    }
}

static void compare_ring(struct work *work, size_t event, const struct timeline_observation *a,
                         const struct timeline_observation *b)
{
    uint32_t first = (uint32_t)(a->offset / VYRE_SLOT_BYTES);
    uint32_t end = first + (uint32_t)(a->count / VYRE_SLOT_BYTES);
    for (uint32_t slot = first; slot < end && (a->bytes != NULL || b->bytes != NULL); slot++) {
        bool expected = timeline_observed_published(a, slot);
        bool actual = timeline_observed_published(b, slot);
        if (expected == actual || slot >= work->a->ring_slots || work->slots[slot])
            continue;
        work->slots[slot] = true;
        add(work, DIVERGENCE_STATUS, event, slot * VYRE_SLOT_WORDS,
            expected ? VYRE_STATUS_PUBLISHED : VYRE_STATUS_DONE,
            actual ? VYRE_STATUS_PUBLISHED : VYRE_STATUS_DONE);
    }
}

static void compare_debug_log(struct work *work, size_t event, const struct timeline_observation *a,
                              const struct timeline_observation *b)
{
    uint32_t left[VYRE_DEBUG_LOG_WORDS] = {0};
    uint32_t right[VYRE_DEBUG_LOG_WORDS] = {0};
    uint32_t word;
    uint32_t expected;
    uint32_t actual;
    if (work->debug_log || a->offset != 0 || a->count > sizeof(left))
        return;
    memcpy(left, a->bytes, (size_t)a->count);
    memcpy(right, b->bytes, (size_t)a->count);
    work->debug_log = debug_logs_differ(right, left, &word, &actual, &expected);
    if (work->debug_log)
        add(work, DIVERGENCE_DEBUG_LOG, event, word, expected, actual);
}

static void compare_io_queue(struct work *work, size_t event, const struct timeline_observation *a,
                             const struct timeline_observation *b)
{
    for (uint64_t at = 0; at + 4 <= a->count && !work->io_queue; at += 4) {
        uint32_t expected = word_at(a->bytes, at);
        uint32_t actual = word_at(b->bytes, at);
        work->io_queue = expected != actual;
        if (work->io_queue)
            add(work, DIVERGENCE_IO_QUEUE, event, (uint32_t)((a->offset + at) / 4), expected,
                actual);
    }
}

static void compare_pair(struct work *work, const struct pair *pair)
{
    const struct timeline_observation *a = &work->a->observations[work->a->events[pair->a].which];
    const struct timeline_observation *b = &work->b->observations[work->b->events[pair->b].which];
    switch (a->what) {
    case SESSION_OBSERVED_CONTROL:
        compare_control(work, pair->a, a, b);
        break;
    case SESSION_OBSERVED_RING:
        compare_ring(work, pair->a, a, b);
        break;
    case SESSION_OBSERVED_DEBUG_LOG:
        compare_debug_log(work, pair->a, a, b);
        break;
    case SESSION_OBSERVED_IO_QUEUE:
        compare_io_queue(work, pair->a, a, b);
        break;
    }
}

static bool compare_observations(struct work *work)
{
    work->words = calloc((size_t)work->a->control_words + 1, sizeof(*work->words));
    work->slots = calloc((size_t)work->a->ring_slots + 1, sizeof(*work->slots));
    if (work->words == NULL || work->slots == NULL || !pair_observations(work))
        return false;
    for (size_t i = 0; i < work->pairs_len; i++)
        compare_pair(work, &work->pairs[i]);
    return true;
}

bool session_diff_make(const struct timeline *a, const struct timeline *b,
                       struct session_diff *diff, struct replay_error *error)
{
    struct work work = {.a = a, .b = b, .diff = diff};
    memset(diff, 0, sizeof(*diff));
    bool made = compare_launches(&work) && compare_observations(&work);
    free(work.launches);
    free(work.seen_a);
    free(work.seen_b);
    free(work.pairs);
    free(work.words);
    free(work.slots);
    if (made)
        return true;
    session_diff_free(diff);
    return replay_fail_memory(error);
}

void session_diff_free(struct session_diff *diff)
{
    free(diff->launches);
    diff->launches = NULL;
    diff->launches_len = 0;
}
