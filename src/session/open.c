/*
 * Opening a log and its session for recording, as one of them.
 */
#include "session/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"
#include "log/inspect.h"
#include "session/open_parts.h"
#include "session/run_description.h"
#include "session/slots.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600

int session_lock_folder(const char *log_path)
{
    char path[PATH_MAX];
    if (!session_path(log_path, path))
        return SESSION_E_PATH;
    if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        return errno == ENOSPC || errno == EDQUOT ? VRRL_E_NO_SPACE : VRRL_E_IO;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return VRRL_E_IO;
    while (flock(folder, LOCK_EX) != 0) {
        if (errno != EINTR) {
            close(folder);
            return VRRL_E_IO;
        }
    }
    return folder;
}

void session_remove_empty_folder(const char *log_path)
{
    char path[PATH_MAX];
    if (session_path(log_path, path))
        rmdir(path);
}

bool session_look_before(const char *log_path, struct session_before *before)
{
    char path[PATH_MAX];
    uint64_t bytes;
    uint32_t runs;
    uint64_t first;
    if (!session_file_path(log_path, SESSION_SLOTS_FILE, path))
        return false;
    int file = log_open_file(path, O_RDONLY, &bytes);
    if (file < 0)
        return false;
    bool got =
        pread(file, &before->owner, sizeof(before->owner),
              offsetof(struct session_header, owner)) == sizeof(before->owner) &&
        pread(file, &runs, sizeof(runs), offsetof(struct session_header, runs)) == sizeof(runs) &&
        pread(file, &first, sizeof(first), offsetof(struct session_header, first_sequence)) ==
            sizeof(first);
    close(file);
    before->unused = got && runs == 0 && first == 0;
    return got;
}

/** Whether another process that still runs records into the log. */
static bool is_owned(const struct session_owner *owner)
{
    struct session_owner self;
    session_owner_self(&self);
    /* A program that was exec'ed over the owner is the same process, and goes on with its log. */
    return memcmp(owner, &self, sizeof(*owner)) != 0 && session_owner_alive(owner);
}

static void put_all_aside(const char *log_path)
{
    session_put_aside(log_path, SESSION_SLOTS_FILE);
    session_put_aside(log_path, SESSION_RUNS_FILE);
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        session_put_aside(log_path, journal_name((enum journal_kind)kind));
}

static int map_slots(int file, uint64_t capacity, struct recording *recording)
{
    uint64_t bytes = session_slots_bytes(capacity);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return VRRL_E_NO_MEMORY;
    recording->header = map;
    recording->slots = (struct session_slot *)((uint8_t *)map + SESSION_HEADER_BYTES);
    recording->map_bytes = bytes;
    return 0;
}

static int create_slots(const char *log_path, uint64_t capacity, uint64_t first_sequence,
                        struct recording *recording)
{
    char path[PATH_MAX];
    char unfinished[PATH_MAX];
    if (!session_file_path(log_path, SESSION_SLOTS_FILE, path))
        return SESSION_E_PATH;
    int file = log_create_unfinished(path, FILE_MODE, unfinished);
    if (file < 0)
        return file;
    int error = log_allocate(file, session_slots_bytes(capacity));
    if (error == 0)
        error = map_slots(file, capacity, recording);
    close(file);
    if (error != 0) {
        unlink(unfinished);
        return error;
    }
    struct session_header *header = recording->header;
    log_populate(header, recording->map_bytes);
    memcpy(header->magic, SESSION_MAGIC, sizeof(header->magic));
    header->version = SESSION_VERSION;
    header->slot_bytes = sizeof(struct session_slot);
    header->capacity = capacity;
    header->first_sequence = first_sequence;
    return log_give_name(unfinished, path);
}

/** Map the slots of an existing log, or begin new ones where there are none that fit. */
static int open_slots(const char *log_path, bool unused, struct recording *recording)
{
    char path[PATH_MAX];
    uint64_t bytes;
    uint64_t capacity = recording->log->capacity;
    if (!session_file_path(log_path, SESSION_SLOTS_FILE, path))
        return SESSION_E_PATH;
    int file = log_open_file(path, O_RDWR, &bytes);
    if (file == VRRL_E_NOT_FOUND)
        return create_slots(log_path, capacity, log_total(recording->log), recording);
    if (file < 0)
        return file;
    int error = 0;
    int unfit = bytes < SESSION_HEADER_BYTES ? SESSION_E_TRUNCATED : 0;
    if (unfit == 0) {
        void *header = mmap(NULL, SESSION_HEADER_BYTES, PROT_READ, MAP_SHARED, file, 0);
        if (header == MAP_FAILED) {
            close(file);
            return VRRL_E_NO_MEMORY;
        }
        unfit = session_check_slots(header, bytes, capacity);
        munmap(header, SESSION_HEADER_BYTES);
    }
    if (unfit == 0)
        error = map_slots(file, capacity, recording);
    close(file);
    if (error != 0)
        return error;
    if (unfit != 0) {
        put_all_aside(log_path);
        return create_slots(log_path, capacity, log_total(recording->log), recording);
    }
    /* As the log itself (log_open()). */
    if (unused && log_total(recording->log) == 0)
        return 0;
    log_populate(recording->header, recording->map_bytes);
    uint64_t cursor = atomic_load(&recording->log->header->cursor);
    log_set_total(recording->log,
                  session_count_total(recording->header, recording->slots, capacity, cursor));
    return 0;
}

