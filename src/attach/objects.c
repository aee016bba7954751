#include "attach/objects.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "attach/dynamic_section.h"
#include "attach/proc.h"

#if defined(__x86_64__)
#define RELOCATION_PLT R_X86_64_JUMP_SLOT
#define RELOCATION_GOT R_X86_64_GLOB_DAT
#else
#define RELOCATION_PLT R_AARCH64_JUMP_SLOT
#define RELOCATION_GOT R_AARCH64_GLOB_DAT
#endif

/** No object has more of anything. */
#define OBJECTS_MAX 4096u
#define SEGMENTS_MAX 128u

static bool auxiliary(const struct memory *memory, uint64_t kind, uint64_t *value)
{
    size_t bytes;
    bool found = false;
    Elf64_auxv_t *entries = (Elf64_auxv_t *)(void *)proc_read(memory->pid, "auxv", &bytes);
    for (size_t i = 0; entries != NULL && i < bytes / sizeof(*entries) && !found; i++) {
        found = entries[i].a_type == kind;
        if (found)
            *value = entries[i].a_un.a_val;
    }
    free(entries);
    return found;
}

static bool read_segments(const struct memory *memory, uint64_t at, uint64_t len,
                          struct object *object)
{
    if (len == 0 || len > SEGMENTS_MAX)
        return false;
    object->segments = memory_copy(memory, at, len * sizeof(Elf64_Phdr));
    object->segments_len = object->segments == NULL ? 0 : len;
    return object->segments != NULL;
}

static const Elf64_Phdr *segment_of(const struct object *object, uint32_t type)
{
    for (size_t i = 0; i < object->segments_len; i++)
        if (object->segments[i].p_type == type)
            return &object->segments[i];
    return NULL;
}

static void find_ends(struct object *object)
{
    object->begin = UINT64_MAX;
    for (size_t i = 0; i < object->segments_len; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        uint64_t begin = object->base + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        object->begin = begin < object->begin ? begin : object->begin;
        object->end =
            begin + segment->p_memsz > object->end ? begin + segment->p_memsz : object->end;
    }
}

static void object_free(struct object *object)
{
    free(object->segments);
    free(object->symbols);
    free(object->strings);
    free(object->plt);
    free(object->relocations);
}

/** A library, whose header lies where it was loaded. */
static bool read_library(const struct memory *memory, const struct link_map *map,
                         struct object *object)
{
    Elf64_Ehdr header;
    struct dynamic dynamic;
    *object = (struct object){.base = map->l_addr};
    if (!memory_read_string(memory, (uintptr_t)map->l_name, object->name, OBJECT_NAME_BYTES) ||
        !memory_read(memory, object->base, &header, sizeof(header)) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(Elf64_Phdr) ||
        !read_segments(memory, object->base + header.e_phoff, header.e_phnum, object))
        return false;
    find_ends(object);
    if (dynamic_read(memory, object, (uintptr_t)map->l_ld, &dynamic))
        dynamic_copy_tables(memory, &dynamic, object);
    return true;
}

static bool read_program(const struct memory *memory, struct object *object,
                         struct dynamic *dynamic)
{
    uint64_t headers;
    uint64_t headers_len;
    *object = (struct object){.base = 0};
    if (!auxiliary(memory, AT_PHDR, &headers) || !auxiliary(memory, AT_PHNUM, &headers_len) ||
        !read_segments(memory, headers, headers_len, object))
        return false;
    const Elf64_Phdr *self = segment_of(object, PT_PHDR);
    object->base = self == NULL ? 0 : headers - self->p_vaddr;
    find_ends(object);
    const Elf64_Phdr *section = segment_of(object, PT_DYNAMIC);
    if (section == NULL || !dynamic_read(memory, object, object->base + section->p_vaddr, dynamic))
        return false;
    dynamic_copy_tables(memory, dynamic, object);
    return true;
}

/** For one more. */
static bool make_room(struct objects *objects)
{
    if (objects->len == OBJECTS_MAX)
        return false;
    struct object *all = reallocarray(objects->all, objects->len + 1, sizeof(*all));
    if (all == NULL)
        return false;
    objects->all = all;
    return true;
}

static enum objects_found read_libraries(const struct memory *memory, uint64_t debug_at,
                                         struct objects *objects)
{
    struct r_debug debug;
    if (!memory_read(memory, debug_at, &debug, sizeof(debug)) || debug.r_state != RT_CONSISTENT)
        return OBJECTS_UNCLEAR;
    uint64_t at = (uintptr_t)debug.r_map;
    while (at != 0) {
        struct link_map map;
        if (!make_room(objects) || !memory_read(memory, at, &map, sizeof(map)))
            return OBJECTS_UNCLEAR;
        /* The first is the program. */
        if (at != (uintptr_t)debug.r_map && read_library(memory, &map, &objects->all[objects->len]))
            objects->len++;
        else if (at != (uintptr_t)debug.r_map)
            object_free(&objects->all[objects->len]);
        at = (uintptr_t)map.l_next;
    }
    return objects->len > 1 ? OBJECTS_WELL : OBJECTS_UNCLEAR;
}

