#include "config.h"

#include "cli/shim.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/message.h"
#include "panel/panel.h"

bool shim_find(char shim[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *places[] = {".libs/" PANEL_SHIM, PANEL_SHIM};
    for (size_t i = 0; size > 0 && i < sizeof(places) / sizeof(places[0]); i++) {
        self[size] = '\0';
        char copy[PATH_MAX];
        memcpy(copy, self, (size_t)size + 1);
        if (snprintf(shim, PATH_MAX, "%s/%s", dirname(copy), places[i]) < PATH_MAX &&
            access(shim, R_OK) == 0) {
            return true;
        }
    }
    snprintf(shim, PATH_MAX, "%s", PKGLIBDIR "/" PANEL_SHIM);
    if (access(shim, R_OK) == 0) {
        return true;
    }
    message_error("%s: %s. Fix: install vrrl with 'make install'.", shim, strerror(errno));
    return false;
}
