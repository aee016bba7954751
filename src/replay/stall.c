#include "replay/stall.h"

#include <stdio.h>

#include "vyre/opcode.h"

static void name_record(const struct recorded_slot *slot, char *text, size_t size)
{
    const char *opcode = vyre_opcode_name(slot->words[VYRE_SLOT_OPCODE]);
    if (opcode != NULL)
        snprintf(text, size, "record %u (%s, slot %u)", slot->index, opcode, slot->slot_idx);
    else
        snprintf(text, size, "record %u (opcode 0x%08x, slot %u)", slot->index,
                 slot->words[VYRE_SLOT_OPCODE], slot->slot_idx);
}

void stall_describe(const struct comparison *comparison, const struct backend *backend, void *state,
                    char *text, size_t size)
{
    const struct recorded_slot *slots = comparison->timeline->excerpt.slots;
    const size_t *flying = comparison->flying;
    const size_t len = comparison->flying_len;
    uint32_t claimed;
    if (len == 0) {
        snprintf(text, size, "a launch with no slots in flight");
        return;
    }
    name_record(&slots[flying[len - 1]], text, size);
    if (len == 1)
        return;
    if (backend->claimed != NULL && backend->claimed(state, &claimed)) {
        for (size_t i = len; i-- > 0;) {
            if (slots[flying[i]].slot_idx == claimed) {
                name_record(&slots[flying[i]], text, size);
                return;
            }
        }
    }
    snprintf(text, size, "one of %zu slots in flight, records %u to %u,", len,
             slots[flying[0]].index, slots[flying[len - 1]].index);
}
