#include "panel/own.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "panel/folder.h"
#include "session/session.h"

static bool is_panel_of(int file, const struct session_owner *process)
{
    struct {
        uint8_t magic[8];
        uint32_t version;
        uint32_t bytes;
        struct session_owner process;
    } head;
    _Static_assert(sizeof(head) <= offsetof(struct panel, word), "the beginning of a panel");
    return pread(file, &head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
           memcmp(head.magic, PANEL_MAGIC, sizeof(head.magic)) == 0 &&
           head.version == PANEL_VERSION && head.bytes == PANEL_BYTES &&
           memcmp(&head.process, process, sizeof(*process)) == 0;
}

/** \return a descriptor of the panel in a folder, or -1 */
static int find(int folder, const struct session_owner *process, bool make)
{
    union panel_file new = {.bytes = {0}};
    panel_describe(&new.panel, process);
    /* The second time it is made in the place of another's. */
    for (int tries = 0; tries < 2; tries++) {
        int file = panel_file_open(folder, process, geteuid());
        if (file >= 0 && is_panel_of(file, process))
            return file;
        if (file >= 0)
            close(file);
        if (!make)
            return -1;
        if (file >= 0)
            panel_file_remove(folder, process);
        file = panel_file_make(folder, process, new.bytes);
        if (file >= 0)
            return file;
    }
    return -1;
}

static int open_folder(unsigned which, bool make)
{
    const struct panel_user user = {geteuid(), geteuid()};
    return panel_folder_open("", which, &user, make);
}

static bool map_in(unsigned which, const struct session_owner *process, void *at, bool make)
{
    int folder = open_folder(which, make);
    if (folder < 0)
        return false;
    int file = find(folder, process, make);
    close(folder);
    if (file < 0)
        return false;
    void *map = mmap(at, PANEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    close(file);
    return map == at;
}

bool panel_map_own(void *at, bool make)
{
    struct session_owner process;
    session_owner_self(&process);
    for (unsigned which = 0; which < PANEL_FOLDERS; which++)
        if (map_in(which, &process, at, false))
            return true;
    for (unsigned which = 0; make && which < PANEL_FOLDERS; which++)
        if (map_in(which, &process, at, true))
            return true;
    return false;
}

void panel_remove_own(void)
{
    struct session_owner process;
    session_owner_self(&process);
    for (unsigned which = 0; which < PANEL_FOLDERS; which++) {
        int folder = open_folder(which, false);
        if (folder < 0)
            continue;
        panel_file_remove(folder, &process);
        close(folder);
    }
}
