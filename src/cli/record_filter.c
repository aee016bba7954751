#include "cli/record_filter.h"

#include <stdlib.h>

void record_filter_init(struct record_filter *filter)
{
    *filter = (struct record_filter){.slot_last = UINT32_MAX, .epoch_last = UINT32_MAX};
}

bool record_filter_add(uint32_t **list, size_t *length, uint32_t value)
{
    uint32_t *longer = realloc(*list, (*length + 1) * sizeof(**list));
    if (longer == NULL) {
        return false;
    }
    longer[*length] = value;
    *list = longer;
    *length += 1;
    return true;
}

static bool listed(const uint32_t *list, size_t length, uint32_t value)
{
    for (size_t i = 0; i < length; i++) {
        if (list[i] == value) {
            return true;
        }
    }
    return length == 0;
}

bool record_filter_passes(const struct record_filter *filter, const struct vrrl_record *record)
{
    return record->slot_idx >= filter->slot_first && record->slot_idx <= filter->slot_last &&
           record->epoch >= filter->epoch_first && record->epoch <= filter->epoch_last &&
           listed(filter->tenants, filter->tenants_len, record->tenant_id) &&
           listed(filter->opcodes, filter->opcodes_len, record->opcode);
}

void record_filter_free(struct record_filter *filter)
{
    free(filter->tenants);
    free(filter->opcodes);
    record_filter_init(filter);
}
