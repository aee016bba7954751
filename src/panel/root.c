#include "panel/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int root_open(const char *root, const char *path, int flags)
{
    const struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                                 .resolve = RESOLVE_IN_ROOT};
    if (root[0] == '\0')
        return open(path, flags | O_CLOEXEC);
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int file = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
    int saved = errno;
    close(folder);
    errno = saved;
    return file;
}

int root_reach(const char *root, const char *path, char here[PATH_MAX])
{
    char folder_path[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || strlen(path) >= sizeof(folder_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(folder_path, sizeof(folder_path), "%.*s", (int)(slash - path + 1), path);
    int folder = root_open(root, folder_path, O_PATH | O_DIRECTORY);
    if (folder >= 0 && snprintf(here, PATH_MAX, "/proc/self/fd/%d%s", folder, slash) >= PATH_MAX) {
        close(folder);
        errno = ENAMETOOLONG;
        folder = -1;
    }
    return folder;
}
