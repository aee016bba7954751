/* Calls into the stub of src/attach with every register known (stub_harness.S). */
#ifndef STUB_HARNESS_H
#define STUB_HARNESS_H

#define HARNESS_INTEGERS 10
#define HARNESS_VECTORS 8
#define HARNESS_VECTOR_BYTES 32
#define HARNESS_ALL 32
#define HARNESS_CODE_BYTES 65536

#ifndef __ASSEMBLER__

#include <stdint.h>

/** x86-64: rdi, rsi, rdx, rcx, r8, r9, rax, r10; AArch64: x0 … x8, x16. */
struct harness_registers {
    uint64_t integers[HARNESS_INTEGERS];
    uint8_t vectors[HARNESS_VECTORS][HARNESS_VECTOR_BYTES];
};

/** Vectors of 32 bytes can be used. */
extern uint64_t harness_wide;

/** Call an address with these registers. */
uint64_t harness_call(uint64_t address, const struct harness_registers *registers);

/** An original: notes its registers in harness_captured, and returns 77. */
void harness_capture(void);
extern struct harness_registers harness_captured;

/** Go to harness_target as a stopped thread is sent, with all registers as in harness_before, and
 *  come back to harness_back with them in harness_after. */
void harness_detour(void);
extern uint64_t harness_target;
extern uint64_t harness_before[HARNESS_ALL];
extern uint64_t harness_after[HARNESS_ALL];
extern const uint8_t harness_back[];
/** AArch64: an instruction that the test makes a branch to harness_target. */
extern uint8_t harness_jump[];

/** Room for the stub, within reach of a branch; a page begins there. */
extern uint8_t harness_code[HARNESS_CODE_BYTES];

#endif
#endif
