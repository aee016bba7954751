/**
 * \file entries.h
 * \brief What the session's journals hold: programs, kernels with their arguments, first contents
 *        of buffers, submits, observations.
 *
 * Lengths are followed by as many bytes, in the order in which they are named.  All
 * values are little-endian; doc/session-format.md is the reference.
 */
#ifndef VRRL_SESSION_ENTRIES_H
#define VRRL_SESSION_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum session_entry_type {
    SESSION_ENTRY_PROGRAM = 1,
    SESSION_ENTRY_KERNEL = 2,
    SESSION_ENTRY_CONTENTS = 3,
    SESSION_ENTRY_SUBMIT = 4,
    SESSION_ENTRY_OBSERVATION = 5,
    SESSION_ENTRY_UPLOAD = 6,
    SESSION_ENTRY_LOST = 7,
};

enum session_program_form {
    /** The API could not tell it, or it was over SESSION_PROGRAM_BYTES_MAX. */
    SESSION_PROGRAM_UNKNOWN = 0,
    SESSION_PROGRAM_SOURCE = 1,
    /** SPIR-V or another intermediate language. */
    SESSION_PROGRAM_IL = 2,
    /** For the device it ran on alone. */
    SESSION_PROGRAM_BINARY = 3,
};

#define SESSION_PROGRAM_BYTES_MAX (8u << 20)

/** A program as the GPU API had it.  Followed by: api ("OpenCL"), platform, device, driver,
 *  options, code; no text is terminated. */
struct session_program {
    uint32_t form;
    uint32_t api_bytes;
    uint32_t platform_bytes;
    uint32_t device_bytes;
    uint32_t driver_bytes;
    uint32_t options_bytes;
    uint64_t code_bytes;
};

enum session_argument_kind {
    SESSION_ARGUMENT_UNSET = 0,
    /** A buffer, or a range of one (sub-buffer, pointer into shared virtual memory). */
    SESSION_ARGUMENT_BUFFER = 1,
    /** Bytes by value. */
    SESSION_ARGUMENT_VALUE = 2,
    /** Local memory of that many bytes. */
    SESSION_ARGUMENT_LOCAL = 3,
    /** An image, sampler, …, which cannot be told. */
    SESSION_ARGUMENT_OTHER = 4,
};

struct session_argument {
    uint32_t kind;
    /** VALUE: bytes of the value, which lie behind all arguments; else 0. */
    uint32_t value_bytes;
    /** BUFFER: as in struct session_contents. */
    uint64_t buffer;
    /** BUFFER: where in it the argument begins. */
    uint64_t offset;
    /** BUFFER and LOCAL: bytes of the range. */
    uint64_t bytes;
};

/** A kernel with one set of arguments, written when a submit first has it.  Followed by: the
 *  name, zeros up to a multiple of 8, the arguments, the values in their order. */
struct session_kernel {
    /** Number of the journal entry with its program; 0: not known. */
    uint64_t program;
    uint32_t name_bytes;
    uint32_t arguments;
    /** Arguments that are control and ring (VRRL_CONTROL_ARG, VRRL_RING_ARG). */
    uint32_t control_argument;
    uint32_t ring_argument;
};

/** Bytes of a buffer.  Followed by: the bytes.  In `programs`: what it held before the first submit
 *  with it that was recorded; what no entry covers is not known.  In `submits`: what the host put
 *  there between submits, of any argument but the ring. */
struct session_contents {
    /** Number of the buffer in the run: 1, 2, … */
    uint64_t buffer;
    /** Of the whole buffer. */
    uint64_t buffer_bytes;
    uint64_t offset;
    uint64_t bytes;
};

/** A launch of a megakernel. */
struct session_submit {
    /** Number of the journal entry (programs) with its kernel and arguments; 0: had no room. */
    uint64_t kernel;
    /** Launches of this ring in this run, from 1. */
    uint64_t launch;
    /** The API's handle, to tell queues apart. */
    uint64_t queue;
    uint32_t dimensions;
    /** Of one that is noted once more (JOURNAL_ENTRY_COUNTED): what DONE_COUNT is when all is
     * drained that went up before. */
    uint32_t done;
    uint64_t global_offset[3];
    uint64_t global_size[3];
    /** All 0: chosen by the driver. */
    uint64_t local_size[3];
};

/** Slots of an upload that it left alone, or whose status is not known. */
#define SESSION_STATUS_UNTOLD 15u

