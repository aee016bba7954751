#include "capture/original.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

/** A library that the host loaded with RTLD_LOCAL is behind no other in the order of lookup. */
static void *find_in_loaded_libraries(const struct hook *hook)
{
    void *program = dlopen(NULL, RTLD_LAZY | RTLD_NOLOAD);
    if (program == NULL)
        return NULL;
    struct link_map *map = NULL;
    void *found = NULL;
    if (dlinfo(program, RTLD_DI_LINKMAP, &map) != 0)
        map = NULL;
    for (; map != NULL && found == NULL; map = map->l_next) {
        if (map->l_name == NULL || map->l_name[0] == '\0')
            continue;
        void *library = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
        if (library == NULL)
            continue;
        void *symbol = dlsym(library, hook->name);
        if (symbol != hook->replacement)
            found = symbol;
        dlclose(library);
    }
    dlclose(program);
    return found;
}

void *original_find(struct hook *hook)
{
    void *found = dlsym(RTLD_NEXT, hook->name);
    if (found == NULL)
        found = find_in_loaded_libraries(hook);
    if (found != NULL)
        atomic_store_explicit(&hook->original, found, memory_order_release);
    return found;
}
