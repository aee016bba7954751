#include "vyre/control.h"

#include <stdio.h>
#include <string.h>

#include "vyre/opcode.h"
#include "vyre/word.h"

static void fill(void *control, uint32_t first, uint32_t wanted, uint32_t room, uint32_t value)
{
    uint32_t count = wanted < room ? wanted : room;
    for (uint32_t i = 0; i < count; i++)
        vyre_word_set(control, first + i, value);
}

void vyre_control_encode(void *control, size_t words_len, uint32_t tenants)
{
    memset(control, 0, words_len * sizeof(vyre_word));
    vyre_word_set(control, VYRE_CONTROL_TENANT_BASE, VYRE_CONTROL_TENANT_MASKS);
    fill(control, VYRE_CONTROL_TENANT_MASKS, tenants, VYRE_CONTROL_TENANT_MASKS_MAX,
         VYRE_TENANT_MASK_ALL);
    fill(control, VYRE_CONTROL_TENANT_QUOTAS, tenants, VYRE_CONTROL_TENANT_QUOTAS_MAX,
         VYRE_TENANT_QUOTA_DEFAULT);
}

void vyre_control_encode_priority_offsets(void *control, uint32_t slot_count)
{
    uint32_t share = slot_count / VYRE_PRIORITY_LEVELS;
    uint32_t remainder = slot_count % VYRE_PRIORITY_LEVELS;
    uint32_t offset = 0;

    for (uint32_t level = 0; level < VYRE_PRIORITY_LEVELS; level++) {
        vyre_word_set(control, VYRE_CONTROL_PRIORITY_OFFSETS + level, offset);
        offset += share + (level == VYRE_PRIORITY_NORMAL ? remainder : 0);
    }
    vyre_word_set(control, VYRE_CONTROL_PRIORITY_OFFSETS + VYRE_PRIORITY_LEVELS, offset);
}

static const char *const priority_names[VYRE_PRIORITY_LEVELS] = {
    [VYRE_PRIORITY_CRITICAL] = "CRITICAL", [VYRE_PRIORITY_HIGH] = "HIGH",
    [VYRE_PRIORITY_NORMAL] = "NORMAL",     [VYRE_PRIORITY_LOW] = "LOW",
    [VYRE_PRIORITY_IDLE] = "IDLE",
};

/* The words in order; each row reaches up to the next one's first word. */
static const struct {
    uint32_t first;
    const char *name;
    enum {
        SINGLE,
        BY_INDEX,
        BY_OPCODE,
        BY_PRIORITY,
        BY_WORD
    } index;
} regions[] = {
    {VYRE_CONTROL_SHUTDOWN, "SHUTDOWN", SINGLE},
    {VYRE_CONTROL_DONE_COUNT, "DONE_COUNT", SINGLE},
    {VYRE_CONTROL_TENANT_BASE, "TENANT_BASE", SINGLE},
    {VYRE_CONTROL_TENANT_MASKS, "tenant_mask", BY_INDEX},
    {VYRE_CONTROL_TENANT_QUOTAS, "tenant_quota", BY_INDEX},
    {VYRE_CONTROL_TENANT_FAIRNESS, "tenant_fairness", BY_INDEX},
    {VYRE_CONTROL_METRICS, "metrics", BY_OPCODE},
    {VYRE_CONTROL_EPOCH, "EPOCH", SINGLE},
    {VYRE_CONTROL_PRIORITY_OFFSETS, "priority_offset", BY_INDEX},
    {VYRE_CONTROL_STARVATION, "STARVATION", SINGLE},
    {VYRE_CONTROL_PRIORITY_FAIRNESS, "priority_fairness", BY_PRIORITY},
    {VYRE_CONTROL_PRIORITY_FAIRNESS + VYRE_CONTROL_PRIORITY_FAIRNESS_WORDS, "reserved", BY_WORD},
    {VYRE_CONTROL_OBSERVABLES, "observable", BY_INDEX},
};

size_t vyre_control_word_name(uint32_t word, char *out, size_t size)
{
    size_t region = sizeof(regions) / sizeof(regions[0]) - 1;
    while (word < regions[region].first)
        region--;

    const char *name = regions[region].name;
    uint32_t index = word - regions[region].first;
    const char *index_name = NULL;
    switch (regions[region].index) {
    case SINGLE:
        return (size_t)snprintf(out, size, "%s", name);
    case BY_INDEX:
        break;
    case BY_OPCODE:
        index_name = vyre_opcode_name(index);
        break;
    case BY_PRIORITY:
        index_name = priority_names[index];
        break;
    case BY_WORD:
        index = word;
        break;
    }
    if (index_name != NULL)
        return (size_t)snprintf(out, size, "%s[%s]", name, index_name);
    return (size_t)snprintf(out, size, "%s[%u]", name, index);
}