enum objects_found objects_read(const struct memory *memory, struct objects *objects)
{
    struct dynamic dynamic;
    *objects = (struct objects){.all = NULL};
    enum objects_found found = OBJECTS_UNCLEAR;
    if (!make_room(objects))
        return found;
    if (read_program(memory, &objects->all[0], &dynamic)) {
        objects->len = 1;
        found =
            dynamic.debug == 0 ? OBJECTS_UNCLEAR : read_libraries(memory, dynamic.debug, objects);
    } else {
        bool has_segments = objects->all[0].segments != NULL;
        bool is_static = has_segments && (segment_of(&objects->all[0], PT_DYNAMIC) == NULL ||
                                          segment_of(&objects->all[0], PT_INTERP) == NULL);
        object_free(&objects->all[0]);
        found = is_static ? OBJECTS_STATIC : OBJECTS_UNCLEAR;
    }
    auxiliary(memory, AT_ENTRY, &objects->entry);
    if (found != OBJECTS_WELL)
        objects_free(objects);
    return found;
}

void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->len; i++)
        object_free(&objects->all[i]);
    free(objects->all);
    *objects = (struct objects){.all = NULL};
}

const struct object *objects_find(const struct objects *objects, uint64_t address)
{
    for (size_t i = 0; i < objects->len; i++)
        if (address >= objects->all[i].begin && address < objects->all[i].end)
            return &objects->all[i];
    return NULL;
}

const struct object *objects_by_soname(const struct objects *objects, const char *soname)
{
    for (size_t i = 0; i < objects->len; i++)
        if (strcmp(objects->all[i].soname, soname) == 0)
            return &objects->all[i];
    return NULL;
}

static const char *name_of(const struct object *object, const Elf64_Sym *symbol)
{
    return symbol->st_name < object->strings_len ? object->strings + symbol->st_name : "";
}

uint64_t object_function(const struct object *object, const char *name)
{
    for (size_t i = 0; i < object->symbols_len; i++) {
        const Elf64_Sym *symbol = &object->symbols[i];
        if (symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
            ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            strcmp(name_of(object, symbol), name) == 0)
            return object->base + symbol->st_value;
    }
    return 0;
}

/** Which of the names each symbol is that the object does not define itself, counted from 1.
 *  \return to be freed, NULL when there are none */
static uint8_t *wanted_symbols(const struct object *object, const char *const *names)
{
    uint8_t *wanted = calloc(object->symbols_len + 1, sizeof(*wanted));
    bool any = false;
    for (size_t i = 0; wanted != NULL && i < object->symbols_len; i++) {
        const char *name = name_of(object, &object->symbols[i]);
        for (unsigned n = 0; names[n] != NULL && n < UINT8_MAX; n++) {
            if (name[0] != names[n][0] || strcmp(name, names[n]) != 0)
                continue;
            if (object->symbols[i].st_shndx == SHN_UNDEF)
                wanted[i] = (uint8_t)(n + 1);
            any = any || wanted[i] != 0;
        }
    }
    if (any)
        return wanted;
    free(wanted);
    return NULL;
}

struct search {
    const struct object *object;
    const uint8_t *wanted;
    const char *const *names;
    struct reference *references;
    size_t len;
    size_t room;
};

static void look_for(struct search *search, unsigned number, const Elf64_Rela *relocations,
                     size_t relocations_len)
{
    const struct object *object = search->object;
    for (size_t i = 0; i < relocations_len && search->len < search->room; i++) {
        uint32_t type = (uint32_t)ELF64_R_TYPE(relocations[i].r_info);
        uint64_t index = ELF64_R_SYM(relocations[i].r_info);
        uint64_t at = object->base + relocations[i].r_offset;
        bool is_call = type == RELOCATION_PLT || type == RELOCATION_GOT;
        if (is_call && index < object->symbols_len && search->wanted[index] == number + 1 &&
            at % sizeof(uint64_t) == 0 && at >= object->begin && at < object->end)
            search->references[search->len++] =
                (struct reference){object, search->names[number], at};
    }
}

size_t objects_references(const struct objects *objects, const char *const *names,
                          struct reference *references, size_t room)
{
    struct search search = {.names = names, .references = references, .room = room};
    for (size_t i = 0; i < objects->len; i++) {
        uint8_t *wanted = wanted_symbols(&objects->all[i], names);
        search.object = &objects->all[i];
        search.wanted = wanted;
        for (unsigned n = 0; wanted != NULL && names[n] != NULL && n < UINT8_MAX; n++) {
            look_for(&search, n, search.object->plt, search.object->plt_len);
            look_for(&search, n, search.object->relocations, search.object->relocations_len);
        }
        free(wanted);
    }
    return search.len;
}
