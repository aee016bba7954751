#include "config.h"

#include "cli/target_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/message.h"
#include "panel/root.h"
#include "session/log_name.h"
#include "session/session.h"
#include "session/writer.h"

#define OLD_SUFFIX ".old"
#define OPENCL_LOADER "libOpenCL.so"

static bool fail_long(const struct target_log *log)
{
    message_error("%s: the name is too long. Fix: choose a shorter one.", log->name);
    return false;
}

/** Make the name absolute. \return false with errno */
static bool resolve(struct target_log *log, const char *base)
{
    char copy[PATH_MAX];
    char folder[PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", log->name);
    if (realpath(dirname(copy), folder) == NULL) {
        return false;
    }
    const char *between = strcmp(folder, "/") == 0 ? "" : "/";
    errno = ENAMETOOLONG;
    return snprintf(log->path, sizeof(log->path), "%s%s%s", folder, between, base) <
               (int)sizeof(log->path) &&
           snprintf(log->here, sizeof(log->here), "%s", log->path) < (int)sizeof(log->here);
}

/** Of a process with another root folder the name must be absolute, and stays as it is. The folder
 * is kept open until the command ends. */
static bool reach(const char *root, struct target_log *log)
{
    strcpy(log->path, log->name);
    return root_reach(root, log->path, log->here) >= 0;
}

static bool find_folder(const char *root, struct target_log *log)
{
    char copy[PATH_MAX];
    char session[PATH_MAX];
    if (strlen(log->name) >= sizeof(log->path) - sizeof(OLD_SUFFIX)) {
        return fail_long(log);
    }
    const char *last = strrchr(log->name, '/');
    const char *base = last == NULL ? log->name : last + 1;
    if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        message_error("'%s' names no file. Fix: end the name of the log in a file name.",
                      log->name);
        return false;
    }
    if (root[0] != '\0' && log->name[0] != '/') {
        message_error("%s: the process has another root folder or other mounts than vrrl, and the "
                      "name leads nowhere there. Fix: give the log's path as the process sees it, "
                      "from / on, with -o.",
                      log->name);
        return false;
    }
    bool found = root[0] == '\0' ? resolve(log, base) : reach(root, log);
    if (!found && errno == ENAMETOOLONG) {
        return fail_long(log);
    }
    snprintf(copy, sizeof(copy), "%s", log->here);
    if (!found || faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS) != 0) {
        message_error("%s: no log can be written into its folder%s: %s. Fix: create the folder, or "
                      "choose another one with -o.",
                      log->name, root[0] == '\0' ? "" : ", as the process sees it",
                      strerror(errno));
        return false;
    }
    if (strlen(log->path) >= sizeof(log->path) - sizeof(OLD_SUFFIX) ||
        strlen(log->here) >= sizeof(log->here) - sizeof(OLD_SUFFIX) ||
        !session_path(log->here, session)) {
        return fail_long(log);
    }
    return true;
}

/** Look at the session of an existing log. \return false after a message when a recorder lives */
static bool check_owner(const struct target_log *log, uint64_t capacity)
{
    struct session_reader *session;
    if (session_reader_open(log->here, capacity, &session) != 0) {
        return true;
    }
    struct session_owner owner = session_reader_header(session)->owner;
    session_reader_close(session);
    if (session_owner_alive(&owner)) {
        message_error("%s: process %u is recording into it. Fix: wait until it ends, or choose "
                      "another log with -o.",
                      log->name, (unsigned)owner.pid);
        return false;
    }
    return true;
}

static bool check_existing(struct target_log *log, bool append)
{
    struct vrrl_reader *reader;
    int error = vrrl_reader_open(log->here, &reader);
    if (error == VRRL_E_NOT_FOUND) {
        return true;
    }
    // A damaged log, or an empty file, is kept as ….old; what never was a log stays where it is.
    struct stat status;
    bool empty =
        error == VRRL_E_TRUNCATED_HEADER && stat(log->here, &status) == 0 && status.st_size == 0;
    bool kept = !append && (empty || error == VRRL_E_VERSION || error == VRRL_E_CAPACITY_ZERO ||
                            error == VRRL_E_CAPACITY_OVER || error == VRRL_E_RECORD_MAGIC);
    if (error != 0) {
        if (!kept) {
            message_log_error(log->name, error);
        }
        log->replaced = kept;
        return kept;
    }
    struct vrrl_info info;
    vrrl_reader_info(reader, &info);
    vrrl_reader_close(reader);
    if (append && info.lost > 0) {
        message_log_error(log->name, VRRL_E_TRUNCATED_RECORDS);
        return false;
    }
    log->replaced = !append;
    return check_owner(log, info.capacity);
}

static bool is_expanded(const char *name)
{
    const char *at = log_name_file(name);
    while (*at != '\0' && !log_name_expands(at)) {
        at++;
    }
    return *at != '\0';
}

bool target_log_check(const struct process *process, const char *name, bool append,
                      struct target_log *log)
{
    *log = (struct target_log){.process = process, .name = name};
    return find_folder(process == NULL ? "" : process->root, log) &&
           (is_expanded(name) || check_existing(log, append));
}

/** No link is followed, also when the folder is another user's who makes one meanwhile.
 *  \return false with errno */
static bool remove_session(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT;
    }
    DIR *entries = fdopendir(folder);
    if (entries == NULL) {
        close(folder);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        unlinkat(folder, entry->d_name, 0);
    }
    closedir(entries);
    return rmdir(path) == 0;
}

static bool remove_unused(const struct process *process, const char *here)
{
    if (process == NULL) {
        return recording_remove_unused(here);
    }
    struct process_user before = process_act_as(process);
    bool removed = recording_remove_unused(here);
    process_act_again_as(before);
    return removed;
}

bool target_log_make_room(const struct target_log *log)
{
    char old[PATH_MAX];
    char session[PATH_MAX];
    char old_session[PATH_MAX];
    if (!log->replaced || remove_unused(log->process, log->here)) {
        return true;
    }
    snprintf(old, sizeof(old), "%.*s" OLD_SUFFIX, (int)(sizeof(old) - sizeof(OLD_SUFFIX)),
             log->here);
    if (!session_path(log->here, session) || !session_path(old, old_session)) {
        return fail_long(log);
    }
    bool done = remove_session(old_session) && rename(log->here, old) == 0 &&
                (rename(session, old_session) == 0 || errno == ENOENT);
    if (!done) {
        message_error("%s: could not be kept as %s" OLD_SUFFIX ": %s. Fix: move it away, or choose "
                      "another log with -o.",
                      log->name, log->name, strerror(errno));
    }
    return done;
}

void target_log_prepare(const struct target_log *log, uint64_t capacity)
{
    if (is_expanded(log->name)) {
        return;
    }
    bool launches = process_maps(log->process, OPENCL_LOADER) > 0;
    struct process_user before = process_act_as(log->process);
    recording_prepare(log->here, capacity, launches);
    process_act_again_as(before);
}

void target_log_take_back(const struct process *process, const char *path)
{
    char here[PATH_MAX];
    int folder = root_reach(process->root, path, here);
    if (folder >= 0) {
        remove_unused(process, here);
        close(folder);
    }
}
