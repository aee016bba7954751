/**
 * \file active.h
 * \brief The slots of a ring that are PUBLISHED: put there, and not drained yet.
 *
 * In the order of publishing; a masked slot stays.  One thread at a time.
 */
#ifndef VRRL_REPLAY_ACTIVE_H
#define VRRL_REPLAY_ACTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct active {
    uint32_t *slots;
    size_t len;
    /** One for each slot of the ring: whether it is in the list. */
    bool *listed;
};

/** \return false when memory could not be had; then there is nothing to free */
bool active_init(struct active *active, uint32_t ring_slots);

/** Add a slot below ring_slots; one that is there stays where it is. */
static inline void active_add(struct active *active, uint32_t slot)
{
    if (active->listed[slot])
        return;
    active->listed[slot] = true;
    active->slots[active->len++] = slot;
}

/** Forget the slots that are not PUBLISHED any more.
 *  \param statuses  of the ring's slots, \a stride words apart */
void active_prune(struct active *active, const uint32_t *statuses, size_t stride);

/** Forget all of them. */
void active_clear(struct active *active);

void active_free(struct active *active);

#endif
