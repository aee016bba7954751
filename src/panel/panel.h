/**
 * \file panel.h
 * \brief The control panel: a small file for each process with the shim, which both map or read:
 *        the command asks there, and the shim answers there.
 *
 * It lies where anyone of the user finds it by the number of the process, whatever the environment
 * of either: `/dev/shm/vrrl-UID/PID-NS`, NS being the inode of its pid namespace, or
 * `/tmp/vrrl-UID/PID-NS` where the first cannot be made (folder.h).  UID, PID and the folder are as
 * the process itself sees them.  It is told by more than its number, so that the panel of a dead
 * process is never taken for that of a new one.
 *
 * The shim looks at one word of it with every call of a hooked function, and at nothing else
 * until that word changes: no thread, signal or socket, and no system call.  doc/attach.md is the
 * reference; all values are little-endian.
 */
#ifndef VRRL_PANEL_PANEL_H
#define VRRL_PANEL_PANEL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "session/layout.h"

/** Name of the shim's file. */
#define PANEL_SHIM "libvrrl-preload.so"

#define PANEL_MAGIC "VRRLPANL"
#define PANEL_VERSION 1u
/** A multiple of the size of a page, where that is at most 16 KiB; the file is as long. */
#define PANEL_BYTES 16384u

#define PANEL_KERNEL_BYTES 256
#define PANEL_SYMBOLS_BYTES 2048
#define PANEL_FAULT_BYTES 1024

enum panel_flag {
    /** Record the bare log. */
    PANEL_NO_SESSION = 1,
    /** Read the control buffer once, at a launch. */
    PANEL_CHECKPOINT = 2,
};

/** What is to be recorded, as in the shim's settings.  All texts are terminated. */
struct panel_request {
    /** Absolute; %p, %h and %e as in session/log_name.h. */
    char log[PATH_MAX];
    uint64_t capacity;
    /** Of enum panel_flag. */
    uint32_t flags;
    uint32_t control_argument;
    uint32_t ring_argument;
    uint32_t reserved;
    /** "": recognised by its buffers. */
    char kernel[PANEL_KERNEL_BYTES];
    /** As VRRL_PUBLISH_SYMBOL; "": none but those that the shim knows. */
    char publish_symbols[PANEL_SYMBOLS_BYTES];
};

enum panel_state {
    /** Nothing is recorded; it could be. */
    PANEL_DORMANT = 0,
    /** The log is opened with the next publish. */
    PANEL_WAITING = 1,
    PANEL_RECORDING = 2,
    /** Recording could not begin, or broke off; \c fault says why.  It could be tried again. */
    PANEL_FAILED = 3,
    /** The process forbids itself system calls: no log can be opened any more. */
    PANEL_CONFINED = 4,
};

/** What the shim says of itself. */
struct panel_status {
    /** enum panel_state */
    uint32_t state;
    /** The word that it acted upon last. */
    uint32_t answered;
    /** RECORDING: wall clock when the log was opened, in nanoseconds since the UNIX epoch. */
    uint64_t since_ns;
    /** RECORDING: the run in the session; of a bare log 1. */
    uint32_t run;
    uint32_t reserved;
    /** RECORDING: the log's file. */
    uint64_t log_device;
    uint64_t log_inode;
    /** RECORDING: the log's counters when it was opened. */
    uint64_t failed_before;
    uint64_t skipped_before;
    /** RECORDING, or FAILED: the name of the log; "" when there was none yet. */
    char log[PATH_MAX];
    /** FAILED: a sentence that ends with "Fix: …". */
    char fault[PANEL_FAULT_BYTES];
};

struct panel {
    uint8_t magic[8];
    uint32_t version;
    uint32_t bytes;
    /** The process whose panel it is. */
    struct session_owner process;
    /**
     * What is wanted: number of the request << 1 | on.  0: nobody asked yet, and the environment
     * decides.  Written by the command, which holds the file's lock (flock), after the request.
     */
    _Alignas(64) uint32_t word;
    /** Odd while the shim writes its status. */
    _Alignas(64) uint32_t changes;
    struct panel_status status;
    /** Not 0: the shim was loaded into the process while it ran, and no reference leads to it now.
     *  It does not see what is asked before it is woken (attach/attach.h).  Written by the shim. */
    uint32_t asleep;
    /** The last word that was off, once no thread is inside of a recording any more: its run has
     *  got its end, and others may continue the log.  At once of a process that makes no system
     *  call any more, which keeps what it has.  Written by the shim. */
    uint32_t left;
    /** A word that was off, once all threads have passed a barrier since the shim answered it.
     *  Written by the command, which can wait for that longer than the process should. */
    uint32_t barrier;
    /** Read by the shim after the word became on.  One that it reads while it is changed is read
     *  again, as the word has changed then. */
    struct panel_request request;
};

/** A panel as a file. */
union panel_file {
    struct panel panel;
    uint8_t bytes[PANEL_BYTES];
};

_Static_assert(sizeof(union panel_file) == PANEL_BYTES, "a panel fits its file");

/** Begin a panel, all of whose bytes are 0. */
static inline void panel_describe(struct panel *panel, const struct session_owner *process)
{
    memcpy(panel->magic, PANEL_MAGIC, sizeof(panel->magic));
    panel->version = PANEL_VERSION;
    panel->bytes = PANEL_BYTES;
    panel->process = *process;
}

static inline bool panel_wants_on(uint32_t word)
{
    return (word & 1u) != 0;
}

/** The word of the next request. */
static inline uint32_t panel_next_word(uint32_t word, bool on)
{
    return ((word >> 1) + 1) << 1 | (on ? 1u : 0u);
}

#endif
