#include "panel/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/session.h"

#define PATH_BYTES 64

/** \return whether the line was of this field; its last number, and whether it is the only one */
static bool last_number(const char *line, const char *field, uint64_t *number, bool *is_only)
{
    if (strncmp(line, field, strlen(field)) != 0)
        return false;
    const char *last = strrchr(line, '\t');
    *number = last == NULL ? 0 : strtoull(last, NULL, 10);
    *is_only = last == strchr(line, '\t');
    return last != NULL;
}

/** \return 0 when it cannot be told */
static uint64_t namespace_of(const char *process, const char *kind)
{
    char path[PATH_BYTES];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%s/ns/%s", process, kind);
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

/** Whether it is in the same namespace as the caller.  \return 1, 0, or -1 when that cannot be told
 */
static int shares(const struct process *process, const char *kind)
{
    char number[16];
    snprintf(number, sizeof(number), "%" PRIu32, process->pid);
    uint64_t theirs = namespace_of(number, kind);
    uint64_t ours = namespace_of("self", kind);
    return theirs == 0 || ours == 0 ? -1 : theirs == ours;
}

/** What its user is called in its user namespace. */
static uid_t name_user(const struct process *process)
{
    char path[PATH_BYTES];
    unsigned long inside;
    unsigned long outside;
    unsigned long count;
    uid_t name = process->user.user;
    snprintf(path, sizeof(path), "/proc/%" PRIu32 "/uid_map", process->pid);
    /* In one's own namespace the file tells of the one around it. */
    FILE *file = shares(process, "user") != 0 ? NULL : fopen(path, "re");
    while (file != NULL && fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)
        if (process->user.user >= outside && process->user.user - outside < count)
            name = (uid_t)(inside + (process->user.user - outside));
    if (file != NULL)
        fclose(file);
    return name;
}

static bool sees_our_files(const struct process *process, const char *root)
{
    struct stat ours;
    struct stat theirs;
    return shares(process, "mnt") > 0 && stat("/", &ours) == 0 && stat(root, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static void find_root(struct process *process)
{
    snprintf(process->root, sizeof(process->root), "/proc/%" PRIu32 "/root", process->pid);
    if (access(process->root, X_OK) != 0 || sees_our_files(process, process->root))
        process->root[0] = '\0';
}

static void find_number(struct process *process, uint64_t number, bool is_only)
{
    struct session_owner self;
    process->identity.pid = (uint32_t)number;
    /* Of a process that others may not look into (PR_SET_DUMPABLE) it was not told. */
    if (!is_only || process->identity.pid_namespace != 0)
        return;
    session_owner_self(&self);
    process->identity.pid_namespace = self.pid_namespace;
}

static bool read_status(struct process *process)
{
    char path[PATH_BYTES];
    char line[512];
    snprintf(path, sizeof(path), "/proc/%" PRIu32 "/status", process->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    uint64_t number;
    bool is_only;
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long id;
        char state;
        if (sscanf(line, "State: %c", &state) == 1)
            process->zombie = state == 'Z' || state == 'X';
        else if (sscanf(line, "Uid: %*u %lu", &id) == 1)
            process->user.user = (uid_t)id;
        else if (sscanf(line, "Gid: %*u %lu", &id) == 1)
            process->group = (gid_t)id;
        else if (last_number(line, "NSpid:", &number, &is_only))
            find_number(process, number, is_only);
        else if (last_number(line, "Seccomp:", &number, &is_only))
            process->confined = number != 0;
    }
    fclose(file);
    return true;
}

static void find_name(struct process *process)
{
    char path[PATH_BYTES];
    char target[PATH_MAX];
    snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", process->pid);
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length <= 0)
        return;
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(process->name, sizeof(process->name), "%.*s", NAME_MAX,
             slash == NULL ? target : slash + 1);
}

bool process_look(uint32_t pid, struct process *process)
{
    memset(process, 0, sizeof(*process));
    process->pid = pid;
    session_owner_of(pid, &process->identity);
    if (!read_status(process))
        return false;
    process->has_other_clocks = shares(process, "time") == 0;
    process->user.name = name_user(process);
    find_root(process);
    find_name(process);
    return true;
}

/** Whether a line of /proc/PID/maps ends with the file's name, or that and a version; the file may
 * be gone since, or have been one in memory alone. */
static bool names(const char *line, const char *file_name)
{
    static const char in_memory[] = "memfd:";
    const char *slash = strrchr(line, '/');
    size_t length = strlen(file_name);
    if (slash == NULL)
        return false;
    const char *name = slash + 1;
    if (strncmp(name, in_memory, sizeof(in_memory) - 1) == 0)
        name += sizeof(in_memory) - 1;
    return strncmp(name, file_name, length) == 0 && strchr("\n .", name[length]) != NULL;
}

struct process_user process_act_as(const struct process *process)
{
    gid_t group = (gid_t)setfsgid(process->group);
    return (struct process_user){(uid_t)setfsuid(process->user.user), group};
}

void process_act_again_as(struct process_user before)
{
    setfsuid(before.user);
    setfsgid(before.group);
}

int process_maps(const struct process *process, const char *file_name)
{
    char path[PATH_BYTES];
    char line[PATH_MAX + 128];
    snprintf(path, sizeof(path), "/proc/%" PRIu32 "/maps", process->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    bool mapped = false;
    while (!mapped && fgets(line, sizeof(line), file) != NULL)
        mapped = names(line, file_name);
    fclose(file);
    return mapped ? 1 : 0;
}
