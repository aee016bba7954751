/**
 * \file session_files.h
 * \brief A log with its session, for the tests of both: recorded into a folder of its own, and
 * read.
 */
#ifndef VRRL_SESSION_FILES_H
#define VRRL_SESSION_FILES_H

#include <stdint.h>

#include "session/writer.h"

extern char folder[];
extern char log_path[48];
extern char slots_path[64];

void make_folder(void);
void remove_folder(void);

/** Slot, first argument and time of the record are of this number. */
void append(struct recording *recording, uint32_t n);

void record_run(uint64_t capacity, uint32_t first, uint32_t count);

/** Every record has its slot, and the newest is `last`. */
void check_recorded(uint64_t capacity, uint32_t count, uint32_t last, uint64_t total);

#endif
