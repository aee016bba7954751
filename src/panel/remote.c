#include "panel/remote.h"

#include <dirent.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "panel/folder.h"
#include "session/session.h"

#define LOCK_TRIES 200
#define READ_TRIES 200
#define PAUSE_NS 10000000
/** How much later a process comes to its own barrier (capture/recorder_leaving.c). */
#define BARRIER_MS 1500

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

static bool read_once(struct panel_remote *remote)
{
    struct panel *seen = &remote->seen;
    if (pread(remote->file, seen, sizeof(*seen), 0) != (ssize_t)sizeof(*seen))
        return false;
    /* The other side's texts end where it says, or at the end of their room. */
    seen->status.log[sizeof(seen->status.log) - 1] = '\0';
    seen->status.fault[sizeof(seen->status.fault) - 1] = '\0';
    seen->request.log[sizeof(seen->request.log) - 1] = '\0';
    return true;
}

bool panel_read(struct panel_remote *remote)
{
    for (int tries = 0; tries < READ_TRIES; tries++) {
        uint32_t changes;
        if (!read_once(remote))
            return false;
        ssize_t got =
            pread(remote->file, &changes, sizeof(changes), (off_t)offsetof(struct panel, changes));
        if (got == (ssize_t)sizeof(changes) && changes == remote->seen.changes && changes % 2 == 0)
            return true;
        pause_briefly();
    }
    return false;
}

static bool is_panel_of(const struct panel *panel, const struct process *process)
{
    return memcmp(panel->magic, PANEL_MAGIC, sizeof(panel->magic)) == 0 &&
           panel->version == PANEL_VERSION && panel->bytes == PANEL_BYTES &&
           memcmp(&panel->process, &process->identity, sizeof(process->identity)) == 0;
}

/** \return 0, ENOENT, or an errno */
static int open_in(const struct process *process, unsigned which, struct panel_remote *remote)
{
    int folder = panel_folder_open(process->root, which, &process->user, false);
    if (folder < 0)
        return ENOENT;
    remote->file = panel_file_open(folder, &process->identity, process->user.user);
    close(folder);
    if (remote->file < 0)
        return ENOENT;
    if (read_once(remote) && is_panel_of(&remote->seen, process))
        return 0;
    close(remote->file);
    remote->file = -1;
    return ENOENT;
}

static int make_file(const struct process *process, int folder)
{
    union panel_file new = {.bytes = {0}};
    panel_describe(&new.panel, &process->identity);
    /* One that does not count is of a dead process. */
    panel_file_remove(folder, &process->identity);
    int file = panel_file_make(folder, &process->identity, new.bytes);
    int error = file < 0 && errno != EEXIST ? errno : 0;
    if (file >= 0)
        close(file);
    return error;
}

static int make_in(const struct process *process, unsigned which)
{
    struct process_user before = process_act_as(process);
    int folder = panel_folder_open(process->root, which, &process->user, true);
    int error = folder < 0 ? errno : make_file(process, folder);
    process_act_again_as(before);
    if (folder >= 0)
        close(folder);
    return error;
}

int panel_open(const struct process *process, bool make, struct panel_remote *remote)
{
    int error = ENOENT;
    remote->file = -1;
    for (unsigned which = 0; which < PANEL_FOLDERS && error != 0; which++)
        error = open_in(process, which, remote);
    for (unsigned which = 0; make && which < PANEL_FOLDERS && error != 0; which++) {
        error = make_in(process, which);
        if (error == 0)
            error = open_in(process, which, remote);
    }
    return error;
}

bool panel_lock(struct panel_remote *remote)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (flock(remote->file, LOCK_EX | LOCK_NB) == 0)
            return true;
        pause_briefly();
    }
    return false;
}

void panel_unlock(struct panel_remote *remote)
{
    flock(remote->file, LOCK_UN);
}

static bool write_word(struct panel_remote *remote, size_t offset, uint32_t word)
{
    return pwrite(remote->file, &word, sizeof(word), (off_t)offset) == (ssize_t)sizeof(word);
}

bool panel_ask(struct panel_remote *remote, const struct panel_request *request)
{
    uint32_t word = panel_next_word(remote->seen.word, request != NULL);
    if (request != NULL &&
        pwrite(remote->file, request, sizeof(*request), (off_t)offsetof(struct panel, request)) !=
            (ssize_t)sizeof(*request))
        return false;
    if (!write_word(remote, offsetof(struct panel, word), word))
        return false;
    remote->seen.word = word;
    return true;
}

