#include "attach/padding.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/stub.h"

#define ALIGNMENT 64u
/** The code and, elsewhere or behind it, the text. */
#define STUB_BYTES ((size_t)(stub_end - stub_begin))

struct room {
    uint64_t begin;
    uint64_t end;
};

static uint64_t align(uint64_t address)
{
    return (address + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

/** What follows a segment in its last page. \return false when there is none */
static bool room_behind(const struct target *target, const struct object *object,
                        const Elf64_Phdr *segment, struct room *room)
{
    bool executable = (segment->p_flags & PF_X) != 0;
    uint64_t end = object->base + segment->p_vaddr + segment->p_memsz;
    const struct mapping *mapping = mappings_find(&target->mappings, end - 1);
    room->begin = align(end);
    if (segment->p_type != PT_LOAD || segment->p_memsz == 0 || mapping == NULL ||
        !mapping->is_private || mapping->executable != executable ||
        mapping->writable == executable)
        return false;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t page_end = ((end - 1) | (page - 1)) + 1;
    room->end = page_end < mapping->end ? page_end : mapping->end;
    return room->begin < room->end;
}

typedef bool visitor(const struct target *target, const struct object *object, bool executable,
                     struct room *room, void *opaque);

static bool visit_object(const struct target *target, const struct object *object, visitor *visit,
                         void *opaque)
{
    for (size_t i = 0; i < object->segments_len; i++) {
        struct room room;
        bool executable = (object->segments[i].p_flags & PF_X) != 0;
        if (room_behind(target, object, &object->segments[i], &room) &&
            visit(target, object, executable, &room, opaque))
            return true;
    }
    return false;
}

/** Visit all rooms, until one is taken. */
static bool visit_rooms(const struct target *target, const struct reference *references,
                        size_t references_len, visitor *visit, void *opaque)
{
    const struct object *program = &target->objects.all[0];
    const struct object *linker = objects_by_soname(&target->objects, ATTACH_LINKER);
    if (visit_object(target, program, visit, opaque) ||
        visit_object(target, target->libc, visit, opaque) ||
        (linker != NULL && visit_object(target, linker, visit, opaque)))
        return true;
    for (size_t i = 0; i < references_len; i++)
        if (references[i].object != program &&
            visit_object(target, references[i].object, visit, opaque))
            return true;
    return false;
}

/** The same code as ours, whoever left it. */
static bool has_our_code(const struct target *target, uint64_t stub)
{
    size_t code_bytes = STUB_BYTES - STUB_PARAMETERS_BYTES;
    /* The branch at the end of the detour is written by the tracer. */
    size_t compared = (size_t)(stub_resume - stub_begin) - STUB_PARAMETERS_BYTES;
    uint8_t *code = memory_copy(&target->memory, stub + STUB_PARAMETERS_BYTES, code_bytes);
    bool same = code != NULL && memcmp(code, stub_begin + STUB_PARAMETERS_BYTES, compared) == 0;
    free(code);
    return same;
}

struct wanted {
    const char *path;
    size_t text_bytes;
    struct place *place;
};

static bool take_old_stub(const struct target *target, const struct object *object, bool executable,
                          struct room *room, void *opaque)
{
    (void)object;
    const struct wanted *wanted = opaque;
    struct stub_parameters parameters;
    char path[PATH_MAX];
    if (!executable || room->end - room->begin < STUB_BYTES ||
        !memory_read(&target->memory, room->begin, &parameters, sizeof(parameters)) ||
        memcmp(parameters.magic, STUB_MAGIC, sizeof(parameters.magic)) != 0 ||
        !has_our_code(target, room->begin))
        return false;
    uint64_t text = parameters.file_name != 0 ? parameters.file_name : parameters.path;
    *wanted->place = (struct place){room->begin, parameters.words, text, true};
    if (!memory_read_string(&target->memory, text, path, sizeof(path)) ||
        strcmp(path, wanted->path) != 0)
        wanted->place->path = 0;
    return true;
}

/** A stub of another build, which may be in use. */
static bool is_taken(const struct target *target, const struct room *room)
{
    char magic[sizeof(STUB_MAGIC) - 1];
    return !memory_read(&target->memory, room->begin, magic, sizeof(magic)) ||
           memcmp(magic, STUB_MAGIC, 4) == 0;
}

static bool is_zero(const struct target *target, uint64_t at, size_t bytes)
{
    uint8_t *copy = memory_copy(&target->memory, at, bytes);
    bool zero = copy != NULL;
    for (size_t i = 0; i < bytes && zero; i++)
        zero = copy[i] == 0;
    free(copy);
    return zero;
}

static bool take_room(const struct target *target, const struct object *object, bool executable,
                      struct room *room, void *opaque)
{
    (void)object;
    const struct wanted *wanted = opaque;
    struct place *place = wanted->place;
    if (executable && place->stub == 0 && room->end - room->begin >= STUB_BYTES &&
        !is_taken(target, room)) {
        place->stub = room->begin;
        room->begin += align(STUB_BYTES);
    }
    if (executable && place->path == 0 && room->begin < room->end &&
        room->end - room->begin >= wanted->text_bytes && !is_taken(target, room))
        place->path = room->begin;
    if (!executable && place->words == 0 && room->end - room->begin >= sizeof(struct stub_words) &&
        is_zero(target, room->begin, sizeof(struct stub_words)))
        place->words = room->begin;
    return place->stub != 0 && place->path != 0 && place->words != 0;
}

bool padding_find(const struct target *target, const struct reference *references,
                  size_t references_len, const char *path, size_t more_bytes, struct place *place)
{
    struct wanted wanted = {path, strlen(path) + 1 + more_bytes, place};
    *place = (struct place){0};
    bool found = visit_rooms(target, references, references_len, take_old_stub, &wanted);
    return (found && place->path != 0) ||
           visit_rooms(target, references, references_len, take_room, &wanted);
}
