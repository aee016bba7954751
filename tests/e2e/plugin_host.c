/*
 * A host that is linked to no runtime, and loads a plugin that is, out of
 * everybody else's sight (RTLD_LOCAL).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    void *plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "plugin_host: %s\n", argc == 2 ? dlerror() : "name a plugin");
        return EXIT_FAILURE;
    }
    int (*publish)(void) = (int (*)(void))dlsym(plugin, "plugin_publish");
    return publish == NULL || publish() != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
