/**
 * \file vrrl.h
 * \brief Write, read and follow VRRL v1 logs.
 *
 * A VRRL log is a ring file of 64-byte records, one for each slot that a host
 * published into the work ring of a GPU megakernel.  doc/vrrl-format.md tells
 * the format so that a stranger can implement it.
 *
 * Every function that can fail returns a negative VRRL_E… code, and has then
 * written nothing to its outputs and changed nothing in the file.
 * vrrl_strerror() explains a code and says what to do.
 */
#ifndef VRRL_H
#define VRRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VRRL_API __attribute__((visibility("default")))
#else
#define VRRL_API
#endif

/** Records that a log holds at most; a larger capacity is refused. */
#define VRRL_CAPACITY_MAX UINT64_C(1048576)

/** Capacity that the tools use where none is asked for. */
#define VRRL_CAPACITY_DEFAULT UINT64_C(65536)

/** Why a function failed. */
enum vrrl_error {
    /** A system call failed; errno tells which way. */
    VRRL_E_IO = -1,
    /** No such file. */
    VRRL_E_NOT_FOUND = -2,
    /** The file is shorter than a header of 32 bytes (an empty file, too). */
    VRRL_E_TRUNCATED_HEADER = -3,
    /** The first eight bytes are not VRRL0001. */
    VRRL_E_MAGIC = -4,
    /** The version is not 1. */
    VRRL_E_VERSION = -5,
    /** The capacity is 0. */
    VRRL_E_CAPACITY_ZERO = -6,
    /** The capacity exceeds VRRL_CAPACITY_MAX. */
    VRRL_E_CAPACITY_OVER = -7,
    /** A record begins with neither 0 nor 0xDEADBEEF. */
    VRRL_E_RECORD_MAGIC = -8,
    /** The file ends inside its records. */
    VRRL_E_TRUNCATED_RECORDS = -9,
    /** A log of that name exists already. */
    VRRL_E_EXISTS = -10,
    /** The disk, a quota or RLIMIT_FSIZE has no room for the whole log. */
    VRRL_E_NO_SPACE = -11,
    /** The file is not a regular file. */
    VRRL_E_NOT_REGULAR = -12,
    /** An argument is out of its documented range. */
    VRRL_E_ARGUMENT = -13,
    /** Memory could not be had. */
    VRRL_E_NO_MEMORY = -14,
    /** No place could be taken: every place is owned by a writer that has not finished. */
    VRRL_E_BUSY = -15,
};

/** What went wrong, as a sentence that ends with what to do.  Never NULL; static storage;
 *  thread and signal safe. */
VRRL_API const char *vrrl_strerror(int error);

/** vyre's failure evidence, from the tail of a record.  All zero: none. */
struct vrrl_failure {
    uint32_t slot_status;
    /** 0 none, 1 device loss, 2 transient queue, 3 program bug, 4 unclassified. */
    uint32_t failure_class;
    uint32_t backend_code;
    uint64_t output_digest;
};

/** One published slot. */
struct vrrl_record {
    /** Nanoseconds since the UNIX epoch, by the host's wall clock. */
    uint64_t timestamp_ns;
    /** Slot of the ring that was published. */
    uint32_t slot_idx;
    uint32_t tenant_id;
    uint32_t opcode;
    /** The first four of the slot's twelve argument words. */
    uint32_t args[4];
    /** The EPOCH word that the host had last seen when it published. */
    uint32_t epoch;
    /** Read, never written: a writer leaves it zero. */
    struct vrrl_failure failure;
    /** Where the record lies in the file, 0 … capacity - 1.  Set by readers. */
    uint64_t place;
};

/* ------------------------------------------------------------------ writing */

/** A log that is open for appending.  One process writes a log. */
struct vrrl_writer;

/**
 * Create a log.  It appears under its name whole, its blocks allocated and its
 * header complete, or not at all.
 *
 * \param path      name of the log; its folder must exist
 * \param capacity  records, 1 … VRRL_CAPACITY_MAX
 * \param[out] writer  released with vrrl_writer_close()
 * \return 0, VRRL_E_EXISTS, VRRL_E_CAPACITY_ZERO, VRRL_E_CAPACITY_OVER, VRRL_E_NO_SPACE,
 *         VRRL_E_NO_MEMORY or VRRL_E_IO
 */
VRRL_API int vrrl_create(const char *path, uint64_t capacity, struct vrrl_writer **writer);

