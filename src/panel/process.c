#include "panel/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/session.h"

#define PATH_BYTES 64

/** \return whether the line was of this field; the last number of the line */
static bool last_number(const char *line, const char *field, uint64_t *number)
{
    if (strncmp(line, field, strlen(field)) != 0)
        return false;
    const char *last = strrchr(line, '\t');
    *number = last == NULL ? 0 : strtoull(last, NULL, 10);
    return last != NULL;
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
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long user;
        char state;
        if (sscanf(line, "State: %c", &state) == 1)
            process->zombie = state == 'Z' || state == 'X';
        else if (sscanf(line, "Uid: %*u %lu", &user) == 1)
            process->user = (uid_t)user;
        else if (last_number(line, "NSpid:", &number))
            process->identity.pid = (uint32_t)number;
        else if (last_number(line, "Seccomp:", &number))
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
    snprintf(process->root, sizeof(process->root), "/proc/%" PRIu32 "/root", pid);
    if (access(process->root, X_OK) != 0)
        process->root[0] = '\0';
    find_name(process);
    return true;
}

/** Whether a line of /proc/PID/maps ends with the file's name; the file may be gone since. */
static bool names(const char *line, const char *file_name)
{
    const char *slash = strrchr(line, '/');
    size_t length = strlen(file_name);
    return slash != NULL && strncmp(slash + 1, file_name, length) == 0 &&
           (slash[1 + length] == '\n' || slash[1 + length] == ' ');
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
