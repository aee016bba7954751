/**
 * \file journal.h
 * \brief A file of the session that holds entries of any length, in the order in which they
 *        happened: submits, observations, programs.
 *
 * One container for all three: a header and a data area of fixed size, mapped.
 * Submits and observations run in a circle, so that the newest are kept; programs
 * stop when they are full, since what is there is referred to.  An entry is there
 * once the header's head passed it, so a process that is killed at any moment
 * leaves whole entries.  doc/session-format.md is the reference.
 */
#ifndef VRRL_SESSION_JOURNAL_H
#define VRRL_SESSION_JOURNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_MAGIC "VRRLJRNL"
/** 2: uploads into the ring are among the submits. */
#define JOURNAL_VERSION 2u
#define JOURNAL_HEADER_BYTES 4096u
/** Entries begin at multiples of it. */
#define JOURNAL_ALIGNMENT 64u
/** Largest data area that is believed. */
#define JOURNAL_BYTES_MAX (UINT64_C(1) << 32)
/** Stream offsets beyond it are not believed: nobody gets there. */
#define JOURNAL_OFFSET_MAX (UINT64_C(1) << 62)

enum journal_kind {
    /** `submits`: payload struct session_submit, session_contents, session_upload or session_lost.
     */
    JOURNAL_SUBMITS = 0,
    /** `observations`: payload struct session_observation. */
    JOURNAL_OBSERVATIONS = 1,
    /** `programs`: payload struct session_program, session_kernel or session_contents. */
    JOURNAL_PROGRAMS = 2,
    JOURNAL_KINDS = 3,
};

struct journal_header {
    uint8_t magic[8];
    uint32_t version;
    /** enum journal_kind */
    uint32_t kind;
    /** Of the data area; a multiple of JOURNAL_ALIGNMENT. */
    uint64_t bytes;
    /** Stream offset behind the newest entry; modulo \c bytes its place in the data area. */
    uint64_t head;
    /** Stream offset of the oldest entry that is still there. */
    uint64_t tail;
    /** Entries that ever were. */
    uint64_t entries;
    /** Entries that had no room. */
    uint64_t dropped;
    uint8_t reserved[JOURNAL_HEADER_BYTES - 56];
};

/** Of a change: a launch of its ring was under way that it does not come behind, and that may have
 *  seen it. */
#define JOURNAL_ENTRY_BESIDE 1u
/** Of a launch that is noted once more while it is under way: its \c done is known. */
#define JOURNAL_ENTRY_COUNTED 2u

/** What comes before each payload. */
struct journal_entry {
    /** 1, 2, …, as of all entries that ever were; 0: filler up to the end of the data area. */
    uint64_t number;
    /** Stream offset of this entry, which tells it from what lay there a lap ago. */
    uint64_t offset;
    /** Running total of the log when it happened: publishes of a lower sequence came before it. */
    uint64_t position;
    /** Wall clock, nanoseconds since the UNIX epoch, by the log's clock. */
    uint64_t time_ns;
    /** enum session_entry_type */
    uint32_t type;
    /** Of the payload, which follows. */
    uint32_t bytes;
    uint32_t run;
    /** Number of the ring in the run; SESSION_RING_UNKNOWN where it concerns none. */
    uint32_t ring;
    /** JOURNAL_ENTRY_… */
    uint32_t flags;
    uint32_t reserved[3];
};

_Static_assert(sizeof(struct journal_header) == JOURNAL_HEADER_BYTES, "journal header layout");
_Static_assert(sizeof(struct journal_entry) == 64, "journal entry layout");

/** Bytes of an entry with a payload of \a bytes. */
static inline uint64_t journal_entry_bytes(uint64_t bytes)
{
    return (sizeof(struct journal_entry) + bytes + JOURNAL_ALIGNMENT - 1) &
           ~(uint64_t)(JOURNAL_ALIGNMENT - 1);
}

/** Name of the journal's file in the session folder. */
const char *journal_name(enum journal_kind kind);

/** Check a whole journal at rest, of \a file_bytes.  \return 0, SESSION_E_FORMAT or
 *  SESSION_E_TRUNCATED */
int journal_check(const struct journal_header *header, uint64_t file_bytes, enum journal_kind kind);

/** A journal that is open for writing.  One thread at a time. */
struct journal {
    struct journal_header *header;
    uint8_t *data;
    /** Of the data area, as in the header. */
    uint64_t bytes;
    /** Entry that was begun and not committed; its payload follows it. */
    struct journal_entry *begun;
    /** Of the newest entry that was committed. */
    uint64_t position;
};

/**
 * Open the journal of a log's session, or create it; the session folder exists.  One
 * that does not fit (another version, damaged) is put aside with the time as a suffix.
 *
 * Makes system calls; blocks are allocated up front; keeps no descriptor; no malloc.
 *
 * \param log_path  of the log; NULL makes one in private memory, that no file remembers
 * \param bytes  of the data area when it is created
 * \return 0 or a VRRL_E code
 */
int journal_open(const char *log_path, enum journal_kind kind, uint64_t bytes,
                 struct journal *journal);

/** Make room for an entry, overwriting the oldest ones of a circle.
 *  \return where its payload goes, 8-aligned, until journal_commit(); NULL when it does not fit
 *          (counted as dropped) */
void *journal_begin(struct journal *journal, uint64_t bytes);

/** Commit what was begun.  Of \a entry the caller sets position, time_ns, type, run, ring and
 * flags. Positions never go back: what began before an entry that is committed already, as launches
 * of several threads do, is put behind it. \return the entry's number */
uint64_t journal_commit(struct journal *journal, const struct journal_entry *entry);

void journal_close(struct journal *journal);

/** Close it in steps (log_unmap_some()).  \return true when it is closed */
bool journal_close_some(struct journal *journal, uint64_t *bytes);

/** A journal that is open for reading, perhaps while it is written.  One thread at a time. */
struct journal_reader;

/** \return 0, VRRL_E_NOT_FOUND when there is none, SESSION_E_FORMAT, SESSION_E_TRUNCATED,
 *          VRRL_E_NO_MEMORY or VRRL_E_IO */
int journal_reader_open(const char *log_path, enum journal_kind kind,
                        struct journal_reader **reader);

const struct journal_header *journal_reader_header(const struct journal_reader *reader);

/**
 * The next entry, oldest first.
 *
 * \param[out] entry, payload  valid until the next call; the payload is a copy, 8-aligned
 * \return 1, 0 at the end, or SESSION_E_FORMAT when what follows is no entry (damage)
 */
int journal_read(struct journal_reader *reader, struct journal_entry *entry, const void **payload);

void journal_reader_close(struct journal_reader *reader);

#endif
