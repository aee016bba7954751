/**
 * \file layout.h
 * \brief Bytes of the session's slots file, `run.vrrl.d/slots`.
 *
 * The file is a header of SESSION_HEADER_BYTES and then, for each place of the
 * log, one struct session_slot.  doc/session-format.md is the reference; all
 * values are little-endian.
 */
#ifndef VRRL_SESSION_LAYOUT_H
#define VRRL_SESSION_LAYOUT_H

#include <stdint.h>

#include "vyre/vyre_protocol.h"

#define SESSION_MAGIC "VRRLSLOT"
#define SESSION_VERSION 1u
#define SESSION_HEADER_BYTES 65536u

/** Runs and rings that the header describes; older ones make room for newer ones. */
#define SESSION_RUNS_MAX 256u
#define SESSION_RINGS_MAX 1024u

/** Rings of one run that are told apart: numbers below it. */
#define SESSION_RINGS_OF_RUN_MAX 256u

/** Ring number of a publish whose process used more rings than can be told apart. */
#define SESSION_RING_UNKNOWN UINT32_MAX

/** Who writes a log: enough to tell a dead owner from a new process of the same number. */
struct session_owner {
    uint32_t pid;
    uint32_t reserved;
    /** Field 22 of /proc/PID/stat, in clock ticks since boot. */
    uint64_t start_time;
    /** Inode number of /proc/self/ns/pid. */
    uint64_t pid_namespace;
    /** /proc/sys/kernel/random/boot_id, binary. */
    uint8_t boot_id[16];
};

/** One opening of the log by one process. */
struct session_run {
    /** 1, 2, …; 0: this entry was never used. */
    uint32_t number;
    uint32_t pid;
    /** Running total of the log when the run began: its first record has this sequence. */
    uint64_t first_sequence;
    /** Wall clock, nanoseconds since the UNIX epoch. */
    uint64_t start_ns;
    /** When recording was ended while the process went on; 0: it was not. */
    uint64_t end_ns;
    /** Of enum session_run_flag. */
    uint32_t flags;
    uint32_t reserved;
    /** Running total of the log, plus 1, when all buffers of a megakernel were read because
     *  `vrrl attach --checkpoint` asked for it; 0: they were not. */
    uint64_t checkpoint;
    uint64_t tail[2];
};

enum session_run_flag {
    /** Recording began while the process ran: what it did before was not seen, and a replay is
     *  exact from the run's first checkpoint: the one above, or where the host itself read control
     *  buffer and ring back whole with nothing in flight. */
    SESSION_RUN_LATE = 1,
};

/** A ring that a run published into.  Its number counts from 0 in each run. */
struct session_ring {
    /** 0: this entry was never used. */
    uint32_t run;
    uint32_t number;
    uint64_t address;
    uint64_t bytes;
    /** Number, plus 1, of the ring that this one turned out to be: the host filled it in memory of
     *  its own, and it went up into that one.  0: it is none but itself. */
    uint32_t joined;
    uint32_t reserved;
};

struct session_header {
    uint8_t magic[8];
    uint32_t version;
    /** sizeof(struct session_slot). */
    uint32_t slot_bytes;
    /** As the log's. */
    uint64_t capacity;
    /** Runs and rings that ever were; entry i of a table is the one of that index modulo its size.
     */
    uint32_t runs;
    uint32_t rings;
    /** Publishes that the runtime refused. */
    uint64_t failed;
    /** Publishes that succeeded and could not be recorded. */
    uint64_t skipped;
    struct session_owner owner;
    /** Running total when the session was created: earlier records have no slot here. */
    uint64_t first_sequence;
    /** Rings that turned out to be another. */
    uint32_t joined;
    uint8_t reserved[4096 - 100];
    struct session_run run_table[SESSION_RUNS_MAX];
    struct session_ring ring_table[SESSION_RINGS_MAX];
    uint8_t tail[SESSION_HEADER_BYTES - 4096 - SESSION_RUNS_MAX * 64 - SESSION_RINGS_MAX * 32];
};

/** Where a publish was seen. */
enum session_origin {
    /** In a call of a publish function. */
    SESSION_ORIGIN_SYMBOL = 0,
    /** In bytes that went up to the GPU. */
    SESSION_ORIGIN_UPLOAD = 1,
};

/** What a VRRL record has no room for.  Same index as the record in the log. */
struct session_slot {
    /** The record's place in the running total, plus 1; 0: empty.  Written last.  While it is 0
     *  and a writer owns the place, \c origin, \c ring and \c slot_idx tell what is being
     * published. */
    uint64_t sequence;
    uint32_t run;
    /** As it was numbered when the publish was recorded (struct session_ring, joined). */
    uint32_t ring;
    /** Threads of a run count from 1, in the order of their first publish. */
    uint32_t thread;
    /** Slot of the ring that was published. */
    uint32_t slot_idx;
    /** The slot as published: status, opcode, tenant, priority, 12 args. */
    uint32_t words[VYRE_SLOT_WORDS];
    /** enum session_origin */
    uint32_t origin;
    uint32_t reserved;
};

_Static_assert(sizeof(struct session_owner) == 40, "session owner layout");
_Static_assert(sizeof(struct session_run) == 64, "session run layout");
_Static_assert(sizeof(struct session_ring) == 32, "session ring layout");
_Static_assert(sizeof(struct session_header) == SESSION_HEADER_BYTES, "session header layout");
_Static_assert(sizeof(struct session_slot) == 96, "session slot layout");

#endif
