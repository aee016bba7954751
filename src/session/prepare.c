/*
 * Making the files of a recording for a process that runs, and taking them away again.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log/files.h"
#include "session/open_parts.h"
#include "session/slots.h"

static bool is_empty(const char *log_path)
{
    struct vrrl_reader *reader;
    struct vrrl_info info;
    if (vrrl_reader_open(log_path, &reader) != 0)
        return false;
    vrrl_reader_info(reader, &info);
    vrrl_reader_close(reader);
    return info.live == 0;
}

static void remove_file(const char *log_path, const char *name)
{
    char path[PATH_MAX];
    if (session_file_path(log_path, name, path))
        unlink(path);
}

/** With the folder's lock held.  The log first: what is left of a session without one is put aside
 *  by who records next. */
static void remove_all(const char *log_path)
{
    unlink(log_path);
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        remove_file(log_path, journal_name((enum journal_kind)kind));
    remove_file(log_path, SESSION_SLOTS_FILE);
    session_remove_empty_folder(log_path);
}

int recording_prepare(const char *log_path, uint64_t capacity, bool journals)
{
    struct recording recording;
    memset(&recording, 0, sizeof(recording));
    snprintf(recording.session_of, sizeof(recording.session_of), "%s", log_path);
    log_be_gentle();
    int folder = session_lock_folder(log_path);
    if (folder < 0)
        return folder;
    int error = access(log_path, F_OK) == 0
                    ? VRRL_E_EXISTS
                    : session_open_files(log_path, capacity, false, &recording);
    if (error == 0 && journals) {
        error = recording_open_journals(&recording);
        if (error != 0)
            remove_all(log_path);
    }
    recording_close(&recording);
    session_remove_empty_folder(log_path);
    close(folder);
    return error;
}

bool recording_remove_unused(const char *log_path)
{
    struct session_before before;
    if (!session_look_before(log_path, &before) || !before.unused)
        return false;
    int folder = session_lock_folder(log_path);
    if (folder < 0)
        return false;
    bool unused = session_look_before(log_path, &before) && before.unused && is_empty(log_path);
    if (unused)
        remove_all(log_path);
    close(folder);
    return unused;
}
