/**
 * \file elf_file.h
 * \brief What an ELF file on disk tells of a function that the loaded object does not.
 */
#ifndef VRRL_CAPTURE_ELF_FILE_H
#define VRRL_CAPTURE_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>

/** A file of this machine's class, mapped to be read. */
struct elf_file {
    const unsigned char *bytes;
    size_t len;
};

/** \return false when it cannot be read, or is no such file */
bool elf_file_open(const char *path, struct elf_file *file);
void elf_file_close(struct elf_file *file);

enum elf_file_function {
    /** Nothing tells of it. */
    ELF_FILE_UNKNOWN,
    /** Another file defines it. */
    ELF_FILE_ELSEWHERE,
    /** The file defines it, exported or not. */
    ELF_FILE_OWN,
    /** Debug information names it, and no symbol does: most often all its calls were inlined. */
    ELF_FILE_INLINED,
};

/** Which of these a function is.  Damaged files are read as far as they are sound. */
enum elf_file_function elf_file_function(const struct elf_file *file, const char *name);

#endif
