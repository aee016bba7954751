/**
 * \file inspect.h
 * \brief Telling what the bytes of a log are; shared by reader and writer.
 */
#ifndef VRRL_LOG_INSPECT_H
#define VRRL_LOG_INSPECT_H

#include <stdint.h>

#include "log/layout.h"
#include "log/vrrl.h"

/** Open a regular file without ever blocking on it.
 *  \param[out] bytes  its length
 *  \return a descriptor, or a VRRL_E code */
int log_open_file(const char *path, int flags, uint64_t *bytes);

/** Check the header alone.  \return 0 or a VRRL_E code that names the damage */
int log_check_header(const struct log_header *header, uint64_t file_bytes);

/**
 * Check all of a log that log_check_header() passed, and describe it.
 *
 * \param whole  records that are whole in the file, <= the header's capacity
 * \return 0 or VRRL_E_RECORD_MAGIC
 */
int log_inspect(const struct log_header *header, const struct log_record *records, uint64_t whole,
                struct vrrl_info *info);

/** Place of the oldest record, where reading begins. */
uint64_t log_oldest_place(const struct vrrl_info *info);

#endif
