#include "attach/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#define WORD sizeof(uint64_t)

bool memory_open(pid_t pid, struct memory *memory)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    *memory = (struct memory){.pid = pid, .file = open(path, O_RDWR | O_CLOEXEC)};
    return memory->file >= 0;
}

void memory_close(struct memory *memory)
{
    if (memory->file >= 0)
        close(memory->file);
    memory->file = -1;
}

bool memory_read(const struct memory *memory, uint64_t at, void *into, size_t bytes)
{
    /* A thread of the job may wake up on this processor, and would wait for a whole turn. */
    if (!memory->hurried)
        sched_yield();
    return pread(memory->file, into, bytes, (off_t)at) == (ssize_t)bytes;
}

size_t memory_read_some(const struct memory *memory, uint64_t at, void *into, size_t bytes)
{
    const struct iovec here = {into, bytes};
    const struct iovec there = {(void *)(uintptr_t)at, bytes};
    ssize_t got = process_vm_readv(memory->pid, &here, 1, &there, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

bool memory_read_string(const struct memory *memory, uint64_t at, char *into, size_t room)
{
    size_t got = at == 0 ? 0 : memory_read_some(memory, at, into, room);
    return memchr(into, '\0', got) != NULL;
}

void *memory_copy(const struct memory *memory, uint64_t at, size_t bytes)
{
    void *copy = bytes == 0 ? NULL : malloc(bytes);
    if (copy != NULL && memory_read(memory, at, copy, bytes))
        return copy;
    free(copy);
    return NULL;
}

/** By whole words, as ptrace stores them. */
static bool poke(const struct memory *memory, uint64_t at, const uint8_t *from, size_t bytes)
{
    while (bytes > 0) {
        uint64_t word;
        uint64_t aligned = at & ~(uint64_t)(WORD - 1);
        size_t offset = at - aligned;
        size_t part = WORD - offset < bytes ? WORD - offset : bytes;
        if (!memory_read(memory, aligned, &word, WORD))
            return false;
        memcpy((uint8_t *)&word + offset, from, part);
        if (ptrace(PTRACE_POKEDATA, memory->stopped, (void *)(uintptr_t)aligned,
                   (void *)(uintptr_t)word) != 0)
            return false;
        at += part;
        from += part;
        bytes -= part;
    }
    return true;
}

bool memory_write(const struct memory *memory, uint64_t at, const void *from, size_t bytes)
{
    if (memory->stopped != 0)
        return poke(memory, at, from, bytes);
    ssize_t put = pwrite(memory->file, from, bytes, (off_t)at);
    if (put >= 0 && put != (ssize_t)bytes)
        errno = ESRCH;
    return put == (ssize_t)bytes;
}

bool memory_store(const struct memory *memory, uint64_t at, uint64_t value)
{
    return at % WORD == 0 && memory_write(memory, at, &value, WORD);
}
