#include "replay/publish_diff.h"

#include <stdlib.h>
#include <string.h>

#include "replay/align.h"

/** Words of a slot that a bare record tells: opcode, tenant, and four args. */
#define BARE_ARGS 4u

/** The publishes of one ring and thread: places in the excerpt. */
struct stream {
    size_t *places;
    size_t len;
    uint32_t ring;
    uint32_t thread;
    /** Of what was published, in any order. */
    uint64_t digest;
    bool paired;
};

struct side {
    const struct excerpt *excerpt;
    /** For each place what was published there. */
    uint64_t *keys;
    /** The places, stream after stream. */
    size_t *places;
    struct stream *streams;
    size_t streams_len;
};

struct work {
    struct side a;
    struct side b;
    struct publish_diff *diff;
    size_t room;
};

static uint64_t mix(uint64_t hash, uint32_t word)
{
    hash = (hash ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
    return hash ^ hash >> 32;
}

static uint64_t key_of(const struct recorded_slot *slot, bool whole)
{
    uint64_t hash = mix(UINT64_C(0x9E3779B97F4A7C15), slot->words[VYRE_SLOT_OPCODE]);
    hash = mix(hash, slot->words[VYRE_SLOT_TENANT]);
    if (whole)
        hash = mix(hash, slot->words[VYRE_SLOT_PRIORITY]);
    for (size_t i = 0; i < (whole ? VYRE_SLOT_ARGS : BARE_ARGS); i++)
        hash = mix(hash, slot->words[VYRE_SLOT_ARG0 + i]);
    return hash;
}

static int compare_places(const void *left, const void *right, void *opaque)
{
    const struct recorded_slot *slots = opaque;
    size_t a = *(const size_t *)left;
    size_t b = *(const size_t *)right;
    if (slots[a].ring != slots[b].ring)
        return slots[a].ring < slots[b].ring ? -1 : 1;
    if (slots[a].thread != slots[b].thread)
        return slots[a].thread < slots[b].thread ? -1 : 1;
    return (a > b) - (a < b);
}

/** Begin a stream with a place, or go on with the last one. */
static void put_into_stream(struct side *side, size_t i, bool whole)
{
    const struct recorded_slot *slot = &side->excerpt->slots[side->places[i]];
    struct stream *last = side->streams_len > 0 ? &side->streams[side->streams_len - 1] : NULL;
    if (last == NULL || (whole && (last->ring != slot->ring || last->thread != slot->thread))) {
        last = &side->streams[side->streams_len++];
        *last = (struct stream){.places = side->places + i,
                                .ring = whole ? slot->ring : 0,
                                .thread = whole ? slot->thread : 0};
    }
    last->digest += side->keys[side->places[i]];
    last->len++;
}

static bool open_side(struct side *side, const struct excerpt *excerpt, bool whole)
{
    side->excerpt = excerpt;
    side->keys = malloc(excerpt->len * sizeof(*side->keys));
    side->places = malloc(excerpt->len * sizeof(*side->places));
    side->streams = malloc(excerpt->len * sizeof(*side->streams));
    if (side->keys == NULL || side->places == NULL || side->streams == NULL)
        return false;
    for (size_t i = 0; i < excerpt->len; i++) {
        side->keys[i] = key_of(&excerpt->slots[i], whole);
        side->places[i] = i;
    }
    if (whole)
        qsort_r(side->places, excerpt->len, sizeof(*side->places), compare_places, excerpt->slots);
    for (size_t i = 0; i < excerpt->len; i++)
        put_into_stream(side, i, whole);
    return true;
}

static void close_side(struct side *side)
{
    free(side->keys);
    free(side->places);
    free(side->streams);
}

/** Add a difference, or make the last one longer. */
static bool add(struct work *work, const struct publish_difference *difference, bool continued)
{
    struct publish_diff *diff = work->diff;
    diff->totals[difference->change] += difference->len;
    if (continued) {
        diff->list[diff->len - 1].len += difference->len;
        return true;
    }
    if (diff->len == work->room) {
        size_t room = work->room * 2 + 64;
        struct publish_difference *more = realloc(diff->list, room * sizeof(*more));
        if (more == NULL)
            return false;
        diff->list = more;
        work->room = room;
    }
    diff->list[diff->len++] = *difference;
    return true;
}

/** Where a place of a stream is in the log; behind its end, behind its last. */
static size_t place_near(const struct stream *stream, size_t i, size_t otherwise)
{
    if (i < stream->len)
        return stream->places[i];
    return stream->len > 0 ? stream->places[stream->len - 1] + 1 : otherwise;
}

static bool add_edit(struct work *work, const struct stream *a, const struct stream *b,
                     const struct align_edit *edit)
{
    enum publish_change change = edit->b_len == 0   ? PUBLISH_MISSING
                                 : edit->a_len == 0 ? PUBLISH_EXTRA
                                                    : PUBLISH_OTHER;
    size_t otherwise = change == PUBLISH_EXTRA ? b->places[edit->b] : 0;
    return add(work,
               &(struct publish_difference){
                   .change = change,
                   .a = change == PUBLISH_EXTRA ? SIZE_MAX : a->places[edit->a],
                   .b = change == PUBLISH_MISSING ? SIZE_MAX : b->places[edit->b],
                   .len = change == PUBLISH_EXTRA ? edit->b_len : edit->a_len,
                   .near_a = place_near(a, edit->a, otherwise),
               },
               false);
}

/** What differs by the same amount as it does for the neighbour before is one difference. */
struct shift {
    bool going_on;
    uint32_t amount;
};

static bool compare_field(struct work *work, enum publish_change change, uint32_t left,
                          uint32_t right, size_t a, size_t b, struct shift *shift)
{
    uint32_t amount = right - left;
    bool continued = shift->going_on && shift->amount == amount;
    shift->going_on = amount != 0;
    shift->amount = amount;
    return amount == 0 || add(work,
                              &(struct publish_difference){
                                  .change = change, .a = a, .b = b, .len = 1, .near_a = a},
                              continued && work->diff->len > 0 &&
                                  work->diff->list[work->diff->len - 1].change == change);
}

/** Compare what is the same on both sides: slots and epochs. */
static bool compare_run(struct work *work, const struct stream *a, size_t from_a,
                        const struct stream *b, size_t from_b, size_t len)
{
    for (int field = 0; field < 2; field++) {
        struct shift shift = {0};
        for (size_t i = 0; i < len; i++) {
            size_t left = a->places[from_a + i];
            size_t right = b->places[from_b + i];
            const struct recorded_slot *first = &work->a.excerpt->slots[left];
            const struct recorded_slot *second = &work->b.excerpt->slots[right];
            bool added = field == 0 ? compare_field(work, PUBLISH_SLOT, first->slot_idx,
                                                    second->slot_idx, left, right, &shift)
                                    : compare_field(work, PUBLISH_EPOCH, first->epoch,
                                                    second->epoch, left, right, &shift);
            if (!added)
                return false;
        }
    }
    return true;
}

static uint64_t *stream_keys(const struct side *side, const struct stream *stream)
{
    uint64_t *keys = malloc((stream->len + 1) * sizeof(*keys));
    for (size_t i = 0; keys != NULL && i < stream->len; i++)
        keys[i] = side->keys[stream->places[i]];
    return keys;
}

static bool compare_edits(struct work *work, const struct stream *a, const struct stream *b,
                          const struct align_edit *edits, size_t edits_len)
{
    size_t done_a = 0;
    size_t done_b = 0;
    for (size_t i = 0; i < edits_len; i++) {
        if (!compare_run(work, a, done_a, b, done_b, edits[i].a - done_a) ||
            !add_edit(work, a, b, &edits[i]))
            return false;
        done_a = edits[i].a + edits[i].a_len;
        done_b = edits[i].b + edits[i].b_len;
    }
    return compare_run(work, a, done_a, b, done_b, a->len - done_a);
}

static bool compare_streams(struct work *work, const struct stream *a, const struct stream *b)
{
    uint64_t *left = stream_keys(&work->a, a);
    uint64_t *right = stream_keys(&work->b, b);
    struct align_edit *edits = NULL;
    size_t edits_len;
    bool compared = left != NULL && right != NULL &&
                    align_sequences(left, a->len, right, b->len, &edits, &edits_len) &&
                    compare_edits(work, a, b, edits, edits_len);
    free(edits);
    free(left);
    free(right);
    return compared;
}

static int compare_numbers(const struct stream *a, const struct stream *b)
{
    if (a->ring != b->ring)
        return a->ring < b->ring ? -1 : 1;
    return (a->thread > b->thread) - (a->thread < b->thread);
}

static int compare_digests(const struct stream *a, const struct stream *b)
{
    if (a->ring != b->ring)
        return a->ring < b->ring ? -1 : 1;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return (a->digest > b->digest) - (a->digest < b->digest);
}

static int sort_by_number(const void *left, const void *right)
{
    return compare_numbers(left, right);
}

static int sort_by_digest(const void *left, const void *right)
{
    int order = compare_digests(left, right);
    return order != 0 ? order : compare_numbers(left, right);
}

/** Compare the streams that belong together by an order in which both sides are sorted. */
static bool compare_partners(struct work *work,
                             int (*order)(const struct stream *, const struct stream *))
{
    size_t a = 0;
    size_t b = 0;
    while (a < work->a.streams_len && b < work->b.streams_len) {
        struct stream *left = &work->a.streams[a];
        struct stream *right = &work->b.streams[b];
        int apart = order(left, right);
        if (left->paired || (!right->paired && apart < 0)) {
            a++;
        } else if (right->paired || apart > 0) {
            b++;
        } else {
            left->paired = true;
            right->paired = true;
            if (!compare_streams(work, left, right))
                return false;
        }
    }
    return true;
}

static void sort_streams(struct work *work, int (*order)(const void *, const void *))
{
    qsort(work->a.streams, work->a.streams_len, sizeof(struct stream), order);
    qsort(work->b.streams, work->b.streams_len, sizeof(struct stream), order);
}

/** Compare each stream with its partner, rather one with the same publishes than one of the same
 *  number, and those that have none with nothing. */
static bool compare_sides(struct work *work)
{
    const struct stream nothing = {0};
    sort_streams(work, sort_by_digest);
    if (!compare_partners(work, compare_digests))
        return false;
    sort_streams(work, sort_by_number);
    if (!compare_partners(work, compare_numbers))
        return false;
    for (size_t i = 0; i < work->a.streams_len; i++) {
        const struct stream *stream = &work->a.streams[i];
        if (!stream->paired && !compare_streams(work, stream, &nothing))
            return false;
    }
    for (size_t i = 0; i < work->b.streams_len; i++) {
        const struct stream *stream = &work->b.streams[i];
        if (!stream->paired && !compare_streams(work, &nothing, stream))
            return false;
    }
    return true;
}

static int compare_differences(const void *left, const void *right)
{
    const struct publish_difference *a = left;
    const struct publish_difference *b = right;
    if (a->near_a != b->near_a)
        return a->near_a < b->near_a ? -1 : 1;
    return (a->change > b->change) - (a->change < b->change);
}

/** Whether the session tells of every record. */
static bool is_whole(const struct excerpt *excerpt)
{
    for (size_t i = 0; i < excerpt->len; i++) {
        if (excerpt->slots[i].obstacle == OBSTACLE_NO_SLOT)
            return false;
    }
    return excerpt->session;
}

bool publish_diff_make(const struct excerpt *a, const struct excerpt *b, struct publish_diff *diff,
                       struct replay_error *error)
{
    struct work work = {.diff = diff};
    memset(diff, 0, sizeof(*diff));
    diff->whole = is_whole(a) && is_whole(b);
    bool made = open_side(&work.a, a, diff->whole) && open_side(&work.b, b, diff->whole) &&
                compare_sides(&work);
    close_side(&work.a);
    close_side(&work.b);
    if (!made) {
        publish_diff_free(diff);
        return replay_fail_memory(error);
    }
    if (diff->len > 0)
        qsort(diff->list, diff->len, sizeof(*diff->list), compare_differences);
    return true;
}

void publish_diff_free(struct publish_diff *diff)
{
    free(diff->list);
    diff->list = NULL;
    diff->len = 0;
}
