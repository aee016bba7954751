/* Slots and control buffers that a hostile log might hold; the same for each test. */
#ifndef VRRL_TEST_REPLAY_HOSTILE_H
#define VRRL_TEST_REPLAY_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

#include "vyre/control.h"

#define HOSTILE_WORDS 320u

/* xorshift32: the sequence is the same everywhere. */
static uint32_t hostile_state = 2463534242u;

static inline uint32_t hostile_random(void)
{
    hostile_state ^= hostile_state << 13;
    hostile_state ^= hostile_state >> 17;
    hostile_state ^= hostile_state << 5;
    return hostile_state;
}

static inline uint32_t hostile_pick(const uint32_t *values, size_t len)
{
    return values[hostile_random() % len];
}

#define HOSTILE_PICK(...)                                                                          \
    hostile_pick((const uint32_t[]){__VA_ARGS__},                                                  \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static inline uint32_t hostile_value(void)
{
    if (hostile_random() % 2 == 0)
        return hostile_random() % (HOSTILE_WORDS + 8);
    return HOSTILE_PICK(0, 1, 2, 3, 128, 159, 160, 161, HOSTILE_WORDS - 160, HOSTILE_WORDS - 161,
                        HOSTILE_WORDS - 1, HOSTILE_WORDS, UINT32_MAX, UINT32_MAX - 159,
                        UINT32_MAX - 160, 0x80000000u, hostile_random());
}

static inline void hostile_slot(uint32_t slot[VYRE_SLOT_WORDS])
{
    for (size_t i = VYRE_SLOT_ARG0; i < VYRE_SLOT_WORDS; i++)
        slot[i] = hostile_value();
    slot[VYRE_SLOT_STATUS] = HOSTILE_PICK(1, 1, 1, 1, 1, 1, 1, 0, 2, 3, 7, UINT32_MAX);
    slot[VYRE_SLOT_OPCODE] =
        HOSTILE_PICK(0, 1, 2, 3, 4, 5, 6, 7, 8, 31, 32, VYRE_OP_LOAD_MISS, VYRE_OP_PRINTF,
                     VYRE_OP_PACKED_SLOT, VYRE_OP_PACKED_SLOT, VYRE_OP_SHUTDOWN, hostile_random());
    slot[VYRE_SLOT_TENANT] =
        HOSTILE_PICK(0, 1, 28, 29, 60, 61, HOSTILE_WORDS - 3, HOSTILE_WORDS, UINT32_MAX, 0, 0, 0);
    slot[VYRE_SLOT_PRIORITY] = hostile_random();
    if (slot[VYRE_SLOT_OPCODE] != VYRE_OP_PACKED_SLOT || hostile_random() % 8 == 0)
        return;
    /* Metadata that is half sound: up to 7 ops, known opcodes, offsets about the end. */
    uint8_t *bytes = (uint8_t *)(slot + VYRE_SLOT_ARG0);
    bytes[0] = (uint8_t)(hostile_random() % 8);
    for (size_t i = 0; i < 4; i++) {
        bytes[2 + 2 * i] = (uint8_t)(hostile_random() % 9);
        bytes[3 + 2 * i] = (uint8_t)HOSTILE_PICK(0, 1, 2, 3, 6, 7, 8, 9, 10, 255);
    }
}

/* A fresh buffer, with the tenant table somewhere else at times. */
static inline void hostile_control(uint32_t control[HOSTILE_WORDS])
{
    vyre_control_encode(control, HOSTILE_WORDS, 32);
    for (size_t i = VYRE_CONTROL_OBSERVABLES; i < HOSTILE_WORDS; i++)
        control[i] = hostile_random();
    if (hostile_random() % 8 == 0)
        control[VYRE_CONTROL_TENANT_BASE] = hostile_value();
}

#endif
