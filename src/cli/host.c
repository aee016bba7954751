#include "config.h"

#include "cli/host.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/** The kernel follows this many interpreters of interpreters. */
#define INTERPRETERS_MAX 5

#if __SIZEOF_POINTER__ == 8
#define OWN_CLASS ELFCLASS64
#define OTHER_CLASS_TEXT "it is not a 64-bit program"
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#else
#define OWN_CLASS ELFCLASS32
#define OTHER_CLASS_TEXT "it is not a 32-bit program"
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#endif

static int executable(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return EISDIR;
    }
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int host_find(const char *command, char path[PATH_MAX])
{
    if (strchr(command, '/') != NULL) {
        snprintf(path, PATH_MAX, "%s", command);
        return executable(command);
    }
    const char *folders = getenv("PATH");
    if (folders == NULL) {
        folders = "/bin:/usr/bin";
    }
    int result = ENOENT;
    for (const char *folder = folders; *command != '\0'; folder++) {
        size_t length = strcspn(folder, ":");
        int size = snprintf(path, PATH_MAX, "%.*s/%s", length > 0 ? (int)length : 1,
                            length > 0 ? folder : ".", command);
        int error = size < PATH_MAX ? executable(path) : ENOENT;
        if (error == 0) {
            return 0;
        }
        if (error == EACCES) {
            result = EACCES;
        }
        folder += length;
        if (*folder == '\0') {
            break;
        }
    }
    return result;
}

/** Put the interpreter of a "#!" line into path. \return false when there is none */
static bool script_interpreter(const char *start, size_t size, char path[PATH_MAX])
{
    if (size < 2 || memcmp(start, "#!", 2) != 0) {
        return false;
    }
    char line[PATH_MAX];
    snprintf(line, sizeof(line), "%.*s", (int)(size - 2), start + 2);
    line[strcspn(line, "\n")] = '\0';
    const char *name = line + strspn(line, " \t");
    snprintf(path, PATH_MAX, "%.*s", (int)strcspn(name, " \t"), name);
    return true;
}

static bool has_interpreter_segment(int descriptor, const elf_header *header)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        elf_segment segment;
        off_t offset = (off_t)(header->e_phoff + (size_t)i * header->e_phentsize);
        if (pread(descriptor, &segment, sizeof(segment), offset) != (ssize_t)sizeof(segment)) {
            break;
        }
        if (segment.p_type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

/** Whether the kernel starts it in secure mode, in which the loader ignores LD_PRELOAD. */
static const char *privileges(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return NULL;
    }
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid()) {
        return "it is a setuid program, and the system preloads nothing into one";
    }
    if ((status.st_mode & S_ISGID) != 0 && status.st_gid != getgid()) {
        return "it is a setgid program, and the system preloads nothing into one";
    }
    if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0) {
        return "it is a program with file capabilities, and the system preloads nothing into one";
    }
    return NULL;
}

/** Judge a program, or put the interpreter of a script into \a path. */
static const char *judge(char path[PATH_MAX], bool *is_script)
{
    union {
        char text[PATH_MAX];
        elf_header header;
    } start;
    *is_script = false;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        // Nobody but the kernel may read it, so it is no script.
        return privileges(path);
    }
    ssize_t size = pread(descriptor, &start, sizeof(start), 0);
    bool is_elf =
        size >= (ssize_t)sizeof(start.header) && memcmp(start.header.e_ident, ELFMAG, SELFMAG) == 0;
    bool is_dynamic = is_elf && has_interpreter_segment(descriptor, &start.header);
    close(descriptor);
    if (!is_elf) {
        *is_script = size > 0 && script_interpreter(start.text, (size_t)size, path);
        return NULL;
    }
    if (start.header.e_ident[EI_CLASS] != OWN_CLASS) {
        return OTHER_CLASS_TEXT;
    }
    return is_dynamic ? privileges(path) : "it is a static binary, which loads no library";
}

const char *host_refuses_preload(const char *path)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%s", path);
    bool is_script = true;
    const char *reason = NULL;
    for (int i = 0; i < INTERPRETERS_MAX && is_script; i++) {
        reason = judge(name, &is_script);
    }
    return reason;
}
