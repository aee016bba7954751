#include "capture/references.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "capture/came_late.h"
#include "capture/direct_calls.h"
#include "capture/dynamic_symbols.h"
#include "capture/elf_object.h"
#include "capture/original.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/** Objects that were ever loaded, when they were looked at last. */
static unsigned long long loaded;
/** References lead to their originals, of a shim that came late. */
static bool asleep = true;
/** Who points references is done in a few microseconds; a forked child may wait in vain. */
#define TURNS_MAX 100000

/** Libraries that hold originals, which most often is one. */
struct library {
    uintptr_t begin;
    uintptr_t end;
    const char *soname;
};

#define LIBRARIES_MAX 8u
/** More than there are hooks. */
#define FOUND_MAX 256u

struct search {
    unsigned long long now;
    /** Originals that all objects find by their names. */
    const void *found_by_all[FOUND_MAX];
    unsigned found_by_all_len;
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

/** A shim that came late was not in the way of dlsym() either. */
static struct hook *find_hook(const char *name)
{
    struct hook *hook = hook_find(name);
    for (size_t i = 0; hook == NULL && i < dynamic_hook_table.len && came_late(); i++)
        if (strcmp(dynamic_hook_table.hooks[i].name, name) == 0)
            hook = &dynamic_hook_table.hooks[i];
    return hook;
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

/** Whether a reference that was not resolved yet would lead to the original: an object asks for the
 *  library that holds it, or, as a shim that came late can tell, all objects find it. */
static bool will_lead_to(const struct search *search, const struct hook *hook, const void *function)
{
    if (is_named_by_user(hook))
        return true;
    for (unsigned i = 0; i < search->found_by_all_len; i++)
        if (search->found_by_all[i] == function)
            return true;
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

static const struct hook *in_table(const struct hook_table *table, const void *replacement)
{
    for (size_t i = 0; i < table->len; i++)
        if (table->hooks[i].replacement == replacement)
            return &table->hooks[i];
    return NULL;
}

/** The hook that a reference leads to, NULL when it leads elsewhere. */
static const struct hook *find_replacement(const void *address)
{
    const struct hook *hook = in_table(&dynamic_hook_table, address);
    for (const struct hook_table *const *table = hook_tables; hook == NULL && *table != NULL;
         table++)
        hook = in_table(*table, address);
    return hook;
}

static bool look(const struct elf_reference *reference, void *opaque)
{
    const struct search *search = opaque;
    struct hook *hook =
        reference->name != NULL ? find_hook(reference->name) : hook_named_by_user(reference->at);
    if (hook == NULL || (is_library(search) && !is_named_by_user(hook)))
        return true;
    void *original = atomic_load_explicit(&hook->original, memory_order_acquire);
    void *now = __atomic_load_n(reference->at, __ATOMIC_ACQUIRE);
    /* One that was not resolved yet leads into the object's own PLT. */
    bool lazy = (uintptr_t)now >= search->object->begin && (uintptr_t)now < search->object->end;
    if (original != NULL && (now == original || (lazy && will_lead_to(search, hook, original))))
        elf_point(search->object, reference, hook->replacement);
    return true;
}

/** Lead a reference to the original again. */
static bool look_back(const struct elf_reference *reference, void *opaque)
{
    const struct search *search = opaque;
    void *now = __atomic_load_n(reference->at, __ATOMIC_ACQUIRE);
    const struct hook *hook = find_replacement(now);
    if (hook != NULL)
        elf_point(search->object, reference, atomic_load(&hook->original));
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

static int restore_object(struct dl_phdr_info *info, size_t size, void *opaque)
{
    (void)size;
    struct search *search = opaque;
    struct elf_object object;
    if (!elf_object_of(info, &object) || is_shim(&object))
        return 0;
    search->object = &object;
    elf_for_each_reference(&object, look_back, search);
    return 0;
}

static void point(struct search *search)
{
    dl_iterate_phdr(find_libraries, search);
    dl_iterate_phdr(point_object, search);
    __atomic_store_n(&loaded, search->now, __ATOMIC_RELEASE);
}

static void find_in_all(struct search *search, const struct hook *hook, const void *original)
{
    if (original != NULL && came_late() && search->found_by_all_len < FOUND_MAX &&
        dynamic_symbol(RTLD_DEFAULT, hook->name) == original)
        search->found_by_all[search->found_by_all_len++] = original;
}

/** What the dynamic linker must be asked for, before the objects are looked at: a thread that loads
 *  one holds the lock that it answers under, and waits for the one that they are looked at under.
 */
static void find_originals(struct search *search)
{
    for (const struct hook_table *const *table = hook_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->len; i++)
            find_in_all(search, &(*table)->hooks[i], original_of(&(*table)->hooks[i]));
    dynamic_find_originals();
    for (size_t i = 0; i < dynamic_hook_table.len; i++)
        find_in_all(search, &dynamic_hook_table.hooks[i],
                    atomic_load(&dynamic_hook_table.hooks[i].original));
}

/** \return false when another is at it for ever: in a forked child, which was forked meanwhile */
static bool take_turn(void)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        if (pthread_mutex_trylock(&lock) == 0)
            return true;
        sched_yield();
    }
    return false;
}

static bool is_asleep(void)
{
    return __atomic_load_n(&asleep, __ATOMIC_ACQUIRE) && came_late();
}

void references_point(void)
{
    int saved = errno;
    struct search search = {0};
    dl_iterate_phdr(count, &search.now);
    if (__atomic_load_n(&loaded, __ATOMIC_ACQUIRE) != search.now && !is_asleep()) {
        find_originals(&search);
        /* A fork between these two leaves a child that points nothing any more, and no harm. */
        if (pthread_mutex_trylock(&lock) == 0) {
            if (!is_asleep())
                point(&search);
            pthread_mutex_unlock(&lock);
        }
    }
    errno = saved;
}

void references_point_again(void)
{
    int saved = errno;
    struct search search = {0};
    dl_iterate_phdr(count, &search.now);
    find_originals(&search);
    if (take_turn()) {
        __atomic_store_n(&asleep, false, __ATOMIC_RELEASE);
        point(&search);
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
}

bool references_restore(bool (*may)(void))
{
    int saved = errno;
    struct search search = {0};
    if (!came_late() || is_asleep())
        return true;
    bool restored = false;
    if (take_turn()) {
        restored = may();
        if (restored) {
            __atomic_store_n(&asleep, true, __ATOMIC_RELEASE);
            dl_iterate_phdr(restore_object, &search);
        }
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
    return restored;
}
