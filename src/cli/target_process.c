#include "cli/target_process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/options.h"

bool target_process_pid(int argc, char **argv, uint32_t *pid)
{
    const char *operand = option_operand(argc, argv, "PID");
    uint64_t number;
    if (operand == NULL) {
        return false;
    }
    if (!option_number(operand, INT32_MAX, &number) || number == 0) {
        message_error("%s: '%s' is no process id. Fix: give a number that 'ps' or 'vrrl ps' lists.",
                      argv[0], operand);
        return false;
    }
    *pid = (uint32_t)number;
    return true;
}

bool target_process_look(const char *verb, uint32_t pid, struct process *process)
{
    if (!process_look(pid, process)) {
        message_error("%s: there is no process %u, or none that is seen from this pid namespace. "
                      "Fix: give a number that 'ps' or 'vrrl ps' lists here.",
                      verb, pid);
        return false;
    }
    if (process->zombie) {
        message_error("%s: process %u has ended, and only its exit status is left (a zombie). Fix: "
                      "give one that runs.",
                      verb, pid);
        return false;
    }
    if (geteuid() != 0 && geteuid() != process->user.user) {
        message_error("%s: process %u is another user's (%u). Fix: run vrrl as that user, or as "
                      "root.",
                      verb, pid, (unsigned)process->user.user);
        return false;
    }
    if (process->has_other_clocks) {
        message_error("%s: process %u is in another time namespace, where its start is told "
                      "otherwise, so that it would not be known. Fix: run vrrl in there, e.g. by "
                      "'nsenter -t %u -T'.",
                      verb, pid, pid);
        return false;
    }
    return true;
}

int target_process_panel(const char *verb, const struct process *process, bool make,
                         struct panel_remote *panel)
{
    int error = panel_open(process, make, panel);
    if (error == ENOENT && !make) {
        return ENOENT;
    }
    if (error == ENOSYS) {
        message_error(
            "%s: process %u has another root folder or other mounts, in which this kernel "
            "opens nothing safely (openat2). Fix: use Linux 5.6 or newer, or run vrrl in "
            "there.",
            verb, process->pid);
        return -1;
    }
    if (error != 0) {
        message_error("%s: process %u: its control file in /dev/shm or /tmp cannot be made: %s. "
                      "Fix: make room there, and remove what is in its place.",
                      verb, process->pid, strerror(error));
        return -1;
    }
    bool locked = panel_lock(panel);
    if (!locked || !panel_read(panel)) {
        message_error("%s: process %u: %s. Fix: try again.", verb, process->pid,
                      locked ? "its control file cannot be read"
                             : "another command is asking it for something");
        panel_close(panel);
        return -1;
    }
    return 0;
}
