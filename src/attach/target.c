#include "attach/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/carry.h"
#include "attach/filters.h"
#include "attach/proc.h"
#include "panel/panel.h"

/** In /proc/PID/stat (PF_KTHREAD). */
#define KERNEL_THREAD 0x00200000u
/** The dynamic linker may be at work: it is looked at again, so many times, each 2 ms later. */
#define LOOKS 100

void target_fail(struct attach_error *error, pid_t pid, const char *format, ...)
{
    char text[sizeof(error->text) - 32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(error->text, sizeof(error->text), "process %d: %s", (int)pid, text);
}

static void read_restrictions(struct restrictions *restrictions)
{
    *restrictions = (struct restrictions){.yama_scope = -1};
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    if (file != NULL && fscanf(file, "%d", &restrictions->yama_scope) != 1)
        restrictions->yama_scope = -1;
    if (file != NULL)
        fclose(file);
    file = fopen("/sys/kernel/security/lockdown", "re");
    if (file != NULL && fgets(restrictions->lockdown, sizeof(restrictions->lockdown), file) != NULL)
        restrictions->lockdown[strcspn(restrictions->lockdown, "\n")] = '\0';
    if (file != NULL)
        fclose(file);
}

void target_explain_denial(pid_t pid, const struct restrictions *restrictions,
                           struct attach_error *error)
{
    const char *lockdown = restrictions->lockdown;
    bool locked = lockdown[0] != '\0' && strstr(lockdown, "[none]") == NULL;
    if (restrictions->yama_scope >= 3)
        target_fail(error, pid,
                    "no process may be traced on this machine "
                    "(kernel.yama.ptrace_scope is 3, until the next boot). Fix: boot "
                    "with a lower value, or start the job with 'vrrl record'.");
    else if (restrictions->yama_scope > 0)
        target_fail(error, pid,
                    "this user may not trace it (kernel.yama.ptrace_scope is %d). Fix: run vrrl as "
                    "root, or 'sysctl kernel.yama.ptrace_scope=0'.",
                    restrictions->yama_scope);
    else
        target_fail(error, pid,
                    "this user may not trace it: its capabilities, a security module%s%s%s or the "
                    "container forbids it. Fix: run vrrl as root, or in the container with "
                    "CAP_SYS_PTRACE.",
                    locked ? ", the kernel's lockdown (" : "", locked ? lockdown : "",
                    locked ? ")" : "");
}

static bool fail_denied(pid_t pid, struct attach_error *error)
{
    struct restrictions restrictions;
    read_restrictions(&restrictions);
    target_explain_denial(pid, &restrictions, error);
    return false;
}

/** The letter of its state and its flags, which stand behind its name. */
static bool read_state(pid_t pid, char *state, unsigned *flags)
{
    char *text = proc_read(pid, "stat", NULL);
    const char *behind = text == NULL ? NULL : strrchr(text, ')');
    bool read =
        behind != NULL && sscanf(behind + 1, " %c %*d %*d %*d %*d %*d %u", state, flags) == 2;
    free(text);
    return read;
}

/** What every process tells everybody. */
static bool check_status(pid_t pid, struct attach_error *error)
{
    char state;
    unsigned flags;
    uint64_t group = 0;
    uint64_t user = 0;
    uint64_t tracer = 0;
    uint64_t seccomp = 0;
    char *status = proc_read(pid, "status", NULL);
    if (status == NULL || !read_state(pid, &state, &flags)) {
        target_fail(error, pid,
                    "there is no such process. Fix: see 'vrrl ps' for those there are.");
        free(status);
        return false;
    }
    proc_number(status, "Tgid", 10, &group);
    proc_number(status, "Uid", 10, &user);
    proc_number(status, "TracerPid", 10, &tracer);
    proc_number(status, "Seccomp", 10, &seccomp);
    free(status);
    if (group != (uint64_t)pid)
        target_fail(error, pid, "it is a thread of process %d. Fix: give that number.", (int)group);
    else if ((flags & KERNEL_THREAD) != 0)
        target_fail(error, pid, "it is a thread of the kernel. Fix: give the number of a program.");
    else if (state == 'Z' || state == 'X')
        target_fail(error, pid,
                    "it has ended and only waits for its parent (a zombie). Fix: give "
                    "the number of a process that runs.");
    else if (geteuid() != 0 && user != geteuid())
        target_fail(error, pid,
                    "it is another user's (uid %d). Fix: run vrrl as that user or as "
                    "root.",
                    (int)user);
    else if (tracer != 0)
        target_fail(error, pid,
                    "process %d traces it already. Fix: end that debugger or tracer, "
                    "then try again.",
                    (int)tracer);
    else if (seccomp == 1)
        target_fail(error, pid,
                    "it forbade itself to open files (strict seccomp). Fix: start the "
                    "job with 'vrrl record'.");
    else if (pid == getpid())
        target_fail(error, pid, "it is vrrl itself. Fix: give the number of another.");
    else
        return true;
    return false;
}

/** The files of a process that is not dumpable are root's, though its folder is not. */
static bool check_dumpable(pid_t pid, struct attach_error *error)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    if (geteuid() == 0 || stat(path, &status) != 0 || status.st_uid == geteuid())
        return true;
    target_fail(error, pid,
                "it is setuid, has capabilities or made itself undumpable, so that only "
                "root may look into it. Fix: run vrrl as root.");
    return false;
}

