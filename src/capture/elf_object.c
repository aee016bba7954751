#include "capture/elf_object.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define RELOCATION_PLT R_X86_64_JUMP_SLOT
#define RELOCATION_GOT R_X86_64_GLOB_DAT
#define RELOCATION_DATA R_X86_64_64
#define RELOCATION_OWN R_X86_64_RELATIVE
#elif defined(__aarch64__)
#define RELOCATION_PLT R_AARCH64_JUMP_SLOT
#define RELOCATION_GOT R_AARCH64_GLOB_DAT
#define RELOCATION_DATA R_AARCH64_ABS64
#define RELOCATION_OWN R_AARCH64_RELATIVE
#else
#error "references are known on x86-64 and AArch64"
#endif

/** For what runs before a sanitizer that the shim was built with is ready. */
#define EARLY __attribute__((no_sanitize("address", "undefined", "thread")))

EARLY static bool is_same(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

/** The GNU C library relocates what the dynamic section points to in place; not in the vDSO. */
EARLY static const void *pointer_of(const struct elf_object *object, const ElfW(Dyn) * entry)
{
    uintptr_t value = entry->d_un.d_ptr;
    return (const void *)(value < object->base ? object->base + value : value);
}

EARLY static void read_dynamic(struct elf_object *object)
{
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:
            object->symbols = pointer_of(object, entry);
            break;
        case DT_STRTAB:
            object->strings = pointer_of(object, entry);
            break;
        case DT_GNU_HASH:
            object->gnu_hash = pointer_of(object, entry);
            break;
        case DT_HASH:
            object->hash = pointer_of(object, entry);
            break;
        case DT_RELA:
            object->relocations = pointer_of(object, entry);
            break;
        case DT_RELASZ:
            object->relocations_len = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_JMPREL:
            object->plt = pointer_of(object, entry);
            break;
        case DT_PLTRELSZ:
            object->plt_len = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
}

EARLY bool elf_object_at(uintptr_t base, const ElfW(Dyn) * dynamic, struct elf_object *object)
{
    *object = (struct elf_object){.base = base, .dynamic = dynamic};
    read_dynamic(object);
    return object->symbols != NULL && object->strings != NULL;
}

bool elf_object_of(const struct dl_phdr_info *info, struct elf_object *object)
{
    *object =
        (struct elf_object){.name = info->dlpi_name, .base = info->dlpi_addr, .begin = UINTPTR_MAX};
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment->p_vaddr;
        uintptr_t end = begin + segment->p_memsz;
        if (segment->p_type == PT_DYNAMIC)
            object->dynamic = (const ElfW(Dyn) *)begin;
        if (segment->p_type == PT_GNU_RELRO) {
            object->relro_begin = begin;
            object->relro_end = end;
        }
        if (segment->p_type == PT_LOAD) {
            object->begin = begin < object->begin ? begin : object->begin;
            object->end = end > object->end ? end : object->end;
        }
    }
    if (object->dynamic == NULL)
        return false;
    read_dynamic(object);
    return object->symbols != NULL && object->strings != NULL;
}

EARLY static bool is_function(const struct elf_object *object, uint32_t index, const char *name)
{
    const ElfW(Sym) *symbol = &object->symbols[index];
    unsigned type = symbol->st_info & 0xF;
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
           (type == STT_FUNC || type == STT_NOTYPE) &&
           is_same(object->strings + symbol->st_name, name);
}

EARLY static void *address_of(const struct elf_object *object, uint32_t index)
{
    return (void *)(object->base + object->symbols[index].st_value);
}

EARLY static uint32_t gnu_hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++)
        hash = hash * 33 + *at;
    return hash;
}

/** Header of four words, Bloom filter, buckets, and chains whose last hash is odd. */
EARLY static void *find_by_gnu_hash(const struct elf_object *object, const char *name)
{
    const uint32_t *table = object->gnu_hash;
    uint32_t buckets_len = table[0];
    uint32_t first = table[1];
    const ElfW(Addr) *bloom = (const ElfW(Addr) *)(const void *)&table[4];
    const uint32_t *buckets = (const uint32_t *)(const void *)&bloom[table[2]];
    const uint32_t *chains = buckets + buckets_len;
    if (buckets_len == 0)
        return NULL;
    uint32_t hash = gnu_hash_of(name);
    uint32_t index = buckets[hash % buckets_len];
    if (index < first)
        return NULL;
    for (;; index++) {
        uint32_t other = chains[index - first];
        if ((other | 1u) == (hash | 1u) && is_function(object, index, name))
            return address_of(object, index);
        if ((other & 1u) != 0)
            return NULL;
    }
}

EARLY void *elf_find(const struct elf_object *object, const char *name)
{
    if (object->gnu_hash != NULL)
        return find_by_gnu_hash(object, name);
    for (uint32_t index = 0; object->hash != NULL && index < object->hash[1]; index++)
        if (is_function(object, index, name))
            return address_of(object, index);
    return NULL;
}

bool elf_needs(const struct elf_object *object, const char *soname)
{
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_NEEDED && strcmp(object->strings + entry->d_un.d_val, soname) == 0)
            return true;
    return false;
}

const char *elf_soname(const struct elf_object *object)
{
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_SONAME)
            return object->strings + entry->d_un.d_val;
    return NULL;
}

static bool look_at(const struct elf_object *object, const ElfW(Rela) * relocations, size_t len,
                    bool (*look)(const struct elf_reference *, void *), void *looker)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t type = (uint32_t)ELF64_R_TYPE(relocations[i].r_info);
        uint32_t index = (uint32_t)ELF64_R_SYM(relocations[i].r_info);
        bool of_function = type == RELOCATION_PLT || type == RELOCATION_GOT ||
                           (type == RELOCATION_DATA && relocations[i].r_addend == 0);
        bool own = type == RELOCATION_OWN;
        if (!own && (!of_function || index == 0))
            continue;
        const struct elf_reference reference = {
            .name = own ? NULL : object->strings + object->symbols[index].st_name,
            .at = (void **)(object->base + relocations[i].r_offset),
        };
        if (!look(&reference, looker))
            return false;
    }
    return true;
}

void elf_for_each_reference(const struct elf_object *object,
                            bool (*look)(const struct elf_reference *reference, void *looker),
                            void *looker)
{
    if (look_at(object, object->plt, object->plt_len, look, looker))
        look_at(object, object->relocations, object->relocations_len, look, looker);
}

bool elf_point(const struct elf_object *object, const struct elf_reference *reference,
               void *address)
{
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t at = (uintptr_t)reference->at;
    bool read_only = at >= object->relro_begin && at < (object->relro_end & ~(page_bytes - 1));
    void *page = (void *)(at & ~(page_bytes - 1));
    if (read_only && mprotect(page, page_bytes, PROT_READ | PROT_WRITE) != 0)
        return false;
    __atomic_store_n(reference->at, address, __ATOMIC_RELEASE);
    if (read_only)
        mprotect(page, page_bytes, PROT_READ);
    return true;
}
