/**
 * \file options.h
 * \brief Parts of the command line that several verbs read alike.
 */
#ifndef VRRL_OPTIONS_H
#define VRRL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Read a whole number, decimal or 0x… hexadecimal, at most \a max.
 *
 * \return false on anything else (empty, a sign, space, trailing text, too large); \a value is then
 * untouched
 */
bool option_number(const char *text, uint64_t max, uint64_t *value);

/** Read "A" (then the range A-A) or "A-B" with A <= B, each at most 2^32 - 1.  As option_number().
 */
bool option_range(const char *text, uint32_t *first, uint32_t *last);

/**
 * Say what was wrong with the option that getopt_long() has just refused.
 * Its optstring must begin with ':' (after an optional '+').
 *
 * \param argv  as given to the verb; argv[0] is its name
 * \param code  what getopt_long() returned: '?' or ':'
 */
void option_error(char **argv, int code);

/** Say that an option's argument is bad, and what it takes. */
void option_value_error(char **argv, const char *option, const char *takes);

/**
 * The one operand of a verb, argv[optind].
 *
 * \param what  its name in the synopsis, e.g. "LOG"
 * \return the operand, or NULL after a message when there is not exactly one
 */
const char *option_operand(int argc, char **argv, const char *what);

/**
 * The command line of a verb that takes one log, --json and --help.
 *
 * \param usage       printed for --help
 * \param[out] path  the log; NULL when there is nothing more to do
 * \param[out] json  --json was given
 * \return the exit status when \a path is NULL
 */
int option_log_and_json(int argc, char **argv, const char *usage, const char **path, bool *json);

#endif
