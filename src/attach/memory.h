/**
 * \file memory.h
 * \brief The memory of another process.
 *
 * Its memory file stays with the address space that it was opened for: after an exec nothing is
 * read or written any more. Writes ignore the protection of pages, as a debugger's do; some
 * kernels restrict that (proc_mem.force_override), and then only a stopped thread helps.
 */
#ifndef VRRL_ATTACH_MEMORY_H
#define VRRL_ATTACH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memory {
    pid_t pid;
    int file;
    /** A thread that this one traces and that is stopped: writes go by ptrace. 0: none. */
    pid_t stopped;
    /** A thread of the process may be waiting for what is read.  Otherwise a read lets the
     * process's own threads run first. */
    bool hurried;
};

/** \return false with errno */
bool memory_open(pid_t pid, struct memory *memory);
void memory_close(struct memory *memory);

/** All of it, or false. */
bool memory_read(const struct memory *memory, uint64_t at, void *into, size_t bytes);

/** As far as the process itself could read.  \return bytes */
size_t memory_read_some(const struct memory *memory, uint64_t at, void *into, size_t bytes);

/** A string that ends within \a room bytes.  \return false when there is none */
bool memory_read_string(const struct memory *memory, uint64_t at, char *into, size_t room);

/** Memory of its own with what is there.  \return to be freed; NULL when it cannot be read */
void *memory_copy(const struct memory *memory, uint64_t at, size_t bytes);

/** All of it, or false with errno: then some of it may have been written. */
bool memory_write(const struct memory *memory, uint64_t at, const void *from, size_t bytes);

/**
 * Store 8 bytes, aligned, so that no thread sees a part of them.
 *
 * The kernel copies them by one instruction on the processors that this was tried on (x86-64 with
 * and without fast short strings, tests/unit/test_attach.c); no document promises it.
 */
bool memory_store(const struct memory *memory, uint64_t at, uint64_t value);

#endif
