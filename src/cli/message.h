/**
 * \file message.h
 * \brief What the command says on stderr.
 *
 * All of it is one line that begins with "vrrl: ".  An error names the thing,
 * then the fault, and ends with "Fix: …".
 */
#ifndef VRRL_MESSAGE_H
#define VRRL_MESSAGE_H

#include <stdint.h>

/** The work cannot be done.  The format has no newline at its end. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Something to know that stops nothing. */
void message_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A log was refused. \param error  a VRRL_E code; errno is used for
 * VRRL_E_IO */
void message_log_error(const char *path, int error);

/** The session of a log was refused, and the log is used without it. */
void message_session_error(const char *path, int error);

/** A log was truncated in its records, and the rest of them is used. */
void message_lost_records(const char *path, uint64_t lost);

/** Finish stdout. \return \a status, or CLI_FAILED after a message when not all could be written
 *  (CLI_WELL without one when the reader of a pipe has seen enough) */
int message_finish_output(int status);

#endif
