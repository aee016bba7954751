#include "attach/dynamic_section.h"

#include <stdlib.h>
#include <string.h>

/** No object has more of anything. */
#define ENTRIES_MAX 1024u
#define TABLE_BYTES_MAX ((uint64_t)256 << 20)

/** The GNU C library relocates what the dynamic section points to in place; not in the vDSO. */
static uint64_t pointer(const struct object *object, uint64_t value)
{
    return value < object->base ? object->base + value : value;
}

static void read_entry(const struct object *object, const Elf64_Dyn *entry, struct dynamic *dynamic)
{
    uint64_t value = entry->d_un.d_val;
    switch (entry->d_tag) {
    case DT_SYMTAB:
        dynamic->symbols = pointer(object, value);
        break;
    case DT_STRTAB:
        dynamic->strings = pointer(object, value);
        break;
    case DT_STRSZ:
        dynamic->strings_bytes = value;
        break;
    case DT_HASH:
        dynamic->hash = pointer(object, value);
        break;
    case DT_GNU_HASH:
        dynamic->gnu_hash = pointer(object, value);
        break;
    case DT_JMPREL:
        dynamic->plt = pointer(object, value);
        break;
    case DT_PLTRELSZ:
        dynamic->plt_bytes = value;
        break;
    case DT_RELA:
        dynamic->relocations = pointer(object, value);
        break;
    case DT_RELASZ:
        dynamic->relocations_bytes = value;
        break;
    case DT_SONAME:
        dynamic->soname = value;
        break;
    case DT_DEBUG:
        dynamic->debug = value;
        break;
    default:
        break;
    }
}

bool dynamic_read(const struct memory *memory, const struct object *object, uint64_t at,
                  struct dynamic *dynamic)
{
    *dynamic = (struct dynamic){0};
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        Elf64_Dyn entry;
        if (!memory_read(memory, at + i * sizeof(entry), &entry, sizeof(entry)))
            return false;
        if (entry.d_tag == DT_NULL)
            return true;
        read_entry(object, &entry, dynamic);
    }
    return false;
}

/** \return how many symbols there are as the GNU hash table knows, 0 when it cannot be read */
static uint64_t count_by_gnu_hash(const struct memory *memory, uint64_t at)
{
    uint32_t header[4];
    if (!memory_read(memory, at, header, sizeof(header)) || header[0] > (1u << 26) ||
        header[2] > (1u << 26))
        return 0;
    uint64_t buckets_at = at + sizeof(header) + header[2] * sizeof(uint64_t);
    uint32_t *buckets = memory_copy(memory, buckets_at, header[0] * sizeof(uint32_t));
    uint64_t last = 0;
    for (uint32_t i = 0; buckets != NULL && i < header[0]; i++)
        last = buckets[i] > last ? buckets[i] : last;
    free(buckets);
    /* Without symbols of its own it still has those before the first that is hashed. */
    if (last < header[1])
        return header[1];
    uint64_t chains_at = buckets_at + header[0] * sizeof(uint32_t);
    for (;; last++) {
        uint32_t hash;
        if (last > (1u << 26) || !memory_read(memory, chains_at + (last - header[1]) * sizeof(hash),
                                              &hash, sizeof(hash)))
            return 0;
        if ((hash & 1u) != 0)
            return last + 1;
    }
}

static uint64_t count_symbols(const struct memory *memory, const struct dynamic *dynamic)
{
    uint32_t table[2];
    if (dynamic->hash != 0 && memory_read(memory, dynamic->hash, table, sizeof(table)))
        return table[1];
    return dynamic->gnu_hash == 0 ? 0 : count_by_gnu_hash(memory, dynamic->gnu_hash);
}

static void *copy_table(const struct memory *memory, uint64_t at, uint64_t bytes)
{
    return at == 0 || bytes > TABLE_BYTES_MAX ? NULL : memory_copy(memory, at, bytes);
}

void dynamic_copy_tables(const struct memory *memory, const struct dynamic *dynamic,
                         struct object *object)
{
    object->strings = copy_table(memory, dynamic->strings, dynamic->strings_bytes);
    if (object->strings == NULL)
        return;
    object->strings_len = dynamic->strings_bytes;
    object->strings[object->strings_len - 1] = '\0';
    uint64_t symbols_len = count_symbols(memory, dynamic);
    object->plt = copy_table(memory, dynamic->plt, dynamic->plt_bytes);
    object->plt_len = object->plt == NULL ? 0 : dynamic->plt_bytes / sizeof(Elf64_Rela);
    object->relocations = copy_table(memory, dynamic->relocations, dynamic->relocations_bytes);
    object->relocations_len =
        object->relocations == NULL ? 0 : dynamic->relocations_bytes / sizeof(Elf64_Rela);
    /* Symbols that are only referred to need not be hashed. */
    for (size_t i = 0; i < object->plt_len; i++)
        if (ELF64_R_SYM(object->plt[i].r_info) >= symbols_len)
            symbols_len = ELF64_R_SYM(object->plt[i].r_info) + 1;
    for (size_t i = 0; i < object->relocations_len; i++)
        if (ELF64_R_SYM(object->relocations[i].r_info) >= symbols_len)
            symbols_len = ELF64_R_SYM(object->relocations[i].r_info) + 1;
    object->symbols = copy_table(memory, dynamic->symbols, symbols_len * sizeof(Elf64_Sym));
    object->symbols_len = object->symbols == NULL ? 0 : symbols_len;
    if (dynamic->soname < object->strings_len && dynamic->soname != 0)
        strncpy(object->soname, object->strings + dynamic->soname, OBJECT_NAME_BYTES - 1);
}
