/*
 * A host that both calls a runtime and writes its ring by hand, in one ring: a call's publish is
 * settled by the upload of its own slot with its own words, and by nothing else.  The runtime is
 * the library that VYRE_RUNTIME names.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "opencl_host.h"
#include "vyre_runtime.h"

typedef __typeof__(&vyre_publish_slot) publish_function;

static publish_function find_runtime(void)
{
    const char *name = getenv("VYRE_RUNTIME");
    void *library = name == NULL ? NULL : dlopen(name, RTLD_NOW);
    publish_function found =
        library == NULL ? NULL : (publish_function)dlsym(library, "vyre_publish_slot");
    require_true(found != NULL, "no runtime: VYRE_RUNTIME must name it");
    return found;
}

static void call(struct megakernel *megakernel, publish_function publish, uint32_t slot,
                 uint32_t first)
{
    const uint32_t args[] = {first, 200, 0, 0};
    memset(megakernel->slots[slot], 0, VYRE_SLOT_BYTES);
    require(publish((uint8_t *)megakernel->slots, RING_BYTES, slot, 1, VYRE_OP_ATOMIC_ADD, args, 4),
            "publish");
    say_slot(megakernel, slot);
}

static void upload_slot(struct megakernel *megakernel, uint32_t slot)
{
    require(clEnqueueWriteBuffer(megakernel->queue, megakernel->ring, CL_TRUE,
                                 slot * VYRE_SLOT_BYTES, VYRE_SLOT_BYTES, megakernel->slots[slot],
                                 0, NULL, NULL),
            "write");
}

static void mixed(struct opencl *opencl)
{
    struct megakernel megakernel;
    megakernel_make(&megakernel, opencl);
    publish_function publish = find_runtime();
    launch(&megakernel);
    for (uint32_t i = 0; i < 3; i++) {
        call(&megakernel, publish, 0, 10 + i);
        /* Another slot with the same words. */
        memcpy(megakernel.slots[1], megakernel.slots[0], VYRE_SLOT_BYTES);
        upload_slot(&megakernel, 1);
        say_slot(&megakernel, 1);
        upload_slot(&megakernel, 0);
        /* The same slot with other words. */
        call(&megakernel, publish, 2, 20 + i);
        megakernel.slots[2][VYRE_SLOT_ARG0] += 100;
        upload_slot(&megakernel, 2);
        say_slot(&megakernel, 2);
        launch(&megakernel);
        require(clFinish(megakernel.queue), "finish");
    }
}

const struct way mixed_ways[] = {{"mixed", mixed}, {NULL, NULL}};
