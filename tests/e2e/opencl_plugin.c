/* opencl_host as a plugin: the kernel's path is in the environment. */
#include <stdlib.h>

#include "opencl_host.h"

__attribute__((visibility("default"))) int plugin_publish(void);

int plugin_publish(void)
{
    char *argv[] = {"opencl_plugin", getenv("KERNEL"), "write", NULL};
    return OPENCL_HOST_MAIN(3, argv);
}
