#include "capture/references.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "capture/direct_calls.h"
#include "capture/elf_object.h"
#include "capture/original.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/** Objects that were ever loaded, when they were looked at last. */
static unsigned long long loaded;

/** Libraries that hold originals, which most often is one. */
struct library {
    uintptr_t begin;
    uintptr_t end;
    const char *soname;
};

#define LIBRARIES_MAX 8u

struct search {
    unsigned long long now;
    struct library libraries[LIBRARIES_MAX];
    unsigned libraries_len;
    const struct elf_object *object;
};

static int count(struct dl_phdr_info *info, size_t size, void *opaque)
{
    (void)size;
    *(unsigned long long *)opaque = info->dlpi_adds;
    return 1;
}

static bool is_shim(const struct elf_object *object)
{
    uintptr_t here = (uintptr_t)&loaded;
    return here >= object->begin && here < object->end;
}

static int find_libraries(struct dl_phdr_info *info, size_t size, void *opaque)
{
    (void)size;
    struct search *search = opaque;
    struct elf_object object;
    if (!elf_object_of(info, &object) || elf_soname(&object) == NULL)
        return 0;
    for (const struct hook_table *const *table = hook_tables; *table != NULL; table++) {
        for (size_t i = 0; i < (*table)->len && search->libraries_len < LIBRARIES_MAX; i++) {
            uintptr_t original = (uintptr_t)atomic_load(&(*table)->hooks[i].original);
            if (original < object.begin || original >= object.end)
                continue;
            search->libraries[search->libraries_len++] =
                (struct library){object.begin, object.end, elf_soname(&object)};
            break;
        }
    }
    return 0;
}

/** The shim exports no function of this name, so that every reference must be pointed. */
static bool is_named_by_user(const struct hook *hook)
{
    return hook >= publish_symbol_hook_table.hooks &&
           hook < publish_symbol_hook_table.hooks + publish_symbol_hook_table.len;
}

/** The hook of a function that an object defines and refers to by its address.  ASan keeps some of
 *  the places that such addresses lie in to itself. */
__attribute__((no_sanitize("address"))) static struct hook *hook_named_by_user(void *const *at)
{
    for (size_t i = 0; i < publish_symbol_hook_table.len; i++)
        if (atomic_load(&publish_symbol_hook_table.hooks[i].original) == *at)
            return &publish_symbol_hook_table.hooks[i];
    return NULL;
}

/** Whether an object asks for the library that holds a function. */
static bool asks_for(const struct search *search, const void *function)
{
    for (unsigned i = 0; i < search->libraries_len; i++) {
        const struct library *library = &search->libraries[i];
        if ((uintptr_t)function >= library->begin && (uintptr_t)function < library->end &&
            elf_needs(search->object, library->soname))
            return true;
    }
    return false;
}

/** A library calls its own functions as it likes. */
static bool is_library(const struct search *search)
{
    for (unsigned i = 0; i < search->libraries_len; i++)
        if (search->libraries[i].begin == search->object->begin)
            return true;
    return false;
}

static bool look(const struct elf_reference *reference, void *opaque)
{
    const struct search *search = opaque;
    struct hook *hook =
        reference->name != NULL ? hook_find(reference->name) : hook_named_by_user(reference->at);
    if (hook == NULL || (is_library(search) && !is_named_by_user(hook)))
        return true;
    void *original = atomic_load_explicit(&hook->original, memory_order_acquire);
    void *now = __atomic_load_n(reference->at, __ATOMIC_ACQUIRE);
    /* One that was not resolved yet leads into the object's own PLT. */
    bool lazy = (uintptr_t)now >= search->object->begin && (uintptr_t)now < search->object->end;
    if (original != NULL &&
        (now == original || (lazy && (is_named_by_user(hook) || asks_for(search, original)))))
        elf_point(search->object, reference, hook->replacement);
    return true;
}

static int point_object(struct dl_phdr_info *info, size_t size, void *opaque)
{
    (void)size;
    struct search *search = opaque;
    struct elf_object object;
    if (!elf_object_of(info, &object) || is_shim(&object))
        return 0;
    search->object = &object;
    elf_for_each_reference(&object, look, search);
    direct_calls_say(info, &object);
    return 0;
}

void references_point(void)
{
    int saved = errno;
    struct search search = {0};
    dl_iterate_phdr(count, &search.now);
    if (__atomic_load_n(&loaded, __ATOMIC_ACQUIRE) != search.now) {
        for (const struct hook_table *const *table = hook_tables; *table != NULL; table++)
            for (size_t i = 0; i < (*table)->len; i++)
                original_of(&(*table)->hooks[i]);
        /* A fork between these two leaves a child that points nothing any more, and no harm. */
        if (pthread_mutex_trylock(&lock) == 0) {
            dl_iterate_phdr(find_libraries, &search);
            dl_iterate_phdr(point_object, &search);
            __atomic_store_n(&loaded, search.now, __ATOMIC_RELEASE);
            pthread_mutex_unlock(&lock);
        }
    }
    errno = saved;
}

void references_point_again(void)
{
    __atomic_store_n(&loaded, 0, __ATOMIC_RELEASE);
    references_point();
}
