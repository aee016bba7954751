/**
 * \file elf_object.h
 * \brief An object that is loaded into this process: its symbols and its references to others'.
 *
 * Reads what the dynamic linker has mapped (System V ABI, chapter 5; GNU hash as in the GNU C
 * library's elf/dl-lookup.c).  No locks, no memory of its own; x86-64 and AArch64.
 */
#ifndef VRRL_CAPTURE_ELF_OBJECT_H
#define VRRL_CAPTURE_ELF_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_object {
    const char *name;
    uintptr_t base;
    /** Of all its segments. */
    uintptr_t begin;
    uintptr_t end;
    /** What the dynamic linker made read-only after relocation; empty when there is none. */
    uintptr_t relro_begin;
    uintptr_t relro_end;
    const ElfW(Dyn) * dynamic;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *gnu_hash;
    const uint32_t *hash;
    const ElfW(Rela) * relocations;
    size_t relocations_len;
    const ElfW(Rela) * plt;
    size_t plt_len;
};

/** Describe what dl_iterate_phdr() found.  \return false when it has no dynamic section */
bool elf_object_of(const struct dl_phdr_info *info, struct elf_object *object);

/** Describe an object by its dynamic section alone, for elf_find().  \return as elf_object_of() */
bool elf_object_at(uintptr_t base, const ElfW(Dyn) * dynamic, struct elf_object *object);

/** Address of a function that the object defines and exports, NULL when it does not.  Calls
 *  nothing: a sanitizer looks for its functions before any of its own can be called. */
void *elf_find(const struct elf_object *object, const char *name);

/** Whether the object asks for a library of this SONAME. */
bool elf_needs(const struct elf_object *object, const char *soname);

/** NULL when it has none. */
const char *elf_soname(const struct elf_object *object);

/** A place in an object that holds the address of a function. */
struct elf_reference {
    /** NULL when it was given as an address in the object itself, whatever lies there. */
    const char *name;
    void **at;
};

/** Call for each reference of an object, until \a look returns false. */
void elf_for_each_reference(const struct elf_object *object,
                            bool (*look)(const struct elf_reference *reference, void *looker),
                            void *looker);

/** Store into a reference, read-only ones too.  \return false when that is not allowed */
bool elf_point(const struct elf_object *object, const struct elf_reference *reference,
               void *address);

#endif
