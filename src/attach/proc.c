#include "attach/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_BYTES 16384u

/** \return 1 when there is no more, 0 when there may be, -1 with errno */
static int read_more(int file, char **text, size_t *used, size_t *room)
{
    if (*room - *used < 2) {
        char *more = realloc(*text, *room * 2);
        if (more == NULL)
            return -1;
        *text = more;
        *room *= 2;
    }
    ssize_t got = read(file, *text + *used, *room - *used - 1);
    if (got < 0)
        return errno == EINTR ? 0 : -1;
    *used += (size_t)got;
    return got == 0;
}

char *proc_read(pid_t pid, const char *name, size_t *bytes)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    size_t used = 0;
    size_t room = FIRST_BYTES;
    char *text = malloc(room);
    int ended = text == NULL ? -1 : 0;
    while (ended == 0)
        ended = read_more(file, &text, &used, &room);
    int saved = errno;
    close(file);
    if (ended < 0) {
        free(text);
        errno = saved;
        return NULL;
    }
    text[used] = '\0';
    if (bytes != NULL)
        *bytes = used;
    return text;
}

bool proc_number(const char *text, const char *name, int base, uint64_t *number)
{
    size_t length = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) != 0 || line[length] != ':')
            continue;
        char *end;
        *number = strtoull(line + length + 1, &end, base);
        return end != line + length + 1;
    }
    return false;
}
