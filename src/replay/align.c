#include "replay/align.h"

#include <stdlib.h>
#include <string.h>

/** Elements in a row that must agree; behind the end of a sequence come as many that agree. */
#define ROW 4u

#define NOWHERE UINT32_MAX

/** Elements of a gap whose edits are the fewest possible. */
#define SMALL 64u

struct sequence {
    const uint64_t *keys;
    size_t len;
};

struct alignment {
    struct sequence a;
    struct sequence b;
    /** Hash table of the rows of b: the first place of each, not before where we are. */
    uint32_t *first;
    size_t first_mask;
    /** For each place of b the next one whose row has the same hash. */
    uint32_t *next;
    struct align_edit *edits;
    size_t edits_len;
    size_t edits_room;
};

static bool agree(const struct sequence *left, size_t at, const struct sequence *right,
                  size_t there)
{
    for (size_t i = 0; i < ROW; i++) {
        bool ends = at + i >= left->len;
        if (ends != (there + i >= right->len))
            return false;
        if (ends)
            return true;
        if (left->keys[at + i] != right->keys[there + i])
            return false;
    }
    return true;
}

static size_t hash_row(const struct alignment *alignment, const struct sequence *sequence,
                       size_t at)
{
    uint64_t hash = 0;
    for (size_t i = at; i < at + ROW; i++)
        hash = (hash ^ (i < sequence->len ? sequence->keys[i] : 0)) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 20) & alignment->first_mask;
}

static bool index_rows(struct alignment *alignment)
{
    size_t rows = alignment->b.len + 1;
    size_t size = 64;
    while (size < rows * 2)
        size *= 2;
    alignment->first_mask = size - 1;
    alignment->first = malloc(size * sizeof(*alignment->first));
    alignment->next = malloc(rows * sizeof(*alignment->next));
    if (alignment->first == NULL || alignment->next == NULL)
        return false;
    memset(alignment->first, 0xFF, size * sizeof(*alignment->first));
    for (size_t at = rows; at-- > 0;) {
        uint32_t *first = &alignment->first[hash_row(alignment, &alignment->b, at)];
        alignment->next[at] = *first;
        *first = (uint32_t)at;
    }
    return true;
}

/** The first place of b, from \a from on, whose row is that of a place of a.  \a from never gets
 *  less, so places before it are forgotten. */
static uint32_t find_row(struct alignment *alignment, size_t at, size_t from)
{
    uint32_t *first = &alignment->first[hash_row(alignment, &alignment->a, at)];
    while (*first != NOWHERE && *first < from)
        *first = alignment->next[*first];
    uint32_t there = *first;
    while (there != NOWHERE && !agree(&alignment->a, at, &alignment->b, there))
        there = alignment->next[there];
    return there;
}

static size_t longer(size_t a, size_t b)
{
    return a > b ? a : b;
}

/** How many elements of each are left out until both agree again: the fewest on the side with more,
 *  and of these the most on the other, since one that is another is likelier than two that are
 *  missing and extra. */
static void find_agreement(struct alignment *alignment, size_t a, size_t b, size_t *skip_a,
                           size_t *skip_b)
{
    /* Both ends agree. */
    *skip_a = alignment->a.len - a;
    *skip_b = alignment->b.len - b;
    size_t best = longer(*skip_a, *skip_b);
    for (size_t skip = 0; skip <= alignment->a.len - a && skip <= best; skip++) {
        uint32_t there = find_row(alignment, a + skip, b);
        if (there == NOWHERE)
            continue;
        size_t cost = longer(skip, there - b);
        if (cost > best || (cost == best && skip + (there - b) <= *skip_a + *skip_b))
            continue;
        best = cost;
        *skip_a = skip;
        *skip_b = there - b;
    }
}

/** Add an edit, joined to the last one where both are alike and neighbours. */
static bool add(struct alignment *alignment, size_t a, size_t a_len, size_t b, size_t b_len)
{
    if (a_len == 0 && b_len == 0)
        return true;
    struct align_edit *last =
        alignment->edits_len > 0 ? &alignment->edits[alignment->edits_len - 1] : NULL;
    bool alike =
        last != NULL && (last->a_len == 0) == (a_len == 0) && (last->b_len == 0) == (b_len == 0);
    if (alike && last->a + last->a_len == a && last->b + last->b_len == b) {
        last->a_len += a_len;
        last->b_len += b_len;
        return true;
    }
    if (alignment->edits == NULL || alignment->edits_len == alignment->edits_room) {
        size_t room = alignment->edits_room * 2 + 16;
        struct align_edit *more = realloc(alignment->edits, room * sizeof(*more));
        if (more == NULL)
            return false;
        alignment->edits = more;
        alignment->edits_room = room;
    }
    alignment->edits[alignment->edits_len++] =
        (struct align_edit){.a = a, .a_len = a_len, .b = b, .b_len = b_len};
    return true;
}

