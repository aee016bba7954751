/*
 * JSON is written by hand here, as nowhere else: this runs inside the recorded
 * process, where no library beside libc may be brought along.
 */
#include "session/run_description.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "session/slots.h"

#define FILE_BYTES_MAX (1 << 20)
#define LINE_BYTES 65536
/** Of the command line; the rest is left out, and said to be. */
#define ARGUMENTS_BYTES 8192

struct line {
    char *text;
    size_t used;
};

static void add_text(struct line *line, const char *text)
{
    size_t length = strlen(text);
    if (line->used + length < LINE_BYTES) {
        memcpy(line->text + line->used, text, length);
        line->used += length;
    }
}

/** Length of the UTF-8 sequence at \a text, 0 when it is none. */
static size_t utf8_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80                       ? 1
                    : text[0] >= 0xC2 && text[0] <= 0xDF ? 2
                    : text[0] >= 0xE0 && text[0] <= 0xEF ? 3
                    : text[0] >= 0xF0 && text[0] <= 0xF4 ? 4
                                                         : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

static void add_string(struct line *line, const char *string)
{
    add_text(line, "\"");
    const unsigned char *at = (const unsigned char *)string;
    while (*at != '\0') {
        char piece[8] = "\\ufffd";
        size_t length = utf8_length(at);
        if (*at < 0x20 || *at == '"' || *at == '\\')
            snprintf(piece, sizeof(piece), "\\u%04x", *at);
        else if (length > 0)
            snprintf(piece, sizeof(piece), "%.*s", (int)length, (const char *)at);
        add_text(line, piece);
        at += length == 0 ? 1 : length;
    }
    add_text(line, "\"");
}

static void add_member(struct line *line, const char *name, const char *value)
{
    add_text(line, ",\"");
    add_text(line, name);
    add_text(line, "\":");
    add_string(line, value);
}

static void add_link(struct line *line, const char *name, const char *link)
{
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target) - 1);
    if (length > 0) {
        target[length] = '\0';
        add_member(line, name, target);
    }
}

static void add_arguments(struct line *line)
{
    char arguments[ARGUMENTS_BYTES];
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, arguments, sizeof(arguments) - 1);
    if (file >= 0)
        close(file);
    if (got <= 0)
        return;
    arguments[got] = '\0';
    add_text(line, ",\"arguments\":[");
    for (ssize_t at = 0; at < got; at += (ssize_t)strlen(arguments + at) + 1) {
        if (at > 0)
            add_text(line, ",");
        add_string(line, arguments + at);
    }
    add_text(line, "]");
    if (got == sizeof(arguments) - 1)
        add_text(line, ",\"arguments_cut\":true");
}

void session_describe_run(const char *log_path, const struct session_run *run)
{
    char path[PATH_MAX];
    struct stat status;
    if (!session_file_path(log_path, SESSION_RUNS_FILE, path))
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (file < 0)
        return;
    struct line line = {
        .text = mmap(NULL, LINE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    if (line.text != MAP_FAILED && fstat(file, &status) == 0 && status.st_size < FILE_BYTES_MAX) {
        char numbers[256];
        struct utsname system;
        snprintf(numbers, sizeof(numbers),
                 "{\"run\":%" PRIu32 ",\"pid\":%" PRIu32 ",\"start_ns\":%" PRIu64
                 ",\"first_sequence\":%" PRIu64,
                 run->number, run->pid, run->start_ns, run->first_sequence);
        add_text(&line, numbers);
        add_link(&line, "program", "/proc/self/exe");
        add_arguments(&line);
        add_link(&line, "folder", "/proc/self/cwd");
        if (uname(&system) == 0) {
            add_member(&line, "host", system.nodename);
            add_member(&line, "system", system.release);
            add_member(&line, "machine", system.machine);
        }
        add_text(&line, "}\n");
        /* One write, so that runs of several processes do not mix; a cut line is no harm. */
        ssize_t written = write(file, line.text, line.used);
        (void)written;
    }
    if (line.text != MAP_FAILED)
        munmap(line.text, LINE_BYTES);
    close(file);
}
