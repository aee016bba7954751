/*
 * A host that is linked to no runtime, and loads what has one out of everybody else's sight:
 *
 *     plugin_host now|lazy [deepbind] PLUGIN    load a plugin that publishes, and call it
 *     plugin_host symbol LIBRARY                find the runtime's function itself, and call it
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vyre_runtime.h"

static void *load(const char *name, int flags)
{
    void *library = dlopen(name, flags | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "plugin_host: %s\n", dlerror());
        exit(EXIT_FAILURE);
    }
    return library;
}

static int publish_by_symbol(const char *library)
{
    static _Alignas(64) uint8_t ring[VYRE_SLOT_BYTES];
    __typeof__(&vyre_publish_slot) publish =
        (__typeof__(publish))dlsym(load(library, RTLD_NOW), "vyre_publish_slot");
    return publish == NULL ? -1 : publish(ring, sizeof(ring), 0, 9, VYRE_OP_NOP, NULL, 0);
}

static int publish_by_plugin(const char *name, int flags)
{
    int (*publish)(void) = (int (*)(void))dlsym(load(name, flags), "plugin_publish");
    return publish == NULL ? -1 : publish();
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return EXIT_FAILURE;
    const char *name = argv[argc - 1];
    int result;
    if (strcmp(argv[1], "symbol") == 0)
        result = publish_by_symbol(name);
    else
        result = publish_by_plugin(name, (strcmp(argv[1], "now") == 0 ? RTLD_NOW : RTLD_LAZY) |
                                             (argc == 4 ? RTLD_DEEPBIND : 0));
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
