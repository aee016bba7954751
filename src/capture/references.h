/**
 * \file references.h
 * \brief Pointing the references of loaded objects at the hooks, where the dynamic linker did not.
 *
 * A preloaded library comes first in the order of lookup, but not for an object that was
 * loaded with RTLD_DEEPBIND, which sees its own libraries first.  Objects that were loaded since
 * the last time are looked at by references_point().
 *
 * Known limits: an object that is used without any dlsym() after it was loaded (it registered
 * itself from its constructor) is looked at when dlsym() is called for something else; objects of
 * other namespaces (dlmopen) are left alone.
 */
#ifndef VRRL_CAPTURE_REFERENCES_H
#define VRRL_CAPTURE_REFERENCES_H

#include <stdbool.h>

/** Point the references to hooked functions in objects that were loaded since the last call.
 *  References that lead to another function than the hook's original stay as they are.  Takes the
 *  dynamic linker's lock; not signal safe. */
void references_point(void);

/** The same in all objects: there are new hooks, or the shim came late (came_late.h) and wakes. */
void references_point_again(void);

/** Of a shim that came late: lead all references to their originals again, and point none until
 *  references_point_again().  Of others: nothing.
 *  \param may  asked when nobody else points or restores any: whether it is still wanted
 *  \return false when it is not, or cannot be done now */
bool references_restore(bool (*may)(void));

#endif
