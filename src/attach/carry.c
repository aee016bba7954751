#include "attach/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "panel/panel.h"
#include "panel/process.h"
#include "panel/root.h"

/** How the kernel shows such a file. */
#define IN_MEMORY "/memfd:" PANEL_SHIM
/** Part of it is not shown in some mounts of /proc, in which the shim would not know itself. */
#define PROC_FILE "/proc/sys/kernel/random/boot_id"

/** The shim finds itself in /proc, and the file in memory is opened there. */
static bool check_proc(const struct process *process, struct attach_error *error)
{
    struct statfs system;
    int file = root_open(process->root, PROC_FILE, O_PATH);
    bool is_there = file >= 0 && fstatfs(file, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
    int saved = errno;
    if (file >= 0)
        close(file);
    if (is_there)
        return true;
    if (saved == ENOSYS)
        target_fail(error, (pid_t)process->pid,
                    "it has another root folder or other mounts, and this kernel cannot open what "
                    "it sees there (openat2). Fix: use Linux 5.6 or newer, or run vrrl in there.");
    else
        target_fail(
            error, (pid_t)process->pid,
            "it has another root folder or other mounts, with no whole /proc among them, by "
            "which the shim is handed to it. Fix: mount one in there, e.g. by 'nsenter -t "
            "%d -m mount -t proc proc /proc'.",
            (int)process->pid);
    return false;
}

bool carry_look(pid_t pid, const char *shim, bool *is_needed, struct attach_error *error)
{
    struct process process;
    struct stat ours;
    struct stat theirs;
    *is_needed = false;
    if (stat(shim, &ours) != 0) {
        target_fail(error, pid,
                    "the shim %s cannot be read: %s. Fix: install vrrl with 'make install'.", shim,
                    strerror(errno));
        return false;
    }
    /* That it is gone is told later. */
    if (!process_look((uint32_t)pid, &process) || process.root[0] == '\0')
        return true;
    if (!check_proc(&process, error))
        return false;
    int file = root_open(process.root, shim, O_PATH);
    *is_needed = file < 0 || fstat(file, &theirs) != 0 || ours.st_dev != theirs.st_dev ||
                 ours.st_ino != theirs.st_ino;
    if (file >= 0)
        close(file);
    return true;
}

/** The file that the stub made, and nothing else that the process has under such a number: a thread
 *  can have descriptors of its own. */
static int open_made(pid_t pid, int32_t number)
{
    char path[48];
    char name[sizeof(IN_MEMORY)];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, (int)number);
    if (readlink(path, name, sizeof(name)) != (ssize_t)sizeof(name) ||
        memcmp(name, IN_MEMORY " ", sizeof(name)) != 0)
        return -1;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file >= 0 && (fstat(file, &status) != 0 || status.st_size != 0)) {
        close(file);
        file = -1;
    }
    return file;
}

static bool copy(int from, int to)
{
    struct stat status;
    if (fstat(from, &status) != 0)
        return false;
    off_t done = 0;
    while (done < status.st_size)
        if (sendfile(to, from, &done, (size_t)(status.st_size - done)) <= 0)
            return false;
    return true;
}

bool carry_fill(const struct injection *injection, const struct stub_words *words)
{
    const struct memory *memory = &injection->target->memory;
    char path[STUB_FILE_PATH_BYTES] = "";
    /* Not as the job would write it: the dynamic linker takes a path that it knows for the library
     * that it knows. */
    snprintf(path, sizeof(path), "/proc/./self/fd/%d", (int)words->file);
    int from = open(injection->shim, O_RDONLY | O_CLOEXEC);
    int to = from < 0 ? -1 : open_made(injection->target->pid, words->file);
    bool filled = to >= 0 && copy(from, to) &&
                  memory_write(memory, injection->place.words + offsetof(struct stub_words, path),
                               path, sizeof(path));
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    return filled;
}

const char *carry_fault(const struct stub_words *words)
{
    if (words->file < 0)
        return strerror(-words->file);
    return words->error == 0 ? "it was not filled in time" : NULL;
}
