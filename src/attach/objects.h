/**
 * \file objects.h
 * \brief The objects that the dynamic linker loaded into another process: their symbols, and their
 *        references to others'.
 *
 * Everything is read from the other process's memory, which may change meanwhile, and checked:
 * whatever it says, reading ends. (System V ABI, chapter 5; GNU C library, link.h.)
 */
#ifndef VRRL_ATTACH_OBJECTS_H
#define VRRL_ATTACH_OBJECTS_H

#include <elf.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach/mappings.h"
#include "attach/memory.h"

#if defined(__x86_64__)
#define ATTACH_MACHINE EM_X86_64
#define ATTACH_MACHINE_NAME "x86-64"
#define ATTACH_LINKER "ld-linux-x86-64.so.2"
#elif defined(__aarch64__)
#define ATTACH_MACHINE EM_AARCH64
#define ATTACH_MACHINE_NAME "AArch64"
#define ATTACH_LINKER "ld-linux-aarch64.so.1"
#else
#error "attaching is known on x86-64 and AArch64"
#endif

#define OBJECT_NAME_BYTES 256

struct object {
    /** As the dynamic linker has it; the main program's is empty. */
    char name[OBJECT_NAME_BYTES];
    /** The library's own name, empty when it has none. */
    char soname[OBJECT_NAME_BYTES];
    uint64_t base;
    uint64_t begin;
    uint64_t end;
    Elf64_Phdr *segments;
    size_t segments_len;
    /** Copies. */
    Elf64_Sym *symbols;
    size_t symbols_len;
    char *strings;
    size_t strings_len;
    Elf64_Rela *plt;
    size_t plt_len;
    Elf64_Rela *relocations;
    size_t relocations_len;
};

struct objects {
    /** In the order of loading: the main program first. */
    struct object *all;
    size_t len;
    uint64_t entry;
};

enum objects_found {
    OBJECTS_WELL,
    /** No dynamic linker has loaded anything. */
    OBJECTS_STATIC,
    /** The process changed while it was looked at, or is no such process as we know. */
    OBJECTS_UNCLEAR,
};

enum objects_found objects_read(const struct memory *memory, struct objects *objects);
void objects_free(struct objects *objects);

/** The object that has an address between its segments' ends.  \return NULL: none */
const struct object *objects_find(const struct objects *objects, uint64_t address);

/** The object of a library's own name.  \return NULL: none */
const struct object *objects_by_soname(const struct objects *objects, const char *soname);

/** The function of a name that an object defines.  \return its address, 0 when it has none */
uint64_t object_function(const struct object *object, const char *name);

/** A place that holds the address of a function of another object. */
struct reference {
    const struct object *object;
    const char *name;
    uint64_t at;
};

/**
 * References that calls go through (not function pointers in data), first those of the main
 * program, in the order of \a names; none of objects that define the function themselves.
 *
 * \return how many were written, \a room at most
 */
size_t objects_references(const struct objects *objects, const char *const *names,
                          struct reference *references, size_t room);

#endif
