#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/session.h"

/** Fields of /proc/PID/stat between the command's closing parenthesis and the start time. */
#define FIELDS_TO_START_TIME 20
/** "/proc/PID" */
#define FOLDER_BYTES 32

static size_t read_text(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t got = read(file, text, size - 1);
    close(file);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

/** \param process  its folder in /proc
 *  \return 0 when there is no such process, or it is a zombie */
static uint64_t start_time_of(const char *process)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof(path), "%s/stat", process);
    if (read_text(path, text, sizeof(text)) == 0)
        return 0;
    /* The command's name may hold blanks and parentheses. */
    const char *field = strrchr(text, ')');
    if (field == NULL || field[1] != ' ' || field[2] == 'Z' || field[2] == 'X')
        return 0;
    for (int i = 0; i < FIELDS_TO_START_TIME && field != NULL; i++)
        field = strchr(field + 1, ' ');
    return field == NULL ? 0 : strtoull(field + 1, NULL, 10);
}

static void read_boot_id(uint8_t boot_id[16])
{
    char text[64] = "";
    memset(boot_id, 0, 16);
    read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text));
    unsigned digits = 0;
    for (const char *at = text; isxdigit((unsigned char)*at) || *at == '-'; at++) {
        if (*at == '-' || digits == 32)
            continue;
        uint8_t value =
            (uint8_t)(isdigit((unsigned char)*at) ? *at - '0' : (*at | 0x20) - 'a' + 10);
        boot_id[digits / 2] = (uint8_t)(boot_id[digits / 2] << 4 | value);
        digits++;
    }
}

static void describe(const char *process, uint32_t pid, struct session_owner *owner)
{
    char path[64];
    struct stat status;
    memset(owner, 0, sizeof(*owner));
    owner->pid = pid;
    owner->start_time = start_time_of(process);
    snprintf(path, sizeof(path), "%s/ns/pid", process);
    if (stat(path, &status) == 0)
        owner->pid_namespace = status.st_ino;
    read_boot_id(owner->boot_id);
}

static void name_folder(uint32_t pid, char process[FOLDER_BYTES])
{
    snprintf(process, FOLDER_BYTES, "/proc/%" PRIu32, pid);
}

void session_owner_of(uint32_t pid, struct session_owner *owner)
{
    char process[FOLDER_BYTES];
    name_folder(pid, process);
    describe(process, pid, owner);
}

void session_owner_self(struct session_owner *owner)
{
    describe("/proc/self", (uint32_t)getpid(), owner);
}

bool session_proc_has_our_numbers(void)
{
    char number[32];
    ssize_t length = readlink("/proc/self", number, sizeof(number) - 1);
    number[length > 0 ? length : 0] = '\0';
    return strtol(number, NULL, 10) == getpid();
}

bool session_owner_alive(const struct session_owner *owner)
{
    struct session_owner self;
    char process[FOLDER_BYTES];
    session_owner_self(&self);
    if (owner->pid == 0 || memcmp(owner->boot_id, self.boot_id, sizeof(self.boot_id)) != 0)
        return false;
    if (owner->pid_namespace != self.pid_namespace)
        return true;
    name_folder(owner->pid, process);
    bool is_told = session_proc_has_our_numbers();
    uint64_t start_time = is_told ? start_time_of(process) : 0;
    if (start_time == 0 && (owner->start_time == 0 || !is_told))
        return kill((pid_t)owner->pid, 0) == 0 || errno == EPERM;
    return start_time == owner->start_time;
}
