/**
 * \file open_parts.h
 * \brief Steps of opening a log and its session, shared by who records and who prepares.
 */
#ifndef VRRL_SESSION_OPEN_PARTS_H
#define VRRL_SESSION_OPEN_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "session/writer.h"

/** Make the session folder and hold its lock, so that of several first publishers one is first.
 *  \return a descriptor that holds the lock, or a VRRL_E code */
int session_lock_folder(const char *log_path);

/** Leave no empty folder behind of a recording that could not begin. */
void session_remove_empty_folder(const char *log_path);

/** What is there before. */
struct session_before {
    struct session_owner owner;
    /** Nobody ever recorded into it. */
    bool unused;
};

/** \return false when there is no session */
bool session_look_before(const char *log_path, struct session_before *before);

/** Open log and slots, or create them.  With the folder's lock held.
 *  \param unused  as of log_open() */
int session_open_files(const char *log_path, uint64_t capacity, bool unused,
                       struct recording *recording);

#endif
