#include "attach/mappings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/proc.h"

static bool parse_line(char *line, struct mapping *mapping)
{
    char protection[5];
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &mapping->begin, &mapping->end,
               protection, &name) != 3 ||
        name == 0)
        return false;
    mapping->readable = protection[0] == 'r';
    mapping->writable = protection[1] == 'w';
    mapping->executable = protection[2] == 'x';
    mapping->is_private = protection[3] == 'p';
    mapping->name = line + name;
    return true;
}

bool mappings_parse(char *text, struct mappings *mappings)
{
    size_t lines = 1;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    *mappings = (struct mappings){.text = text, .all = calloc(lines, sizeof(*mappings->all))};
    if (mappings->all == NULL) {
        mappings_free(mappings);
        return false;
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        mappings->len += parse_line(line, &mappings->all[mappings->len]);
    return true;
}

bool mappings_read(pid_t pid, struct mappings *mappings)
{
    *mappings = (struct mappings){.all = NULL};
    char *text = proc_read(pid, "maps", NULL);
    return text != NULL && mappings_parse(text, mappings);
}

void mappings_free(struct mappings *mappings)
{
    free(mappings->all);
    free(mappings->text);
    *mappings = (struct mappings){.all = NULL};
}

const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address)
{
    size_t low = 0;
    size_t high = mappings->len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct mapping *mapping = &mappings->all[middle];
        if (address >= mapping->begin && address < mapping->end)
            return mapping;
        if (address < mapping->begin)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
