#include "panel/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"
#include "panel/panel.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define OTHERS 077
#define NAME_BYTES 32

/** Memory first: a page of a file on a disk would be written back every 30 seconds. */
static const char *const parents[PANEL_FOLDERS] = {"/dev/shm", "/tmp"};

int panel_folder_open(const char *root, unsigned which, uid_t user, bool make)
{
    char path[PATH_MAX];
    int length =
        snprintf(path, sizeof(path), "%s%s/vrrl-%ju", root, parents[which], (uintmax_t)user);
    if (length < 0 || length >= (int)sizeof(path))
        return -1;
    if (make && mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        return -1;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (folder >= 0 &&
        (fstat(folder, &status) != 0 || status.st_uid != user || (status.st_mode & OTHERS) != 0)) {
        close(folder);
        return -1;
    }
    return folder;
}

static void name_of(uint32_t pid, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%" PRIu32, pid);
}

int panel_file_open(int folder, uint32_t pid, uid_t user)
{
    char name[NAME_BYTES];
    struct stat status;
    name_of(pid, name);
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

int panel_file_make(int folder, uint32_t pid, const void *panel)
{
    char name[NAME_BYTES];
    char unfinished[2 * NAME_BYTES];
    name_of(pid, name);
    /* The command may prepare one while its process makes it. */
    snprintf(unfinished, sizeof(unfinished), "%s.%ld.unfinished", name, (long)getpid());
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

void panel_file_remove(int folder, uint32_t pid)
{
    char name[NAME_BYTES];
    name_of(pid, name);
    unlinkat(folder, name, 0);
}
