/**
 * \file folder.h
 * \brief Where panels lie, and their files, safe against links and other users.
 *
 * A folder counts only when it is a folder, the user's own, and closed to others (0700); a file
 * only when it is a plain file of the same user, closed to others (0600) and as long as a panel.
 * No link is followed in either.
 */
#ifndef VRRL_PANEL_FOLDER_H
#define VRRL_PANEL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PANEL_FOLDERS 2u

/**
 * Open one of the folders of a user.
 *
 * \param root   the root folder that the process sees, "" for one's own; see process_root()
 * \param which  0 … PANEL_FOLDERS - 1, in the order in which they are looked at
 * \param make   make it, for the calling user
 * \return a descriptor, or -1
 */
int panel_folder_open(const char *root, unsigned which, uid_t user, bool make);

/** Open a file in it.  \return a descriptor, or -1: there is none, or it is none that counts */
int panel_file_open(int folder, uint32_t pid, uid_t user);

/** Make the file of a process, whole from its first moment under its name.
 *  \param panel  PANEL_BYTES
 *  \return a descriptor, or -1; errno is EEXIST when another made one before */
int panel_file_make(int folder, uint32_t pid, const void *panel);

void panel_file_remove(int folder, uint32_t pid);

#endif
