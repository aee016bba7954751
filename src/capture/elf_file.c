#include "capture/elf_file.h"

#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct section {
    const ElfW(Shdr) * header;
    const unsigned char *bytes;
    size_t len;
};

bool elf_file_open(const char *path, struct elf_file *file)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    void *bytes = MAP_FAILED;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
        (size_t)status.st_size >= sizeof(ElfW(Ehdr)))
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (bytes == MAP_FAILED)
        return false;
    *file = (struct elf_file){bytes, (size_t)status.st_size};
    if (memcmp(bytes, ELFMAG, SELFMAG) == 0 &&
        file->bytes[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return true;
    elf_file_close(file);
    return false;
}

void elf_file_close(struct elf_file *file)
{
    munmap((void *)(uintptr_t)file->bytes, file->len);
}

/** \return whether the section is in the file, whole and as it will be used */
static bool section_at(const struct elf_file *file, size_t index, struct section *section)
{
    const ElfW(Ehdr) *header = (const void *)file->bytes;
    if (index >= header->e_shnum || header->e_shentsize != sizeof(ElfW(Shdr)) ||
        header->e_shoff % sizeof(void *) != 0 || header->e_shoff > file->len ||
        (file->len - header->e_shoff) / sizeof(ElfW(Shdr)) <= index)
        return false;
    section->header = (const ElfW(Shdr) *)(const void *)(file->bytes + header->e_shoff) + index;
    section->bytes = file->bytes + section->header->sh_offset;
    section->len = section->header->sh_size;
    return section->header->sh_type != SHT_NOBITS && section->header->sh_offset <= file->len &&
           section->header->sh_size <= file->len - section->header->sh_offset &&
           (section->header->sh_flags & SHF_COMPRESSED) == 0;
}

/** Whether a text begins at an offset of a section of texts. */
static bool is_text(const struct section *texts, size_t offset, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return offset <= texts->len && texts->len - offset >= bytes &&
           memcmp(texts->bytes + offset, text, bytes) == 0;
}

static enum elf_file_function find_symbol(const struct elf_file *file,
                                          const struct section *section, const char *name)
{
    struct section names;
    if (section->header->sh_offset % sizeof(void *) != 0 ||
        !section_at(file, section->header->sh_link, &names))
        return ELF_FILE_UNKNOWN;
    const ElfW(Sym) *symbols = (const void *)section->bytes;
    enum elf_file_function found = ELF_FILE_UNKNOWN;
    for (size_t i = 0; i < section->len / sizeof(*symbols); i++) {
        if (!is_text(&names, symbols[i].st_name, name))
            continue;
        unsigned type = symbols[i].st_info & 0xF;
        if (symbols[i].st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC))
            return ELF_FILE_OWN;
        found = ELF_FILE_ELSEWHERE;
    }
    return found;
}

static bool is_named(const struct section *texts, const char *text)
{
    size_t bytes = strlen(text) + 1;
    const unsigned char *at = texts->bytes;
    for (;;) {
        size_t left = texts->len - (size_t)(at - texts->bytes);
        at = memmem(at, left, text, bytes);
        if (at == NULL)
            return false;
        if (at == texts->bytes || at[-1] == '\0')
            return true;
        at++;
    }
}

enum elf_file_function elf_file_function(const struct elf_file *file, const char *name)
{
    const ElfW(Ehdr) *header = (const void *)file->bytes;
    struct section names;
    struct section section;
    enum elf_file_function found = ELF_FILE_UNKNOWN;
    bool debug = false;
    bool whole = false;
    if (!section_at(file, header->e_shstrndx, &names))
        return ELF_FILE_UNKNOWN;
    for (size_t i = 0; i < header->e_shnum && found != ELF_FILE_OWN; i++) {
        if (!section_at(file, i, &section))
            continue;
        ElfW(Word) type = section.header->sh_type;
        enum elf_file_function told = ELF_FILE_UNKNOWN;
        if (type == SHT_SYMTAB || type == SHT_DYNSYM)
            told = find_symbol(file, &section, name);
        if (told != ELF_FILE_UNKNOWN)
            found = told;
        whole = whole || type == SHT_SYMTAB;
        debug = debug || (is_text(&names, section.header->sh_name, ".debug_str") &&
                          is_named(&section, name));
    }
    if (found == ELF_FILE_UNKNOWN && debug && whole)
        return ELF_FILE_INLINED;
    return found;
}
