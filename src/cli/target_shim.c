#include "cli/target_shim.h"

#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "cli/message.h"
#include "cli/shim.h"

#define FUNCTIONS_MAX 8

/** The names of functions in "NAME(…) -> …;NAME(…)", which are cut apart. */
static void list_functions(char *symbols, const char *functions[FUNCTIONS_MAX + 1])
{
    size_t len = 0;
    char *rest = symbols;
    for (char *one; len < FUNCTIONS_MAX && (one = strsep(&rest, ";")) != NULL;) {
        one += strspn(one, " \t");
        one[strcspn(one, " \t(")] = '\0';
        if (one[0] != '\0') {
            functions[len++] = one;
        }
    }
    functions[len] = NULL;
}

static bool load(const struct process *process, const char *symbols, struct attach_error *error)
{
    char shim[PATH_MAX];
    const char *functions[FUNCTIONS_MAX + 1];
    struct attach_result result;
    char *copy = strdup(symbols == NULL ? "" : symbols);
    error->text[0] = '\0';
    if (copy == NULL || !shim_find(shim)) {
        free(copy);
        return false;
    }
    list_functions(copy, functions);
    const struct attach_request request = {
        .pid = (pid_t)process->pid, .shim = shim, .functions = functions};
    bool loaded = attach_load(&request, &result, error) == 0;
    free(copy);
    return loaded;
}

bool target_shim_wake(const struct process *process, struct panel_remote *panel,
                      const char *symbols)
{
    struct attach_error error;
    bool is_there = process_maps(process, PANEL_SHIM) > 0;
    bool read = panel_read(panel);
    /* It never looked: its process was forked while it slept, or publishes for the first time yet.
     */
    bool is_new = is_there && read && panel->seen.changes == 0;
    if (is_there && !is_new && read && panel->seen.asleep == 0) {
        return true;
    }
    if (load(process, symbols, &error) || is_new) {
        return true;
    }
    if (error.text[0] != '\0') {
        message_error("attach: %s", error.text);
    }
    panel_ask(panel, NULL);
    if (!is_there) {
        panel_remove(process);
    }
    return false;
}
