/**
 * \file message.h
 * \brief What the command says on stderr.
 *
 * All of it is one line that begins with "vrrl: ".  An error names the thing,
 * then the fault, and ends with "Fix: …".
 */
#ifndef VRRL_MESSAGE_H
#define VRRL_MESSAGE_H

/** The work cannot be done.  The format has no newline at its end. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Something to know that stops nothing. */
void message_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A log or its session was refused. \param error  a VRRL_E or SESSION_E code; errno is used for
 * VRRL_E_IO */
void message_log_error(const char *path, int error);

/** Finish stdout. \return \a status, or CLI_FAILED after a message when not all could be written */
int message_finish_output(int status);

#endif
