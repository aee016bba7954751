#include "capture/dynamic_symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>

#include "capture/came_late.h"
#include "capture/elf_object.h"
#include "capture/original.h"
#include "capture/references.h"

typedef void *(*dlsym_function)(void *, const char *);
typedef void *(*dlvsym_function)(void *, const char *, const char *);

__attribute__((visibility("hidden"))) void *dynamic_dlsym;
__attribute__((visibility("hidden"))) void *dynamic_dlvsym;

/** For what runs before a sanitizer that the shim was built with is ready. */
#define EARLY __attribute__((no_sanitize("address", "undefined", "thread")))

/** The shim's constructor has run, as those of what it is linked to. */
static bool constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = true;
}

/** Find the dynamic linker's functions, in the first object that has them: the C library, or
 *  another preload.  Other libraries ask before the shim's constructor has run, a sanitizer even
 *  before anything of the C library may be called. */
EARLY static void prepare(void)
{
    if (__atomic_load_n(&dynamic_dlsym, __ATOMIC_ACQUIRE) != NULL)
        return;
    for (const struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next) {
        struct elf_object object;
        if (map->l_ld == _DYNAMIC || !elf_object_at(map->l_addr, map->l_ld, &object))
            continue;
        void *symbol = elf_find(&object, "dlsym");
        void *versioned = elf_find(&object, "dlvsym");
        if (symbol == NULL || versioned == NULL)
            continue;
        __atomic_store_n(&dynamic_dlvsym, versioned, __ATOMIC_RELEASE);
        __atomic_store_n(&dynamic_dlsym, symbol, __ATOMIC_RELEASE);
        return;
    }
}

/** A question to the dynamic linker. */
struct question {
    void *handle;
    const char *name;
    /** NULL: any. */
    const char *version;
};

static struct hook dynamic_hooks[] = {{"dlsym", dlsym, NULL}, {"dlvsym", dlvsym, NULL}};

const struct hook_table dynamic_hook_table = {dynamic_hooks,
                                              sizeof(dynamic_hooks) / sizeof(dynamic_hooks[0])};

void dynamic_find_originals(void)
{
    prepare();
    atomic_store(&dynamic_hooks[0].original, dynamic_dlsym);
    atomic_store(&dynamic_hooks[1].original, dynamic_dlvsym);
}

/* Not inlined, and no tail call: its caller must be the shim. */
__attribute__((noinline)) static void *ask(const struct question *question, void *handle)
{
    void *address =
        question->version == NULL
            ? ((dlsym_function)dynamic_dlsym)(handle, question->name)
            : ((dlvsym_function)dynamic_dlvsym)(handle, question->name, question->version);
    __asm__ volatile("" : "+r"(address));
    return address;
}

void *dynamic_symbol(void *handle, const char *name)
{
    prepare();
    return ask(&(struct question){.name = name}, handle);
}

/** Whether the caller comes before the shim in the order of lookup, which is the order of
 *  loading for what was loaded at the start. */
static bool comes_before_shim(const void *caller)
{
    struct link_map *callers = NULL;
    struct link_map *shims = NULL;
    Dl_info info;
    if (dladdr1(caller, &info, (void **)&callers, RTLD_DL_LINKMAP) == 0 ||
        dladdr1(&dynamic_dlsym, &info, (void **)&shims, RTLD_DL_LINKMAP) == 0)
        return false;
    for (const struct link_map *map = callers; map != NULL; map = map->l_next)
        if (map == shims)
            return true;
    return false;
}

/** What the caller's own libraries have, when it was loaded later. */
static void *ask_scope_of(const void *caller, const struct question *question)
{
    struct link_map *map = NULL;
    Dl_info info;
    if (dladdr1(caller, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL ||
        map->l_name == NULL || map->l_name[0] == '\0')
        return NULL;
    void *handle = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        return NULL;
    void *found = ask(question, handle);
    dlclose(handle);
    return found;
}

static struct dynamic_answer answer(struct hook *hook, const struct question *question,
                                    const void *caller)
{
    const struct dynamic_answer linker = {NULL, 0};
    void *found;
    if (question->handle == RTLD_NEXT) {
        /* From behind the shim, what follows is not the shim; and behind one that came late is
         * nothing. */
        if (came_late() || !comes_before_shim(caller))
            return linker;
        found = ask(question, RTLD_NEXT);
    } else if (question->handle == RTLD_DEFAULT) {
        found = ask(question, came_late() ? RTLD_DEFAULT : RTLD_NEXT);
        if (found == NULL || found == hook->replacement)
            found = ask_scope_of(caller, question);
    } else {
        found = ask(question, question->handle);
        if (found == hook->replacement)
            found = ask(question, RTLD_NEXT);
    }
    if (found == NULL || found == hook->replacement)
        return (struct dynamic_answer){NULL, 1};
    void *original = NULL;
    bool is_original =
        atomic_compare_exchange_strong(&hook->original, &original, found) || original == found;
    return (struct dynamic_answer){is_original ? hook->replacement : found, 1};
}

static struct dynamic_answer asked(const struct question *question, const void *caller)
{
    int saved = errno;
    struct hook *hook = question->name == NULL ? NULL : hook_find(question->name);
    references_point();
    struct dynamic_answer given = {NULL, 0};
    if (hook != NULL)
        given = answer(hook, question, caller);
    errno = saved;
    return given;
}

__attribute__((visibility("hidden"))) EARLY struct dynamic_answer
dynamic_asked(void *handle, const char *name, const void *caller)
{
    prepare();
    if (!constructed)
        return (struct dynamic_answer){NULL, 0};
    return asked(&(struct question){handle, name, NULL}, caller);
}

__attribute__((visibility("hidden"))) EARLY struct dynamic_answer
dynamic_asked_version(void *handle, const char *name, const void *caller, const char *version)
{
    prepare();
    if (!constructed)
        return (struct dynamic_answer){NULL, 0};
    return asked(&(struct question){handle, name, version}, caller);
}
