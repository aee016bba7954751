#include "capture/direct_calls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "capture/elf_file.h"
#include "capture/original.h"
#include "capture/publish_symbol.h"
#include "capture/recorder.h"

/** Objects that were looked at; a process that loads more hears no more. */
#define OBJECTS_MAX 1024u

static uintptr_t objects[OBJECTS_MAX];
static unsigned objects_len;

static bool is_new(const struct elf_object *object)
{
    for (unsigned i = 0; i < objects_len; i++)
        if (objects[i] == object->begin)
            return false;
    if (objects_len == OBJECTS_MAX)
        return false;
    objects[objects_len++] = object->begin;
    return true;
}

#if defined(__x86_64__)

/** call, jmp, jcc, and lea of an address relative to the next instruction. */
static size_t count_in(uintptr_t begin, uintptr_t end, uintptr_t function)
{
    size_t found = 0;
    for (uintptr_t at = begin + 3; at + sizeof(int32_t) <= end; at++) {
        const uint8_t *code = (const uint8_t *)at;
        int32_t distance;
        memcpy(&distance, code, sizeof(distance));
        if (at + sizeof(distance) + (uintptr_t)(intptr_t)distance != function)
            continue;
        if (code[-1] == 0xE8 || code[-1] == 0xE9 ||
            (code[-2] == 0x0F && (code[-1] & 0xF0) == 0x80) ||
            (code[-2] == 0x8D && (code[-1] & 0xC7) == 0x05))
            found++;
    }
    return found;
}

#elif defined(__aarch64__)

/** B and BL, whose distance is 26 bits of words. */
static size_t count_in(uintptr_t begin, uintptr_t end, uintptr_t function)
{
    size_t found = 0;
    for (uintptr_t at = begin; at + sizeof(uint32_t) <= end; at += sizeof(uint32_t)) {
        uint32_t instruction = *(const uint32_t *)at;
        if ((instruction & 0x7C000000u) != 0x14000000u)
            continue;
        int64_t distance = (int64_t)((uint64_t)instruction << 38) >> 36;
        if (at + (uintptr_t)distance == function)
            found++;
    }
    return found;
}

#endif

static size_t count_calls(const struct dl_phdr_info *info, uintptr_t function)
{
    size_t found = 0;
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & (PF_X | PF_R)) == (PF_X | PF_R))
            found += count_in(begin, begin + segment->p_filesz, function);
    }
    return found;
}

static void say_of(const struct dl_phdr_info *info, const struct elf_object *object,
                   const struct elf_file *file, const char *path, const char *name)
{
    void *function = elf_find(object, name);
    size_t calls = function == NULL ? 0 : count_calls(info, (uintptr_t)function);
    if (calls > 0) {
        recorder_say("vrrl: %s calls its own %s in %zu places without a reference: these publishes "
                     "are not recorded. Fix: build it with -fPIC -fsemantic-interposition.\n",
                     path, name, calls);
        return;
    }
    if (function != NULL || file == NULL)
        return;
    enum elf_file_function kind = elf_file_function(file, name);
    if (kind == ELF_FILE_OWN)
        recorder_say("vrrl: %s has a %s of its own, which it does not export: its publishes are "
                     "not recorded. Fix: build it into a shared library, and export it.\n",
                     path, name);
    else if (kind == ELF_FILE_INLINED)
        recorder_say("vrrl: %s knows %s from its debug information alone: where that was inlined, "
                     "publishes are not recorded. Fix: build %s into a shared library.\n",
                     path, name, name);
}

void direct_calls_say(const struct dl_phdr_info *info, const struct elf_object *object)
{
    if (!publish_symbols_asked() || !is_new(object))
        return;
    const char *path = info->dlpi_name[0] == '\0' ? "/proc/self/exe" : info->dlpi_name;
    struct elf_file file;
    bool opened = elf_file_open(path, &file);
    if (info->dlpi_name[0] == '\0')
        path = program_invocation_name;
    for (size_t i = 0; i < publish_symbol_hook_table.len; i++)
        say_of(info, object, opened ? &file : NULL, path, publish_symbol_hook_table.hooks[i].name);
    if (opened)
        elf_file_close(&file);
}
