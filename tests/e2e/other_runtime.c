#include "other_runtime.h"

#include <stdlib.h>
#include <string.h>

long push_work(double weight, long first, long second, uint32_t opcode, const uint32_t *args,
               int args_len, void *cookie, uint32_t tenant, uint8_t *ring, uint32_t slot,
               unsigned long ring_bytes, const char *note)
{
    uint32_t words[16] = {1, opcode, tenant, 2};
    uint32_t status;
    /* What came in other registers, and on the stack, is what was given. */
    if (weight != 2.5 || first != -1 || second != -2 || cookie != (void *)args ||
        strcmp(note, "note") != 0)
        abort();
    memcpy(&status, ring + slot * 64ul, sizeof(status));
    if (status == 1 || (slot + 1) * 64ul > ring_bytes)
        return 0;
    memcpy(&words[4], args, (size_t)args_len * sizeof(*args));
    memcpy(ring + slot * 64ul, words, sizeof(words));
    return 7;
}
