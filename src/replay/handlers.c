#include "replay/handlers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/words.h"
#include "vyre/opcode.h"
#include "vyre/packed.h"

#define TEXT_MAX (4u << 20)
#define PREFIX "vyre_op_"
#define DIGITS 8u

/** The opcode in a name at \a text, if it is one of a handler. */
static bool is_name(const char *text, uint32_t *opcode)
{
    const char *digits = text + strlen(PREFIX);
    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || strspn(digits, "0123456789abcdef") != DIGITS)
        return false;
    *opcode = (uint32_t)strtoul(digits, NULL, 16);
    return digits[DIGITS + strspn(digits + DIGITS, " \t")] == '(';
}

static bool find_opcodes(const char *path, const char *text, struct handlers *handlers,
                         struct replay_error *error)
{
    size_t names = 0;
    for (const char *at = text; (at = strstr(at, PREFIX)) != NULL; at++)
        names++;
    handlers->opcodes = malloc((names + 1) * sizeof(*handlers->opcodes));
    if (handlers->opcodes == NULL)
        return replay_fail_memory(error);
    uint32_t opcode;
    for (const char *at = text; (at = strstr(at, PREFIX)) != NULL; at++)
        if (is_name(at, &opcode))
            handlers->opcodes[handlers->len++] = opcode;
    qsort(handlers->opcodes, handlers->len, sizeof(*handlers->opcodes), compare_words);
    size_t kept = 0;
    for (size_t i = 0; i < handlers->len; i++)
        if (kept == 0 || handlers->opcodes[kept - 1] != handlers->opcodes[i])
            handlers->opcodes[kept++] = handlers->opcodes[i];
    handlers->len = kept;
    for (size_t i = 0; i < kept; i++)
        if (vyre_opcode_builtin(handlers->opcodes[i]))
            return replay_fail(error,
                               "%s: opcode 0x%x is the megakernel's own. Fix: handle user opcodes "
                               "only.",
                               path, handlers->opcodes[i]);
    return kept > 0 ||
           replay_fail(error,
                       "%s: there is no handler in it. Fix: name each function vyre_op_ and its "
                       "opcode, as in vyre_op_40000001 (doc/handlers.md).",
                       path);
}

/** The user's text, under its own name, and the function that chooses among its functions. */
static bool make_source(const char *path, const char *text, struct handlers *handlers,
                        struct replay_error *error)
{
    size_t bytes;
    FILE *out = open_memstream(&handlers->source, &bytes);
    if (out == NULL)
        return replay_fail_memory(error);
    const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    fprintf(out, "\n#line 1 \"%.*s\"\n%s\n#line 1 \"handlers\"\n", (int)strcspn(name, "\"\\\n"),
            name, text);
    fputs("void vyre_handler(volatile __global uint *control, uint control_words, uint opcode,\n"
          "                  const uint *args)\n{\n    switch (opcode) {\n",
          out);
    for (size_t i = 0; i < handlers->len; i++)
        fprintf(out, "    case 0x%08xu: vyre_op_%08x(control, control_words, args); break;\n",
                handlers->opcodes[i], handlers->opcodes[i]);
    fputs("    default: break;\n    }\n}\n", out);
    return fclose(out) == 0 || replay_fail_memory(error);
}

static char *read_text(const char *path, struct replay_error *error)
{
    FILE *file = fopen(path, "r");
    char *text = file == NULL ? NULL : malloc(TEXT_MAX + 1);
    size_t len = text == NULL ? 0 : fread(text, 1, TEXT_MAX + 1, file);
    bool failed = file == NULL || text == NULL || ferror(file) || len > TEXT_MAX;
    if (failed)
        replay_fail(error, "%s: %s. Fix: name a file of OpenCL C with the handlers.", path,
                    len > TEXT_MAX ? "it is larger than 4 MiB" : strerror(errno));
    if (file != NULL)
        fclose(file);
    if (failed) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

bool handlers_read(const char *path, struct handlers *handlers, struct replay_error *error)
{
    memset(handlers, 0, sizeof(*handlers));
    if (path == NULL)
        return true;
    char *text = read_text(path, error);
    if (text == NULL)
        return false;
    bool read =
        find_opcodes(path, text, handlers, error) && make_source(path, text, handlers, error);
    free(text);
    if (!read)
        handlers_free(handlers);
    return read;
}

static bool handles(const struct handlers *handlers, uint32_t opcode)
{
    return vyre_opcode_builtin(opcode) ||
           (handlers->len > 0 && bsearch(&opcode, handlers->opcodes, handlers->len, sizeof(opcode),
                                         compare_words) != NULL);
}

bool handlers_know(const struct handlers *handlers, const uint32_t slot[VYRE_SLOT_WORDS],
                   uint32_t *opcode)
{
    struct vyre_packed_inner ops[VYRE_PACKED_OPS_MAX] = {{.opcode = slot[VYRE_SLOT_OPCODE]}};
    size_t len = slot[VYRE_SLOT_OPCODE] == VYRE_OP_PACKED_SLOT
                     ? vyre_packed_decode(slot + VYRE_SLOT_ARG0, ops)
                     : 1;
    for (size_t i = 0; i < len; i++) {
        *opcode = ops[i].opcode;
        if (!ops[i].skipped && !handles(handlers, ops[i].opcode))
            return false;
    }
    return true;
}

void handlers_free(struct handlers *handlers)
{
    free(handlers->source);
    free(handlers->opcodes);
    memset(handlers, 0, sizeof(*handlers));
}