/**
 * Open an existing log to append to it.  Its own capacity and cursor are kept;
 * a cursor left behind by a killed writer of vyre's is stepped past the record
 * that it points at.
 *
 * \return 0, VRRL_E_NOT_FOUND, VRRL_E_NOT_REGULAR, any of the VRRL_E codes that
 *         name damage, VRRL_E_NO_SPACE, VRRL_E_NO_MEMORY or VRRL_E_IO
 */
VRRL_API int vrrl_open(const char *path, struct vrrl_writer **writer);

/**
 * Append one record: no lock, no system call, any number of threads at once.
 * Async-signal-safe.  Of \a record, \c failure and \c place are not written; a
 * timestamp_ns of 0 stands for now.
 *
 * \return 0, or VRRL_E_BUSY when every place is owned by a writer that was
 *         interrupted inside its own append (e.g. by the caller, a signal handler)
 */
VRRL_API int vrrl_append(struct vrrl_writer *writer, const struct vrrl_record *record);

/** Records that the log holds before the oldest is overwritten. */
VRRL_API uint64_t vrrl_capacity(const struct vrrl_writer *writer);

/** Bring all that was appended to durable storage (msync).  \return 0 or VRRL_E_IO. */
VRRL_API int vrrl_sync(struct vrrl_writer *writer);

/** Unmap and release.  No thread may be inside vrrl_append().  NULL is let pass. */
VRRL_API void vrrl_writer_close(struct vrrl_writer *writer);

/* ------------------------------------------------------------------ reading */

/** A log that is open for reading, at rest or while it is being written.
 *  One thread at a time may use a reader. */
struct vrrl_reader;

/** What a log is. */
struct vrrl_info {
    uint32_t version;
    uint32_t flags;
    uint64_t capacity;
    /** Place of the next record, < capacity, as read from the header modulo the capacity. */
    uint64_t cursor;
    /** Records that are there. */
    uint64_t live;
    /** Empty places among the written ones. */
    uint64_t gaps;
    /** Records that a file truncated in its records has lost. */
    uint64_t lost;
    /** Every place of the log has been written. */
    bool wrapped;
    /** The newest record lies at the cursor: a writer of vyre's was killed there. */
    bool cursor_behind;
    /** 0 without a record. */
    uint64_t first_timestamp_ns;
    uint64_t last_timestamp_ns;
};

/**
 * Open a log and check all of it.
 *
 * A file that ends inside its records is opened: its whole records can be read,
 * and vrrl_info.lost says how many are missing.
 *
 * \param[out] reader  released with vrrl_reader_close()
 * \return 0, VRRL_E_NOT_FOUND, VRRL_E_NOT_REGULAR, a VRRL_E code that names the
 *         damage, VRRL_E_NO_MEMORY or VRRL_E_IO
 */
VRRL_API int vrrl_reader_open(const char *path, struct vrrl_reader **reader);

/** What the log is, as of the last vrrl_reader_open() or vrrl_follow(). */
VRRL_API void vrrl_reader_info(const struct vrrl_reader *reader, struct vrrl_info *info);

/**
 * Read the next records, oldest first.
 *
 * \param[out] records  room for \a max of them, owned by the caller
 * \return how many were read; 0 at the end
 */
VRRL_API size_t vrrl_read(struct vrrl_reader *reader, struct vrrl_record *records, size_t max);

/** Start over with the oldest record. */
VRRL_API void vrrl_rewind(struct vrrl_reader *reader);

/**
 * Take up what was appended since, so that vrrl_read() goes on with it.  Does
 * not wait.  A place that a writer has taken and not finished is waited for
 * until the next call, and is a gap from then on.
 *
 * \param[out] overrun  the writer was faster: records were overwritten before
 *             they could be read, and reading goes on with the oldest there is
 * \return 0, VRRL_E_TRUNCATED_RECORDS when the file was truncated meanwhile,
 *         VRRL_E_RECORD_MAGIC, or VRRL_E_IO
 */
VRRL_API int vrrl_follow(struct vrrl_reader *reader, bool *overrun);

/** Release.  NULL is let pass. */
VRRL_API void vrrl_reader_close(struct vrrl_reader *reader);

/** What vrrl_verify() found out about a log that could be opened. */
struct vrrl_verdict {
    struct vrrl_info info;
    /** Records older than the one before them by more than a second: the clock was set back. */
    uint64_t clock_set_back;
    /** The log has no damage: nothing is missing from the file. */
    bool sound;
};

/**
 * Check a log at rest: header, length, each record.  Gaps, a clock that was set
 * back and a cursor left behind are reported, and forgiven.
 *
 * \return as vrrl_reader_open()
 */
VRRL_API int vrrl_verify(const char *path, struct vrrl_verdict *verdict);

#ifdef __cplusplus
}
#endif

#endif
