/**
 * \file folder.h
 * \brief Where panels lie, and their files, safe against links and other users.
 *
 * A folder counts only when it is a folder, the user's own, and closed to others (0700); a file
 * only when it is a plain file of the same user, closed to others (0600) and as long as a panel.
 * No link is followed in either. Processes of several pid namespaces, which may have the same
 * number, can share a folder, as the containers of a pod do: a file is called after both.
 */
#ifndef VRRL_PANEL_FOLDER_H
#define VRRL_PANEL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "session/layout.h"

#define PANEL_FOLDERS 2u

/** A user whose folders they are. */
struct panel_user {
    uid_t user;
    /** As a process sees itself, in its user namespace: the folder is called so. */
    uid_t name;
};

/**
 * Open one of the folders of a user.
 *
 * \param root   the root folder that the process sees, "" for one's own; see root.h
 * \param which  0 … PANEL_FOLDERS - 1, in the order in which they are looked at
 * \param make   make it, for the calling user
 * \return a descriptor, or -1
 */
int panel_folder_open(const char *root, unsigned which, const struct panel_user *user, bool make);

/** Open the file of a process in it.  \return a descriptor, or -1: there is none, or it is none
 * that counts */
int panel_file_open(int folder, const struct session_owner *process, uid_t user);

/** Make the file of a process, whole from its first moment under its name.
 *  \param panel  PANEL_BYTES
 *  \return a descriptor, or -1; errno is EEXIST when another made one before */
int panel_file_make(int folder, const struct session_owner *process, const void *panel);

void panel_file_remove(int folder, const struct session_owner *process);

/**
 * Read the name of a file.
 *
 * \param process  its number and its pid namespace are told
 * \param maker  of one that is being made, the process that makes it; else 0
 * \return false: it is no such name
 */
bool panel_file_parse(const char *name, struct session_owner *process, uint32_t *maker);

#endif
