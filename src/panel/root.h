/**
 * \file root.h
 * \brief Files of a process that has another root folder, or sees other mounts, than the caller.
 *
 * Below /proc/PID/root the kernel would follow an absolute link from the caller's root folder on;
 * here each link leads where it leads the process, and never out of its root folder.
 */
#ifndef VRRL_PANEL_ROOT_H
#define VRRL_PANEL_ROOT_H

#include <limits.h>

/**
 * Open what a process finds at an absolute path.
 *
 * \param root  its root folder as the caller finds it, /proc/PID/root; "": the caller's own
 * \return a descriptor, or -1 with errno; ENOSYS: the kernel is older than Linux 5.6
 */
int root_open(const char *root, const char *path, int flags);

/**
 * Find a path by which the caller reaches what a process finds at an absolute path. What it names
 * need not exist, but its folder.
 *
 * \return a descriptor that keeps \a here good until it is closed, or -1 with errno
 */
int root_reach(const char *root, const char *path, char here[PATH_MAX]);

#endif