/** Slots that went up into the ring; the first one of a ring tells what all of it held at the first
 *  launch that was recorded.  A PUBLISHED slot is the newest record of it that was made before the
 *  entry's position.  Followed by: \c runs words, each a count of slots << 4 | their status, or
 *  SESSION_STATUS_UNTOLD. */
struct session_upload {
    uint32_t first_slot;
    uint32_t runs;
};

/** Bytes of an argument, of the ring too, that were changed by something whose bytes are not here:
 *  too many, or not known. */
struct session_lost {
    /** As in struct session_contents. */
    uint64_t buffer;
    uint64_t offset;
    uint64_t bytes;
};

enum session_observed {
    SESSION_OBSERVED_CONTROL = 1,
    /** Followed by no bytes of the ring, but a bitmap of the slots that are PUBLISHED still: bit
     *  (i mod 8) of byte i / 8 is the i-th slot of the range; absent when none is. */
    SESSION_OBSERVED_RING = 2,
    SESSION_OBSERVED_DEBUG_LOG = 3,
    SESSION_OBSERVED_IO_QUEUE = 4,
};

/** Bytes that came back to the host, known to it to be complete.  Followed by: the bytes. */
struct session_observation {
    /** enum session_observed */
    uint32_t what;
    uint32_t reserved;
    /** Range that was read, in bytes of the argument. */
    uint64_t offset;
    uint64_t count;
    /** Launches of this ring that were enqueued before the read. */
    uint64_t launches;
    /** Of these, launches known to be complete. */
    uint64_t completed;
    /** Slots of the range by status 0…7 (RING); slots that were DONE without a publish that was
     *  recorded are counted in \c unseen. */
    uint64_t statuses[8];
    uint64_t unseen;
};

/** Text inside a payload, not terminated. */
struct session_text {
    const char *text;
    size_t bytes;
};

/*
 * Payloads as they are read: checked, every length against the payload's.  What is
 * pointed to lies in the payload.  Each returns false, and leaves \a view open, for a
 * payload that is none of its kind.
 */

struct session_program_view {
    struct session_program head;
    struct session_text api;
    struct session_text platform;
    struct session_text device;
    struct session_text driver;
    struct session_text options;
    const void *code;
};
bool session_program_read(const void *payload, size_t bytes, struct session_program_view *view);

struct session_kernel_view {
    struct session_kernel head;
    struct session_text name;
    /** Not aligned: see session_kernel_argument(). */
    const void *arguments;
};
bool session_kernel_read(const void *payload, size_t bytes, struct session_kernel_view *view);

/** An argument of a kernel, below head.arguments. \param[out] value  its bytes, of a VALUE */
struct session_argument session_kernel_argument(const struct session_kernel_view *view,
                                                uint32_t index, const void **value);

struct session_contents_view {
    struct session_contents head;
    const void *contents;
};
bool session_contents_read(const void *payload, size_t bytes, struct session_contents_view *view);

bool session_submit_read(const void *payload, size_t bytes, struct session_submit *submit);

struct session_upload_view {
    struct session_upload head;
    /** Of all runs. */
    uint64_t slots;
    /** Words, not aligned: see session_upload_run(). */
    const void *runs;
};

/** A run has at least one slot, and a status of the protocol's or SESSION_STATUS_UNTOLD. */
bool session_upload_read(const void *payload, size_t bytes, struct session_upload_view *view);

/** Slots and status of a run, below head.runs. */
void session_upload_run(const struct session_upload_view *view, uint32_t index, uint32_t *slots,
                        uint32_t *status);

bool session_lost_read(const void *payload, size_t bytes, struct session_lost *lost);

struct session_observation_view {
    struct session_observation head;
    /** The bytes of the range, or of a RING the map of its PUBLISHED slots, if it has one. */
    const void *observed;
    size_t observed_bytes;
};
bool session_observation_read(const void *payload, size_t bytes,
                              struct session_observation_view *view);

/** A word of an observation of CONTROL.  \return false when the range does not have it */
bool session_observed_word(const struct session_observation_view *view, uint32_t word,
                           uint32_t *value);

_Static_assert(sizeof(struct session_program) == 32, "session program layout");
_Static_assert(sizeof(struct session_argument) == 32, "session argument layout");
_Static_assert(sizeof(struct session_kernel) == 24, "session kernel layout");
_Static_assert(sizeof(struct session_contents) == 32, "session contents layout");
_Static_assert(sizeof(struct session_submit) == 104, "session submit layout");
_Static_assert(sizeof(struct session_upload) == 8, "session upload layout");
_Static_assert(sizeof(struct session_lost) == 24, "session lost layout");
_Static_assert(sizeof(struct session_observation) == 112, "session observation layout");

#endif
