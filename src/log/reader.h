/**
 * \file reader.h
 * \brief What a reader keeps; private to reader.c and follow.c.
 */
#ifndef VRRL_LOG_READER_H
#define VRRL_LOG_READER_H

#include "log/layout.h"
#include "log/vrrl.h"

struct vrrl_reader {
    int file;
    const struct log_header *header;
    const struct log_record *records;
    uint64_t map_bytes;
    /** Records that are whole in the file. */
    uint64_t whole;
    struct vrrl_info info;
    /** The next place to read, and how many are left up to the cursor. */
    uint64_t next;
    uint64_t left;
    /** Places beyond them that the cursor has passed, and that may be in the making. */
    uint64_t unready;
    /** A record that lies before \c next, as it was: changed, the writer has lapped us. */
    uint64_t witness_place;
    struct log_record witness;
    bool overrun;
    /** A place that was found empty by the last vrrl_follow(), and may be in the making. */
    uint64_t awaited;
};

#define NO_PLACE UINT64_MAX

/** Start over at the oldest record, of a log whose writer has come round meanwhile. */
void log_reader_catch_up(struct vrrl_reader *reader);

/** Whether the writer has come round to what is still to be read. */
bool log_reader_was_lapped(const struct vrrl_reader *reader);

#endif
