#include "replay/active.h"

#include <stdlib.h>

#include "vyre/vyre_protocol.h"

bool active_init(struct active *active, uint32_t ring_slots)
{
    active->len = 0;
    active->slots = malloc(ring_slots * sizeof(*active->slots));
    active->listed = calloc(ring_slots, sizeof(*active->listed));
    if (active->slots != NULL && active->listed != NULL)
        return true;
    active_free(active);
    return false;
}

void active_prune(struct active *active, const uint32_t *statuses, size_t stride)
{
    size_t kept = 0;
    for (size_t i = 0; i < active->len; i++) {
        uint32_t slot = active->slots[i];
        if (statuses[slot * stride] == VYRE_STATUS_PUBLISHED)
            active->slots[kept++] = slot;
        else
            active->listed[slot] = false;
    }
    active->len = kept;
}

void active_clear(struct active *active)
{
    for (size_t i = 0; i < active->len; i++)
        active->listed[active->slots[i]] = false;
    active->len = 0;
}

void active_free(struct active *active)
{
    free(active->slots);
    free(active->listed);
    active->slots = NULL;
    active->listed = NULL;
}
