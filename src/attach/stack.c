#include "attach/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/proc.h"

#define CHUNK_BYTES ((size_t)64 << 10)
/** A deeper stack is not looked through. */
#define STACK_BYTES_MAX ((uint64_t)16 << 20)
/** _start() of the program is the first caller of all, and short. */
#define START_BYTES 64u
#define MARGIN_BYTES 16u

#if defined(__x86_64__)

bool stack_is_return_address(const struct target *target, uint64_t address)
{
    /* FF /2 with its operand, from behind: the lengths that there are. */
    static const unsigned lengths[] = {2, 3, 4, 6, 7};
    uint8_t before[8];
    if (!memory_read(&target->memory, address - sizeof(before), before, sizeof(before)))
        return false;
    const uint8_t *end = before + sizeof(before);
    if (end[-5] == 0xE8)
        return true;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        if (*(end - lengths[i]) == 0xFF && (*(end - lengths[i] + 1) >> 3 & 7) == 2)
            return true;
    return false;
}

/** The end of a handler: mov $15, %rax; syscall. */
static bool is_end_of_handler(const uint8_t code[MARGIN_BYTES])
{
    static const uint8_t wide[] = {0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05};
    static const uint8_t narrow[] = {0xB8, 0x0F, 0, 0, 0, 0x0F, 0x05};
    return memcmp(code, wide, sizeof(wide)) == 0 || memcmp(code, narrow, sizeof(narrow)) == 0;
}

#else

/** BL or BLR. */
bool stack_is_return_address(const struct target *target, uint64_t address)
{
    uint32_t before;
    return address % sizeof(before) == 0 &&
           memory_read(&target->memory, address - sizeof(before), &before, sizeof(before)) &&
           ((before & 0xFC000000u) == 0x94000000u || (before & 0xFFFFFC1Fu) == 0xD63F0000u);
}

/** The end of a handler: mov x8, #139; svc #0. */
static bool is_end_of_handler(const uint8_t code[MARGIN_BYTES])
{
    static const uint8_t end[] = {0x68, 0x11, 0x80, 0xD2, 0x01, 0, 0, 0xD4};
    return memcmp(code, end, sizeof(end)) == 0;
}

#endif

/** The C library and the dynamic linker, or whoever else has a malloc(). */
static bool holds_locks(const struct target *target, const struct object *object)
{
    return object == target->libc || strncmp(object->soname, "ld-linux", 8) == 0 ||
           strcmp(object->soname, "libpthread.so.0") == 0 ||
           (object != &target->objects.all[0] && object_function(object, "malloc") != 0);
}

struct walk {
    const struct target *target;
    struct stack_look look;
    /** A return address into the C library was passed. */
    bool below_library;
    /** The last object that was asked about, as the next address mostly is of the same. */
    const struct object *last;
    bool last_holds_locks;
};

static bool is_start(const struct target *target, uint64_t address)
{
    return address >= target->objects.entry && address < target->objects.entry + START_BYTES;
}

static void look_at_word(struct walk *walk, uint64_t word)
{
    uint8_t code[MARGIN_BYTES];
    const struct target *target = walk->target;
    const struct mapping *mapping = mappings_find(&target->mappings, word);
    if (mapping == NULL || !mapping->executable)
        return;
    if (memory_read(&target->memory, word, code, sizeof(code)) && is_end_of_handler(code))
        walk->look.in_handler = true;
    if (walk->look.in_callback || is_start(target, word) || !stack_is_return_address(target, word))
        return;
    const struct object *object = objects_find(&target->objects, word);
    if (object != NULL && object != walk->last) {
        walk->last = object;
        walk->last_holds_locks = holds_locks(target, object);
    }
    if (object != NULL && walk->last_holds_locks)
        walk->below_library = true;
    else if (walk->below_library)
        walk->look.in_callback = true;
}

/** Where the stack of the first thread began, above which the kernel put arguments; 0: unknown. */
static uint64_t start_of_stack(pid_t pid)
{
    unsigned long long start = 0;
    char *text = proc_read(pid, "stat", NULL);
    const char *behind = text == NULL ? NULL : strrchr(text, ')');
    /* Field 28; the state behind the name is the third. */
    for (int field = 3; behind != NULL && field < 28; field++)
        behind = strchr(behind + 2, ' ') == NULL ? NULL : strchr(behind + 1, ' ');
    if (behind != NULL)
        sscanf(behind, " %llu", &start);
    free(text);
    return start;
}

/** Look at the words from \a at to \a end.  \return whether all could be read */
static bool walk_all(struct walk *walk, uint64_t at, uint64_t end, uint64_t *words)
{
    while (at < end) {
        size_t wanted = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
        if (memory_read_some(&walk->target->memory, at, words, wanted) != wanted)
            return false;
        for (size_t i = 0; i < wanted / sizeof(*words); i++)
            look_at_word(walk, words[i]);
        at += wanted;
    }
    return true;
}

struct stack_look stack_look(const struct target *target, uint64_t at, uint64_t link)
{
    struct walk walk = {.target = target};
    uint64_t start = start_of_stack(target->pid);
    const struct mapping *mapping = mappings_find(&target->mappings, at);
    uint64_t *words = malloc(CHUNK_BYTES);
    at &= ~(uint64_t)(sizeof(*words) - 1);
    if (mapping != NULL && words != NULL && mapping->end - at <= STACK_BYTES_MAX) {
        bool is_first = start > at && start <= mapping->end;
        look_at_word(&walk, link);
        walk.look.is_known = walk_all(&walk, at, is_first ? start : mapping->end, words);
    }
    free(words);
    return walk.look;
}