int session_open_files(const char *log_path, uint64_t capacity, bool unused,
                       struct recording *recording)
{
    int error = log_open(log_path, unused, &recording->log);
    if (error == 0)
        return open_slots(log_path, unused, recording);
    if (error != VRRL_E_NOT_FOUND)
        return error;
    if (capacity == 0 || capacity > VRRL_CAPACITY_MAX)
        return capacity == 0 ? VRRL_E_CAPACITY_ZERO : VRRL_E_CAPACITY_OVER;
    put_all_aside(log_path);
    /* The log last: where it is, its session is whole. */
    error = create_slots(log_path, capacity, 0, recording);
    if (error != 0)
        return error;
    error = vrrl_create(log_path, capacity, &recording->log);
    char path[PATH_MAX];
    if (error != 0 && session_file_path(log_path, SESSION_SLOTS_FILE, path))
        unlink(path);
    return error;
}

static void begin_run(const char *log_path, struct recording *recording)
{
    struct session_header *header = recording->header;
    struct session_run run = {
        .number = header->runs + 1,
        .pid = (uint32_t)getpid(),
        .first_sequence = log_total(recording->log),
        .start_ns = log_clock_realtime(),
    };
    session_owner_self(&header->owner);
    header->run_table[header->runs % SESSION_RUNS_MAX] = run;
    __atomic_store_n(&header->runs, run.number, __ATOMIC_RELEASE);
    recording->run = run.number;
    session_describe_run(log_path, &run);
}

/** The slots are kept all the same, in memory of the process alone: so there is one way to record,
 *  and the run's own publishes are known to it. */
static int open_bare(const char *log_path, uint64_t capacity, struct recording *recording)
{
    int error = vrrl_create(log_path, capacity, &recording->log);
    if (error != 0)
        return error == VRRL_E_EXISTS ? SESSION_E_OWNED : error;
    uint64_t bytes = session_slots_bytes(capacity);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (map == MAP_FAILED) {
        unlink(log_path);
        return VRRL_E_NO_MEMORY;
    }
    recording->header = map;
    recording->slots = (struct session_slot *)((uint8_t *)map + SESSION_HEADER_BYTES);
    recording->map_bytes = bytes;
    recording->header->capacity = capacity;
    session_owner_self(&recording->header->owner);
    recording->run = 1;
    return 0;
}

int recording_open(const char *log_path, uint64_t capacity, bool session,
                   struct recording *recording)
{
    memset(recording, 0, sizeof(*recording));
    if (!session) {
        int refused = open_bare(log_path, capacity, recording);
        if (refused != 0)
            recording_close(recording);
        return refused;
    }
    snprintf(recording->session_of, sizeof(recording->session_of), "%s", log_path);
    int folder = session_lock_folder(log_path);
    if (folder < 0)
        return folder;
    struct session_before before = {.unused = false};
    int error = session_look_before(log_path, &before) && is_owned(&before.owner)
                    ? SESSION_E_OWNED
                    : session_open_files(log_path, capacity, before.unused, recording);
    if (error == 0)
        begin_run(log_path, recording);
    int saved = errno;
    if (error != 0) {
        recording_close(recording);
        session_remove_empty_folder(log_path);
    }
    close(folder);
    errno = saved;
    return error;
}

static void close_journals(struct recording *recording)
{
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        journal_close(&recording->journals[kind]);
}

int recording_open_journals(struct recording *recording)
{
    static const uint64_t bytes[JOURNAL_KINDS] = {
        [JOURNAL_SUBMITS] = SESSION_SUBMITS_BYTES,
        [JOURNAL_OBSERVATIONS] = SESSION_OBSERVATIONS_BYTES,
        [JOURNAL_PROGRAMS] = SESSION_PROGRAMS_BYTES,
    };
    const char *session_of = recording->session_of[0] == '\0' ? NULL : recording->session_of;
    int error = 0;
    for (int kind = 0; kind < JOURNAL_KINDS && error == 0; kind++)
        error = journal_open(session_of, (enum journal_kind)kind, bytes[kind],
                             &recording->journals[kind]);
    if (error != 0)
        close_journals(recording);
    return error;
}

static struct session_run *run_of(struct recording *recording)
{
    return &recording->header->run_table[(recording->run - 1) % SESSION_RUNS_MAX];
}

void recording_begun_late(struct recording *recording)
{
    run_of(recording)->flags |= SESSION_RUN_LATE;
}

void recording_checkpoint(struct recording *recording)
{
    run_of(recording)->checkpoint = log_total(recording->log) + 1;
}

void recording_end(struct recording *recording)
{
    run_of(recording)->end_ns = log_clock_realtime();
    __atomic_store_n(&recording->header->owner.pid, 0, __ATOMIC_RELEASE);
}

bool recording_close_some(struct recording *recording, uint64_t bytes)
{
    for (int kind = 0; kind < JOURNAL_KINDS; kind++)
        if (!journal_close_some(&recording->journals[kind], &bytes))
            return false;
    if (recording->log != NULL && !log_close_some(recording->log, &bytes))
        return false;
    recording->log = NULL;
    if (recording->header != NULL &&
        !log_unmap_some(recording->header, &recording->map_bytes, &bytes))
        return false;
    memset(recording, 0, sizeof(*recording));
    return true;
}

void recording_close(struct recording *recording)
{
    recording_close_some(recording, UINT64_MAX);
}
