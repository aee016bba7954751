/*
 * The life of the recorder in its process: begun with it, begun anew in its children, confined,
 * and switched on and off by what is asked in the panel.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <time.h>
#include <unistd.h>

#include "capture/came_late.h"
#include "capture/confinement.h"
#include "capture/publish_symbol.h"
#include "capture/recorder_state.h"
#include "capture/references.h"
#include "capture/seats.h"

static _Atomic int always_here = HERE;

struct recorder recorder = {
    .here = &always_here, .word = &recorder_nobody_asks, .changing = ATOMIC_FLAG_INIT};

__thread struct this_thread this_thread __attribute__((tls_model("initial-exec")));

/** A page that fork wipes, and behind it room for the panel. */
static bool prepare_memory(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *here =
        mmap(NULL, page + PANEL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (here == MAP_FAILED)
        return false;
    if (madvise(here, page, MADV_WIPEONFORK) != 0) {
        munmap(here, page + PANEL_BYTES);
        return false;
    }
    recorder.panel = (struct panel *)(void *)((uint8_t *)here + page);
    recorder.here = here;
    atomic_store(recorder.here, HERE);
    return true;
}

/** Of a process of many threads it would take milliseconds; there the command that ends a recording
 *  runs the barrier. */
static void prepare_seats(void)
{
    if (__libc_single_threaded)
        seats_prepare();
}

void recorder_load(void)
{
    int expected = UNLOADED;
    if (!atomic_compare_exchange_strong(&recorder.state, &expected, LOADING))
        return;
    this_thread.switching = true;
    struct settings *settings = settings_now();
    settings_read(settings);
    bool tells_children = prepare_memory();
    if (!tells_children)
        recorder_say(
            "vrrl: not recording: a forked child could not be told from its parent: %s. Fix: use "
            "Linux 4.14 or newer.\n",
            strerror(errno));
    /* Who was loaded into a process that runs waits to be asked. */
    bool waits = settings->disabled || (settings->log[0] == '\0' && came_late());
    if (tells_children)
        recorder_find_panel(waits);
    recorder.wanted = tells_children && !waits;
    atomic_store(&recorder.watch, recorder.wanted ? 1 : 0);
    if (recorder.panel_is_shared)
        prepare_seats();
    recorder_say_state(recorder.wanted ? PANEL_WAITING : PANEL_DORMANT, NULL, NULL);
    this_thread.switching = false;
    atomic_store(&recorder.state, recorder.wanted ? IDLE : OFF);
}

/** The environment is read before the host can change it. */
__attribute__((constructor)) static void load_early(void)
{
    int saved = errno;
    recorder_load();
    /* No reference leads here yet. */
    if (recorder.panel != NULL && came_late())
        recorder_say_asleep(1);
    errno = saved;
}

void recorder_block_signals(sigset_t *before)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

static void begin_switching(sigset_t *signals)
{
    if (!atomic_load(&recorder.confined))
        recorder_block_signals(signals);
    this_thread.switching = true;
}

static void end_switching(const sigset_t *signals, enum state state)
{
    this_thread.switching = false;
    atomic_store(&recorder.state, state);
    if (!atomic_load(&recorder.confined))
        pthread_sigmask(SIG_SETMASK, signals, NULL);
}

/** Nothing of the parent's recording is the child's, but that one is wanted. */
static void begin_in_child(void)
{
    int wiped = ELSEWHERE;
    if (!atomic_compare_exchange_strong(recorder.here, &wiped, ARRIVING))
        return;
    sigset_t signals;
    begin_switching(&signals);
    bool confined = atomic_load(&recorder.confined);
    bool had_panel = recorder.panel_is_shared;
    recorder_drop_parents();
    atomic_store(&recorder.skipped_while_opening, 0);
    recorder_leave_panel();
    atomic_store(&recorder.acted, 0);
    atomic_store(&recorder.quiet, 0);
    recorder.wanted = recorder.wanted && !confined;
    if (had_panel && !confined)
        recorder_find_panel(true);
    recorder_say_state(recorder.wanted ? PANEL_WAITING : PANEL_DORMANT, NULL, NULL);
    enum state state = recorder.wanted ? IDLE : OFF;
    atomic_store(&recorder.state, state);
    /* Only now: whoever finds itself here believes the state. */
    atomic_store(recorder.here, HERE);
    end_switching(&signals, state);
}

/** Copy what is asked for.  \return the word that it was asked with */
static uint32_t read_request(struct panel_request *request)
{
    for (;;) {
        uint32_t word = recorder_word();
        if (panel_wants_on(word))
            *request = recorder.panel->request;
        atomic_thread_fence(memory_order_acquire);
        if (recorder_word() == word)
            return word;
    }
}

/** Act upon the word of the panel. */
static void obey(void)
{
    static struct panel_request request;
    sigset_t signals;
    begin_switching(&signals);
    uint32_t word = read_request(&request);
    bool on = panel_wants_on(word);
    bool confined = atomic_load(&recorder.confined);
    recorder_stop();
    recorder.wanted = on && !confined;
    if (on) {
        uint32_t next = atomic_load(&recorder.settings_now) + 1;
        settings_of_request(&recorder.settings[next % SETTINGS_KEPT], &request);
        atomic_store(&recorder.settings_now, next);
        recorder.late = true;
        atomic_fetch_add(&recorder.watch, 1);
    }
    recorder_begin_leaving(word);
    recorder_say_state(confined          ? PANEL_CONFINED
                       : recorder.wanted ? PANEL_WAITING
                                         : PANEL_DORMANT,
                       NULL, NULL);
    end_switching(&signals, recorder.wanted ? IDLE : OFF);
    /* Not by who lets others wait: it waits for the dynamic linker. */
    if (recorder.wanted && publish_symbols_asked())
        references_point_again();
}

void recorder_wake(void)
{
    if (recorder.panel != NULL)
        recorder_say_asleep(0);
    references_point_again();
    /* A host may call nothing but what is named there. */
    recorder_look_around(false);
}

static void say_failed(const char *log, const char *fault)
{
    char why[PANEL_FAULT_BYTES];
    snprintf(why, sizeof(why), "%s%s%s", errno == 0 ? "" : strerror(errno), errno == 0 ? "" : ": ",
             fault);
    recorder_say_state(PANEL_FAILED, log, why);
    /* Who asked in the panel is told there. */
    if (!recorder.late)
        recorder_say("vrrl: not recording%s%s: %s\n", log[0] == '\0' ? "" : " into ", log, why);
}

static void open_first(void)
{
    char log[PATH_MAX] = "";
    sigset_t signals;
    begin_switching(&signals);
    /* So that it is listed, and can be let go. */
    recorder_find_panel(true);
    if (recorder_word() != atomic_load(&recorder.acted)) {
        end_switching(&signals, IDLE);
        return;
    }
    prepare_seats();
    const char *fault = recorder_open_log(log);
    if (fault == NULL) {
        if (settings_now()->verbose)
            recorder_say("vrrl: recording into %s, %llu records\n", log,
                         (unsigned long long)vrrl_capacity(recorder.current->recording.log));
        confinement_watch_mappings();
        __atomic_fetch_add(&recorder.current->recording.header->skipped,
                           atomic_exchange(&recorder.skipped_while_opening, 0), __ATOMIC_RELAXED);
        recorder_say_state(PANEL_RECORDING, log, NULL);
    } else {
        recorder.wanted = false;
        say_failed(log, fault);
    }
    end_switching(&signals, fault == NULL ? RECORDING : OFF);
}

void recorder_look_around(bool publishing)
{
    for (;;) {
        int here = atomic_load(recorder.here);
        int state = atomic_load(&recorder.state);
        if (state == UNLOADED) {
            recorder_load();
        } else if (state != LOADING && here == ELSEWHERE) {
            begin_in_child();
        } else if (this_thread.switching) {
            if (publishing)
                atomic_fetch_add(&recorder.skipped_while_opening, 1);
            return;
        } else if (state == LOADING || state == SWITCHING || here != HERE) {
            sched_yield();
        } else if (recorder_word() != atomic_load(&recorder.acted)) {
            if (atomic_compare_exchange_strong(&recorder.state, &state, SWITCHING))
                obey();
        } else if (state == IDLE && publishing) {
            if (atomic_compare_exchange_strong(&recorder.state, &state, SWITCHING))
                open_first();
        } else {
            if (recorder_is_leaving())
                recorder_look_who_left();
            return;
        }
    }
}

void recorder_is_confined(void)
{
    int saved = errno;
    if (atomic_load(&recorder.state) == UNLOADED)
        recorder_load();
    while (recorder_is_here() && atomic_load(&recorder.state) == SWITCHING &&
           !this_thread.switching)
        sched_yield();
    bool before = atomic_exchange(&recorder.confined, true);
    int expected = IDLE;
    if (!before && atomic_compare_exchange_strong(&recorder.state, &expected, OFF)) {
        recorder.wanted = false;
        recorder_say("vrrl: not recording: the program forbids itself system calls (seccomp) "
                     "before its first publish, and a log cannot be opened any more. Fix: publish "
                     "once before the filter is installed.\n");
    }
    if (!before && expected != RECORDING)
        recorder_say_state(PANEL_CONFINED, NULL, NULL);
    errno = saved;
}
