#include "capture/original.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "capture/came_late.h"
#include "capture/dynamic_symbols.h"
#include "capture/elf_object.h"

const struct hook_table *const hook_tables[] = {&runtime_hook_table, &opencl_hook_table,
                                                &confinement_hook_table, &publish_symbol_hook_table,
                                                NULL};

struct hook *hook_find(const char *name)
{
    /* Of the many names that a process asks for, few begin like one of these. */
    if (publish_symbol_hook_table.len == 0 && name[0] != 'c' && name[0] != 'v' && name[0] != 's' &&
        name[0] != 'p')
        return NULL;
    for (const struct hook_table *const *table = hook_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->len; i++)
            if (strcmp((*table)->hooks[i].name, name) == 0)
                return &(*table)->hooks[i];
    return NULL;
}

struct search {
    const struct hook *hook;
    void *found;
};

static int look_in_library(struct dl_phdr_info *info, size_t size, void *opaque)
{
    (void)size;
    struct search *search = opaque;
    struct elf_object object;
    if (info->dlpi_name == NULL || info->dlpi_name[0] == '\0' || !elf_object_of(info, &object))
        return 0;
    void *found = elf_find(&object, search->hook->name);
    if (found != search->hook->replacement)
        search->found = found;
    return search->found != NULL;
}

/** A library that the host loaded with RTLD_LOCAL is behind no other in the order of lookup.  Other
 *  threads may be loading and unloading meanwhile, so that the dynamic linker keeps them out. */
static void *find_in_loaded_libraries(const struct hook *hook)
{
    struct search search = {.hook = hook};
    dl_iterate_phdr(look_in_library, &search);
    return search.found;
}

void *original_find(struct hook *hook)
{
    /* Behind a shim that came late is nothing, and before it is everything. */
    void *found = dynamic_symbol(came_late() ? RTLD_DEFAULT : RTLD_NEXT, hook->name);
    if (found == NULL || found == hook->replacement)
        found = find_in_loaded_libraries(hook);
    /* The program itself comes before the shim. */
    if (found == NULL)
        found = dynamic_symbol(RTLD_DEFAULT, hook->name);
    if (found == hook->replacement)
        found = NULL;
    if (found != NULL)
        atomic_store_explicit(&hook->original, found, memory_order_release);
    return found;
}
