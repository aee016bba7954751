#include "panel/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"
#include "panel/panel.h"
#include "panel/root.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define OTHERS 077
/** "PID-NAMESPACE", and with MAKER and more twice that. */
#define NAME_BYTES 40

/** Memory first: a page of a file on a disk would be written back every 30 seconds. */
static const char *const parents[PANEL_FOLDERS] = {"/dev/shm", "/tmp"};

int panel_folder_open(const char *root, unsigned which, const struct panel_user *user, bool make)
{
    char name[NAME_BYTES];
    int folder = -1;
    struct stat status;
    snprintf(name, sizeof(name), "vrrl-%ju", (uintmax_t)user->name);
    int parent = root_open(root, parents[which], O_PATH | O_DIRECTORY);
    if (parent < 0)
        return -1;
    if (!make || mkdirat(parent, name, FOLDER_MODE) == 0 || errno == EEXIST)
        folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int saved = errno;
    if (folder >= 0 && (fstat(folder, &status) != 0 || status.st_uid != user->user ||
                        (status.st_mode & OTHERS) != 0)) {
        saved = EEXIST;
        close(folder);
        folder = -1;
    }
    close(parent);
    errno = saved;
    return folder;
}

static void name_of(const struct session_owner *process, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%" PRIu32 "-%" PRIu64, process->pid, process->pid_namespace);
}

static void name_unfinished(const struct session_owner *process, uint32_t maker,
                            char name[2 * NAME_BYTES])
{
    char finished[NAME_BYTES];
    name_of(process, finished);
    snprintf(name, 2 * NAME_BYTES, "%s.%" PRIu32 ".unfinished", finished, maker);
}

bool panel_file_parse(const char *name, struct session_owner *process, uint32_t *maker)
{
    char unfinished[2 * NAME_BYTES];
    int length = 0;
    *process = (struct session_owner){0};
    *maker = 0;
    if (sscanf(name, "%" SCNu32 "-%" SCNu64 "%n", &process->pid, &process->pid_namespace,
               &length) != 2)
        return false;
    if (name[length] == '.' && sscanf(name + length, ".%" SCNu32, maker) != 1)
        return false;
    name_of(process, unfinished);
    if (*maker != 0)
        name_unfinished(process, *maker, unfinished);
    return strcmp(name, unfinished) == 0;
}

int panel_file_open(int folder, const struct session_owner *process, uid_t user)
{
    char name[NAME_BYTES];
    struct stat status;
    name_of(process, name);
    /* One that is no plain file must not keep whoever opens it waiting. */
    int file = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file >= 0 &&
        (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != user ||
         (status.st_mode & OTHERS) != 0 || status.st_size != PANEL_BYTES)) {
        close(file);
        return -1;
    }
    return file;
}

int panel_file_make(int folder, const struct session_owner *process, const void *panel)
{
    char name[NAME_BYTES];
    char unfinished[2 * NAME_BYTES];
    name_of(process, name);
    /* The command may prepare one while its process makes it. */
    name_unfinished(process, (uint32_t)getpid(), unfinished);
    unlinkat(folder, unfinished, 0);
    int file =
        openat(folder, unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    if (file < 0)
        return -1;
    bool made = log_allocate(file, PANEL_BYTES) == 0 &&
                pwrite(file, panel, PANEL_BYTES, 0) == (ssize_t)PANEL_BYTES &&
                linkat(folder, unfinished, folder, name, 0) == 0;
    int saved = errno;
    unlinkat(folder, unfinished, 0);
    if (!made) {
        close(file);
        file = -1;
    }
    errno = saved;
    return file;
}

void panel_file_remove(int folder, const struct session_owner *process)
{
    char name[NAME_BYTES];
    name_of(process, name);
    unlinkat(folder, name, 0);
}