/** Wait until the panel of a request that was answered has come so far. */
static bool wait_until(struct panel_remote *remote,
                       bool (*is_so_far)(const struct panel *seen, uint32_t past), uint32_t past,
                       unsigned milliseconds)
{
    const uint32_t asked = remote->seen.word;
    for (unsigned waited = 0;; waited += PAUSE_NS / 1000000) {
        if (panel_read(remote) && remote->seen.status.answered == asked &&
            is_so_far(&remote->seen, past))
            return true;
        if (waited >= milliseconds)
            return false;
        pause_briefly();
    }
}

static bool is_past(const struct panel *seen, uint32_t state)
{
    return seen->status.state != state;
}

static bool is_left(const struct panel *seen, uint32_t word)
{
    return seen->left == word;
}

bool panel_wait(struct panel_remote *remote, unsigned milliseconds)
{
    return wait_until(remote, is_past, UINT32_MAX, milliseconds);
}

bool panel_wait_past(struct panel_remote *remote, enum panel_state state, unsigned milliseconds)
{
    return wait_until(remote, is_past, (uint32_t)state, milliseconds);
}

/** For all processes, as this is not the one that needs it.  It takes some 10 ms. */
static bool run_barrier(struct panel_remote *remote, uint32_t word)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0) == 0 &&
           write_word(remote, offsetof(struct panel, barrier), word);
}

bool panel_wait_left(struct panel_remote *remote, unsigned milliseconds)
{
    const uint32_t asked = remote->seen.word;
    if (!panel_wait(remote, milliseconds))
        return false;
    /* Without it the process runs its own, after a second. */
    if (remote->seen.left != asked && !run_barrier(remote, asked))
        milliseconds += BARRIER_MS;
    return wait_until(remote, is_left, asked, milliseconds);
}

bool panel_is_in_use(const struct process *process)
{
    return process_maps(process, PANEL_SHIM) != 0;
}

void panel_remove(const struct process *process)
{
    for (unsigned which = 0; which < PANEL_FOLDERS; which++) {
        int folder = panel_folder_open(process->root, which, &process->user, false);
        if (folder < 0)
            continue;
        panel_file_remove(folder, &process->identity);
        close(folder);
    }
}

void panel_close(struct panel_remote *remote)
{
    if (remote->file >= 0)
        close(remote->file);
    remote->file = -1;
}

static int compare_pids(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

struct pids {
    uint32_t *list;
    size_t len;
};

static void add_pid(struct pids *pids, uint32_t pid)
{
    uint32_t *list = reallocarray(pids->list, pids->len + 1, sizeof(*list));
    if (list == NULL)
        return;
    pids->list = list;
    pids->list[pids->len++] = pid;
}

/** Remove a file of a process that is dead, or one that such a process began. */
static void remove_dead(int folder, const char *name, uint64_t our_namespace)
{
    struct session_owner owner;
    struct process process;
    uint32_t maker;
    /* In another pid namespace it may live, unseen. */
    if (!panel_file_parse(name, &owner, &maker) || owner.pid_namespace != our_namespace)
        return;
    if (!process_look(maker == 0 ? owner.pid : maker, &process) || process.zombie)
        unlinkat(folder, name, 0);
}

static void remove_dead_ones(unsigned which, uint64_t our_namespace)
{
    const struct panel_user user = {geteuid(), geteuid()};
    int folder = panel_folder_open("", which, &user, false);
    DIR *entries = folder < 0 ? NULL : fdopendir(dup(folder));
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
        remove_dead(folder, entry->d_name, our_namespace);
    if (entries != NULL)
        closedir(entries);
    if (folder >= 0)
        close(folder);
}

static bool has_panel(uint32_t pid)
{
    struct process process;
    struct panel_remote panel;
    if (!process_look(pid, &process) || process.zombie ||
        (geteuid() != 0 && geteuid() != process.user.user) ||
        panel_open(&process, false, &panel) != 0)
        return false;
    panel_close(&panel);
    return true;
}

static void list(struct pids *pids)
{
    DIR *processes = opendir("/proc");
    for (const struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
        uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);
        if (pid != 0 && has_panel(pid))
            add_pid(pids, pid);
    }
    if (processes != NULL)
        closedir(processes);
}

void panel_for_each(void (*each)(uint32_t pid, void *opaque), void *opaque)
{
    struct pids pids = {0};
    struct session_owner self;
    session_owner_self(&self);
    for (unsigned which = 0; which < PANEL_FOLDERS && session_proc_has_our_numbers(); which++)
        remove_dead_ones(which, self.pid_namespace);
    list(&pids);
    if (pids.len > 0)
        qsort(pids.list, pids.len, sizeof(*pids.list), compare_pids);
    for (size_t i = 0; i < pids.len; i++)
        each(pids.list[i], opaque);
    free(pids.list);
}
