/**
 * \file dynamic_section.h
 * \brief The dynamic section of an object in another process, and the tables that it points to.
 */
#ifndef VRRL_ATTACH_DYNAMIC_SECTION_H
#define VRRL_ATTACH_DYNAMIC_SECTION_H

#include "attach/memory.h"
#include "attach/objects.h"

/** What the dynamic section says that is of interest. */
struct dynamic {
    uint64_t symbols;
    uint64_t strings;
    uint64_t strings_bytes;
    uint64_t hash;
    uint64_t gnu_hash;
    uint64_t plt;
    uint64_t plt_bytes;
    uint64_t relocations;
    uint64_t relocations_bytes;
    uint64_t soname;
    uint64_t debug;
};

/** Read the section that lies at an address.  \return false when it has no end */
bool dynamic_read(const struct memory *memory, const struct object *object, uint64_t at,
                  struct dynamic *dynamic);

/** Copy symbols, strings and references, as far as they can be read, and the library's own name. */
void dynamic_copy_tables(const struct memory *memory, const struct dynamic *dynamic,
                         struct object *object);

#endif