/** Add a gap as it is: each is another than the one opposite, and the rest is missing or extra. */
static bool add_opposite(struct alignment *alignment, const struct align_edit *gap)
{
    size_t both = gap->a_len < gap->b_len ? gap->a_len : gap->b_len;
    size_t i = 0;
    while (i < both) {
        size_t from = i;
        while (i < both && alignment->a.keys[gap->a + i] != alignment->b.keys[gap->b + i])
            i++;
        if (!add(alignment, gap->a + from, i - from, gap->b + from, i - from))
            return false;
        while (i < both && alignment->a.keys[gap->a + i] == alignment->b.keys[gap->b + i])
            i++;
    }
    return add(alignment, gap->a + both, gap->a_len - both, gap->b + both, gap->b_len - both);
}

/** Fewest edits that make the rest of a small gap the same, for each place in it. */
struct costs {
    uint16_t edits[SMALL + 1][SMALL + 1];
};

static void count_costs(const struct alignment *alignment, const struct align_edit *gap,
                        struct costs *costs)
{
    for (size_t i = gap->a_len + 1; i-- > 0;) {
        for (size_t j = gap->b_len + 1; j-- > 0;) {
            size_t best = (gap->a_len - i) + (gap->b_len - j);
            if (i < gap->a_len && j < gap->b_len) {
                bool same = alignment->a.keys[gap->a + i] == alignment->b.keys[gap->b + j];
                best = costs->edits[i + 1][j + 1] + (same ? 0u : 1u);
            }
            if (i < gap->a_len && costs->edits[i + 1][j] + 1u < best)
                best = costs->edits[i + 1][j] + 1u;
            if (j < gap->b_len && costs->edits[i][j + 1] + 1u < best)
                best = costs->edits[i][j + 1] + 1u;
            costs->edits[i][j] = (uint16_t)best;
        }
    }
}

static bool add_fewest(struct alignment *alignment, const struct align_edit *gap)
{
    struct costs costs;
    count_costs(alignment, gap, &costs);
    size_t i = 0;
    size_t j = 0;
    bool added = true;
    while (added && (i < gap->a_len || j < gap->b_len)) {
        size_t a = gap->a + i;
        size_t b = gap->b + j;
        unsigned here = costs.edits[i][j];
        if (i < gap->a_len && j < gap->b_len && alignment->a.keys[a] == alignment->b.keys[b] &&
            costs.edits[i + 1][j + 1] == here) {
            i++;
            j++;
        } else if (i < gap->a_len && j < gap->b_len && costs.edits[i + 1][j + 1] + 1u == here) {
            added = add(alignment, a, 1, b, 1);
            i++;
            j++;
        } else if (i < gap->a_len && costs.edits[i + 1][j] + 1u == here) {
            added = add(alignment, a, 1, b, 0);
            i++;
        } else {
            added = add(alignment, a, 0, b, 1);
            j++;
        }
    }
    return added;
}

static bool align(struct alignment *alignment)
{
    const struct sequence *left = &alignment->a;
    const struct sequence *right = &alignment->b;
    size_t a = 0;
    size_t b = 0;
    while (a < left->len || b < right->len) {
        if (a < left->len && b < right->len && left->keys[a] == right->keys[b]) {
            a++;
            b++;
            continue;
        }
        struct align_edit gap = {.a = a, .b = b};
        find_agreement(alignment, a, b, &gap.a_len, &gap.b_len);
        bool small = gap.a_len <= SMALL && gap.b_len <= SMALL;
        if (!(small ? add_fewest(alignment, &gap) : add_opposite(alignment, &gap)))
            return false;
        a += gap.a_len;
        b += gap.b_len;
    }
    return true;
}

bool align_sequences(const uint64_t *a, size_t a_len, const uint64_t *b, size_t b_len,
                     struct align_edit **edits, size_t *edits_len)
{
    struct alignment alignment = {.a = {.keys = a, .len = a_len}, .b = {.keys = b, .len = b_len}};
    bool aligned = index_rows(&alignment) && align(&alignment);
    free(alignment.first);
    free(alignment.next);
    if (!aligned) {
        free(alignment.edits);
        return false;
    }
    *edits = alignment.edits;
    *edits_len = alignment.edits_len;
    return true;
}