static bool check_interpreter(pid_t pid, int file, const Elf64_Phdr *segment,
                              struct attach_error *error)
{
    char interpreter[PATH_MAX];
    size_t bytes = segment->p_filesz < sizeof(interpreter) ? segment->p_filesz : 0;
    if (bytes == 0 || pread(file, interpreter, bytes, (off_t)segment->p_offset) != (ssize_t)bytes)
        bytes = 1;
    interpreter[bytes - 1] = '\0';
    if (strstr(interpreter, "ld-musl") == NULL)
        return true;
    target_fail(error, pid,
                "it runs on musl, another C library than the shim's (%s). Fix: run a "
                "build of the job for the GNU C library.",
                interpreter);
    return false;
}

static bool check_segments(pid_t pid, int file, const Elf64_Ehdr *header,
                           struct attach_error *error)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        if (pread(file, &segment, sizeof(segment),
                  (off_t)(header->e_phoff + i * sizeof(segment))) != (ssize_t)sizeof(segment))
            break;
        if (segment.p_type == PT_INTERP)
            return check_interpreter(pid, file, &segment, error);
    }
    target_fail(error, pid,
                "it is a static binary, which loads no library. Fix: link the job "
                "dynamically.");
    return false;
}

static bool check_header(pid_t pid, int file, struct attach_error *error)
{
    Elf64_Ehdr header;
    if (pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64) {
        target_fail(error, pid,
                    "it is no 64-bit program. Fix: give a process of this machine's own "
                    "kind, " ATTACH_MACHINE_NAME ".");
        return false;
    }
    if (header.e_machine != ATTACH_MACHINE) {
        target_fail(error, pid,
                    "it is for another processor (ELF machine %d). Fix: give a process "
                    "of this machine's own kind, " ATTACH_MACHINE_NAME ".",
                    header.e_machine);
        return false;
    }
    return check_segments(pid, file, &header, error);
}

static bool check_program(pid_t pid, struct attach_error *error)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fail_denied(pid, error);
    bool checked = check_header(pid, file, error);
    close(file);
    return checked;
}

static bool check_room_for_names(const char *shim, pid_t pid, struct attach_error *error)
{
    if (shim[0] == '/' && strlen(shim) < PATH_MAX)
        return true;
    target_fail(error, pid, "%s is no absolute path of a shim. Fix: give one.", shim);
    return false;
}

static bool read_objects(struct target *target, struct attach_error *error)
{
    enum objects_found found = OBJECTS_UNCLEAR;
    for (int i = 0; i < LOOKS && found == OBJECTS_UNCLEAR; i++) {
        if (i > 0)
            usleep(2000);
        found = objects_read(&target->memory, &target->objects);
    }
    if (found == OBJECTS_STATIC)
        target_fail(error, target->pid,
                    "it is a static binary, which loads no library. Fix: link "
                    "the job dynamically.");
    else if (found == OBJECTS_UNCLEAR)
        target_fail(error, target->pid,
                    "what it has loaded cannot be told: it is still starting, "
                    "ending or becoming another program. Fix: try again.");
    return found == OBJECTS_WELL;
}

static uint64_t function_of(const struct target *target, const char *name)
{
    uint64_t address = object_function(target->libc, name);
    const struct object *other = objects_by_soname(&target->objects, "libdl.so.2");
    return address != 0 || other == NULL ? address : object_function(other, name);
}

static bool find_functions(struct target *target, struct attach_error *error)
{
    target->libc = objects_by_soname(&target->objects, "libc.so.6");
    if (target->libc == NULL) {
        target_fail(error, target->pid,
                    "it has no GNU C library (libc.so.6). Fix: run a build of "
                    "the job for it.");
        return false;
    }
    target->dlopen = function_of(target, "dlopen");
    target->dlerror = function_of(target, "dlerror");
    target->dlsym = function_of(target, "dlsym");
    target->errno_location = function_of(target, "__errno_location");
    if (target->dlopen == 0 || target->dlsym == 0 || target->errno_location == 0) {
        target_fail(error, target->pid,
                    "its C library has no dlopen() (before glibc 2.34 it is in "
                    "libdl.so.2). Fix: link the job with -ldl.");
        return false;
    }
    return true;
}

static bool look(struct target *target, struct attach_error *error)
{
    if (!mappings_read(target->pid, &target->mappings)) {
        target_fail(error, target->pid, "it has just ended. Fix: give a process that runs.");
        return false;
    }
    if (!read_objects(target, error) || !find_functions(target, error))
        return false;
    for (size_t i = 0; i < target->objects.len; i++)
        if (strcmp(target->objects.all[i].soname, PANEL_SHIM) == 0)
            target->shim = &target->objects.all[i];
    return true;
}

bool target_open(pid_t pid, const char *shim, struct target *target, struct attach_error *error)
{
    *target = (struct target){.pid = pid, .memory = {.file = -1}};
    if (!check_status(pid, error) || !check_dumpable(pid, error) || !check_program(pid, error) ||
        !check_room_for_names(shim, pid, error) ||
        !carry_look(pid, shim, &target->needs_carrying, error))
        return false;
    if (!memory_open(pid, &target->memory))
        return fail_denied(pid, error);
    if (filters_check(pid, error) && look(target, error))
        return true;
    target_close(target);
    return false;
}

void target_close(struct target *target)
{
    memory_close(&target->memory);
    mappings_free(&target->mappings);
    objects_free(&target->objects);
}

bool target_look_again(struct target *target)
{
    mappings_free(&target->mappings);
    return mappings_read(target->pid, &target->mappings);
}
