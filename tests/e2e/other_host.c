/* Publishes through references of every kind: a call, a table of pointers, dlsym. */
#include <dlfcn.h>
#include <stdio.h>

#include "other_runtime.h"

typedef __typeof__(&push_work) push;

static push const table[] = {push_work};
static _Alignas(64) uint8_t ring[64 * 8];
static long sum;

static void publish(push function, uint32_t tenant, uint32_t slot)
{
    uint32_t args[3] = {slot, 200, 3};
    sum += function(2.5, -1, -2, 2, args, 3, args, tenant, ring, slot, sizeof(ring), "note");
}

int main(void)
{
    uint32_t args[3] = {0, 200, 3};
    for (int i = 0; i < 2; i++)
        sum += push_work(2.5, -1, -2, 2, args, 3, args, 1, ring, 0, sizeof(ring), "note");
    publish(table[0], 2, 1);
    publish((push)dlsym(RTLD_DEFAULT, "push_work"), 3, 2);
    void *library = dlopen("./libother.so", RTLD_NOW | RTLD_NOLOAD);
    publish((push)dlsym(library, "push_work"), 4, 3);
    printf("%ld\n", sum);
    return 0;
}
