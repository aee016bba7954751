#include "vyre/slot.h"

#include "vyre/word.h"

#define FROM(status) (1u << (status))

static const struct {
    uint32_t from; /* set of statuses, one bit each */
    uint32_t target;
} transitions[] = {
    [VYRE_SLOT_PUBLISH] = {FROM(VYRE_STATUS_EMPTY) | FROM(VYRE_STATUS_DONE), VYRE_STATUS_PUBLISHED},
    [VYRE_SLOT_CLAIM] = {FROM(VYRE_STATUS_PUBLISHED) | FROM(VYRE_STATUS_YIELD) |
                             FROM(VYRE_STATUS_REQUEUE),
                         VYRE_STATUS_CLAIMED},
    [VYRE_SLOT_FINISH] = {FROM(VYRE_STATUS_CLAIMED), VYRE_STATUS_DONE},
    [VYRE_SLOT_FAIL] = {FROM(VYRE_STATUS_PUBLISHED) | FROM(VYRE_STATUS_CLAIMED) |
                            FROM(VYRE_STATUS_WAIT_IO) | FROM(VYRE_STATUS_YIELD) |
                            FROM(VYRE_STATUS_REQUEUE),
                        VYRE_STATUS_FAULT},
    [VYRE_SLOT_CANCEL] = {FROM(VYRE_STATUS_PUBLISHED) | FROM(VYRE_STATUS_WAIT_IO) |
                              FROM(VYRE_STATUS_YIELD) | FROM(VYRE_STATUS_REQUEUE),
                          VYRE_STATUS_EMPTY},
};

bool vyre_slot_transition_legal(enum vyre_slot_transition transition, uint32_t status)
{
    return status <= VYRE_STATUS_FAULT && (transitions[transition].from & FROM(status));
}

uint32_t vyre_slot_transition_target(enum vyre_slot_transition transition)
{
    return transitions[transition].target;
}

uint32_t vyre_slot_status(const void *slot)
{
    return vyre_word_acquire(slot, VYRE_SLOT_STATUS);
}

void vyre_slot_publish(void *slot, uint32_t tenant, uint32_t opcode, const uint32_t *args,
                       size_t args_len)
{
    vyre_word_set(slot, VYRE_SLOT_OPCODE, opcode);
    vyre_word_set(slot, VYRE_SLOT_TENANT, tenant);
    vyre_word_set(slot, VYRE_SLOT_PRIORITY, VYRE_PRIORITY_NORMAL);
    for (size_t i = 0; i < VYRE_SLOT_ARGS; i++)
        vyre_word_set(slot, VYRE_SLOT_ARG0 + i, i < args_len ? args[i] : 0);
    vyre_word_release(slot, VYRE_SLOT_STATUS, VYRE_STATUS_PUBLISHED);
}

bool vyre_slot_move(void *slot, enum vyre_slot_transition transition)
{
    for (;;) {
        uint32_t status = vyre_slot_status(slot);
        if (!vyre_slot_transition_legal(transition, status))
            return false;
        if (vyre_word_swap(slot, VYRE_SLOT_STATUS, status, transitions[transition].target))
            return true;
    }
}
