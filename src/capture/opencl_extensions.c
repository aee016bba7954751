/*
 * Functions that the host finds by clGetExtensionFunctionAddress.
 */
#include "capture/opencl_extensions.h"

#include <string.h>

static struct hook *find(struct hook *hooks, size_t len, const char *name)
{
    for (size_t i = 0; i < len && hooks[i].name != NULL; i++)
        if (strcmp(hooks[i].name, name) == 0)
            return &hooks[i];
    return NULL;
}

/** The hook in the place of the function.  Of two drivers' functions with one name, the one that
 *  was asked for first is hooked. */
static void *replace(const char *name, void *found)
{
    if (found == NULL || name == NULL || !gpu_is_remembered())
        return found;
    struct hook *hook = find(opencl_command_buffer_hooks, SIZE_MAX, name);
    if (hook == NULL)
        hook = find(opencl_functions, OPENCL_HOOKS_LEN, name);
    if (hook == NULL)
        return found;
    void *original = NULL;
    if (atomic_compare_exchange_strong(&hook->original, &original, found) || original == found)
        return hook->replacement;
    return found;
}

OPENCL_HOOK void *CL_API_CALL clGetExtensionFunctionAddressForPlatform(cl_platform_id platform,
                                                                       const char *name)
{
    OPENCL_PASS_ON(clGetExtensionFunctionAddressForPlatform, NULL)
    return replace(name, original(platform, name));
}

OPENCL_HOOK void *CL_API_CALL clGetExtensionFunctionAddress(const char *name)
{
    OPENCL_PASS_ON(clGetExtensionFunctionAddress, NULL)
    return replace(name, original(name));
}
