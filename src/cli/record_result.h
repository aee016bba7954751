/**
 * \file record_result.h
 * \brief What came of a recording: which logs a command and its processes wrote.
 */
#ifndef VRRL_RECORD_RESULT_H
#define VRRL_RECORD_RESULT_H

#include <stdint.h>

struct record_result {
    /** Publishes that were recorded, counting those overwritten since. */
    uint64_t recorded;
    uint64_t overwritten;
};

/**
 * Find the logs that were written since a time: the one of that name (of any
 * expansion of %p, %h and %e) and those of further processes, which have a
 * process id before the suffix.
 *
 * \param since_ns  wall clock, before the first of them was opened
 * \param[out] opened  runs that are in them, with publishes or without
 * \param each      called for each log with publishes
 * \return how often it was called
 */
unsigned record_results(const char *log_name, uint64_t since_ns, unsigned *opened,
                        void (*each)(const char *name, const struct record_result *result));

#endif
