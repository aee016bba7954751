/* A runtime whose publish function has a name and parameters of its own: some in vector registers,
 * some on the stack; other than 0 means success. */
#ifndef OTHER_RUNTIME_H
#define OTHER_RUNTIME_H

#include <stdint.h>

long push_work(double weight, long first, long second, uint32_t opcode, const uint32_t *args,
               int args_len, void *cookie, uint32_t tenant, uint8_t *ring, uint32_t slot,
               unsigned long ring_bytes, const char *note);

#endif
