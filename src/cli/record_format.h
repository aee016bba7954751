/**
 * \file record_format.h
 * \brief How records are printed on stdout: as a table for people, or as JSON.
 *
 * One table of functions for each form.  The JSON is written directly: of all
 * its members only names of opcodes are strings, and json-c took 4 s for a
 * million records where this takes 0.5 s.
 */
#ifndef VRRL_RECORD_FORMAT_H
#define VRRL_RECORD_FORMAT_H

#include <stdint.h>

#include "log/vrrl.h"

struct record_format {
    /** Before the first record. */
    void (*begin)(void);
    /** \param index  of the record among the live ones, oldest first, from 0 */
    void (*record)(uint64_t index, const struct vrrl_record *record);
};

extern const struct record_format record_format_text;

/** One object a line. */
extern const struct record_format record_format_json;

/** A wall-clock time in nanoseconds since the UNIX epoch, as UTC to the nanosecond ("-" for 0). */
#define TIME_TEXT_SIZE 40
const char *time_text(uint64_t timestamp_ns, char out[TIME_TEXT_SIZE]);

#endif
