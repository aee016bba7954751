#include "log/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/vrrl.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/** What st_blocks counts. */
#define BLOCK_BYTES 512u

/** Done in one step, which takes some 0.1 ms. */
#define STEP_BYTES (UINT64_C(256) << 10)
#define PAUSE_NS 50000

static bool is_gentle;

void log_be_gentle(void)
{
    is_gentle = true;
}

/** \return bytes of the step that begins at an offset, after a pause */
static uint64_t begin_step(uint64_t offset, uint64_t bytes)
{
    if (is_gentle)
        nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    return bytes - offset < STEP_BYTES ? bytes - offset : STEP_BYTES;
}

static int allocate_step(int file, uint64_t offset, uint64_t bytes)
{
    int error;
    do
        error = posix_fallocate(file, (off_t)offset, (off_t)bytes);
    while (error == EINTR);
    return error;
}

int log_create_unfinished(const char *path, mode_t mode, char unfinished[PATH_MAX])
{
    int length = snprintf(unfinished, PATH_MAX, "%s.%ld.unfinished", path, (long)getpid());
    if (length < 0 || length >= PATH_MAX)
        return VRRL_E_ARGUMENT;
    int file = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);
    if (file < 0 && errno == EEXIST) {
        /* Of a process of this number that was killed while it created its log. */
        unlink(unfinished);
        file = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);
    }
    if (file < 0)
        return errno == ENOSPC || errno == EDQUOT ? VRRL_E_NO_SPACE : VRRL_E_IO;
    return file;
}

int log_allocate(int file, uint64_t bytes)
{
    struct rlimit limit;
    struct stat status;
    if (fstat(file, &status) != 0)
        return VRRL_E_IO;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < bytes && (uint64_t)status.st_size < bytes)
        return VRRL_E_NO_SPACE;
    if ((uint64_t)status.st_size >= bytes && (uint64_t)status.st_blocks * BLOCK_BYTES >= bytes)
        return 0;
    int error = 0;
    for (uint64_t step, offset = 0; offset < bytes && error == 0; offset += step) {
        step = begin_step(offset, bytes);
        error = allocate_step(file, offset, step);
    }
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return VRRL_E_NO_SPACE;
    errno = error;
    return error == 0 ? 0 : VRRL_E_IO;
}

static void populate_step(uint8_t *map, uint64_t bytes)
{
    if (madvise(map, bytes, MADV_POPULATE_WRITE) == 0)
        return;
    /* Before Linux 5.14 a write that changes nothing does the same, page by page. */
    long page = sysconf(_SC_PAGESIZE);
    for (uint64_t offset = 0; offset + sizeof(uint32_t) <= bytes; offset += (uint64_t)page)
        __atomic_fetch_add((uint32_t *)(void *)(map + offset), 0, __ATOMIC_RELAXED);
}

void log_populate(void *map, uint64_t bytes)
{
    for (uint64_t step, offset = 0; offset < bytes; offset += step) {
        step = begin_step(offset, bytes);
        populate_step((uint8_t *)map + offset, step);
    }
}

bool log_unmap_some(void *map, uint64_t *map_bytes, uint64_t *bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t left = *map_bytes > *bytes ? (*map_bytes - *bytes) / page * page : 0;
    uint64_t gone = *map_bytes - left;
    for (uint64_t step, offset = 0; offset < gone; offset += step) {
        step = begin_step(offset, gone);
        munmap((uint8_t *)map + left + offset, step);
    }
    *map_bytes = left;
    *bytes = *bytes > gone ? *bytes - gone : 0;
    return left == 0;
}

int log_give_name(const char *unfinished, const char *path)
{
    int failed = link(unfinished, path) != 0;
    int error = !failed ? 0 : errno == EEXIST ? VRRL_E_EXISTS : VRRL_E_IO;
    int saved = errno;
    unlink(unfinished);
    errno = saved;
    return error;
}
