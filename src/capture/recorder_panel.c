/*
 * The panel of this process, as the shim sees it.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/recorder_state.h"
#include "log/clock.h"
#include "panel/own.h"

const uint32_t recorder_nobody_asks;

void recorder_find_panel(bool make)
{
    if (recorder.panel == NULL || recorder.panel_is_shared || !panel_map_own(recorder.panel, make))
        return;
    recorder.panel_is_shared = true;
    atomic_store(&recorder.word, &recorder.panel->word);
}

void recorder_leave_panel(void)
{
    atomic_store(&recorder.word, &recorder_nobody_asks);
    if (!recorder.panel_is_shared)
        return;
    recorder.panel_is_shared = false;
    if (!atomic_load(&recorder.confined) &&
        mmap(recorder.panel, PANEL_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != recorder.panel)
        recorder.panel = NULL;
}

static void say_recording(struct panel_status *status, const char *log)
{
    struct opened *opened = atomic_load(&recorder.current);
    struct stat file;
    const struct recording *recording = &opened->recording;
    status->since_ns = log_clock_realtime();
    status->run = recording->run;
    status->failed_before = recording->header->failed;
    status->skipped_before = recording->header->skipped;
    bool found = stat(log, &file) == 0;
    status->log_device = found ? file.st_dev : 0;
    status->log_inode = found ? file.st_ino : 0;
}

static void copy_text(char *to, size_t room, const char *text)
{
    size_t length = strnlen(text, room - 1);
    memcpy(to, text, length);
    to[length] = '\0';
}

void recorder_say_state(enum panel_state state, const char *log, const char *fault)
{
    if (!recorder.panel_is_shared)
        return;
    struct panel *panel = recorder.panel;
    struct panel_status *status = &panel->status;
    /* One that was killed, or exec'ed another program, while it wrote left an odd number. */
    uint32_t changes = panel->changes / 2 * 2;
    __atomic_store_n(&panel->changes, changes + 1, __ATOMIC_SEQ_CST);
    status->state = (uint32_t)state;
    status->answered = atomic_load(&recorder.acted);
    if (state == PANEL_RECORDING)
        say_recording(status, log);
    copy_text(status->log, sizeof(status->log), log == NULL ? "" : log);
    copy_text(status->fault, sizeof(status->fault), fault == NULL ? "" : fault);
    __atomic_store_n(&panel->changes, changes + 2, __ATOMIC_SEQ_CST);
}

void recorder_say_asleep(uint32_t asleep)
{
    __atomic_store_n(&recorder.panel->asleep, asleep, __ATOMIC_SEQ_CST);
}

/** Nobody need find the panel of a process that ends. */
__attribute__((destructor)) static void remove_panel(void)
{
    if (recorder.panel_is_shared && recorder_is_here() && !atomic_load(&recorder.confined))
        panel_remove_own();
}
