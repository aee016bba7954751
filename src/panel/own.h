/**
 * \file own.h
 * \brief The panel of the calling process, for the shim.
 *
 * Makes system calls, and none of them allocates with malloc or keeps a descriptor.
 */
#ifndef VRRL_PANEL_OWN_H
#define VRRL_PANEL_OWN_H

#include <stdbool.h>

#include "panel/panel.h"

/**
 * Map the panel of this process over memory of PANEL_BYTES, which begins a page.
 *
 * One that was prepared for it, or is its own from before an exec, is taken over with what is
 * asked there.  One of a dead process with its number is removed.
 *
 * \param make  make one where there is none
 * \return false, and the memory is as it was, when there is none
 */
bool panel_map_own(void *at, bool make);

/** Remove its file.  What is mapped stays. */
void panel_remove_own(void);

#endif
