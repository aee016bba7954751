#include "capture/publish_symbol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/original.h"
#include "capture/publish_call.h"
#include "capture/references.h"
#include "panel/panel.h"

static struct hook hooks[PUBLISH_SYMBOLS_MAX];

__attribute__((visibility("hidden"))) struct hook_table publish_symbol_hook_table = {hooks, 0};

bool publish_symbols_asked(void)
{
    return publish_symbol_hook_table.len > 0;
}

#define NAME_BYTES 128
#define PARAMETERS_MAX 32

enum parameter {
    RING,
    LENGTH,
    SLOT,
    /** Those before it must be told. */
    NEEDED,
    PARAMETERS = NEEDED,
};

enum comparison {
    ALWAYS,
    EQUAL,
    NOT_EQUAL,
    LESS_EQUAL,
    GREATER_EQUAL,
    LESS,
    GREATER,
};

struct publish_symbol {
    char name[NAME_BYTES];
    /** Place of each parameter, from 0. */
    unsigned places[PARAMETERS];
    enum comparison comparison;
    int32_t value;
};

static struct publish_symbol symbols[PUBLISH_SYMBOLS_MAX];

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t");
}

static bool starts(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at = skip_spaces(*at + length);
    return true;
}

/** \return how many bytes a name has */
static size_t name_length(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.@");
}

static bool is_word(const char *at, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(at, word, length) == 0;
}

static bool read_parameters(const char **at, struct publish_symbol *symbol)
{
    static const char *const told[PARAMETERS] = {"ring", "len", "slot"};
    static const char *const others[] = {"tenant", "opcode", "args", "nargs", "_"};
    bool found[PARAMETERS] = {false};
    for (unsigned place = 0; place < PARAMETERS_MAX; place++) {
        size_t length = name_length(*at);
        bool known = false;
        for (unsigned i = 0; i < PARAMETERS; i++) {
            if (!is_word(*at, length, told[i]) || found[i])
                continue;
            known = found[i] = true;
            symbol->places[i] = place;
        }
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
            known = known || is_word(*at, length, others[i]);
        *at = skip_spaces(*at + length);
        if (!known)
            return false;
        if (starts(at, ")"))
            return found[RING] && found[LENGTH] && found[SLOT];
        if (!starts(at, ","))
            return false;
    }
    return false;
}

static bool read_condition(const char **at, struct publish_symbol *symbol)
{
    static const struct {
        const char *text;
        enum comparison comparison;
    } comparisons[] = {{"==", EQUAL},         {"!=", NOT_EQUAL}, {"<=", LESS_EQUAL},
                       {">=", GREATER_EQUAL}, {"<", LESS},       {">", GREATER}};
    symbol->comparison = EQUAL;
    symbol->value = 0;
    if (!starts(at, "->"))
        return true;
    symbol->comparison = ALWAYS;
    if (starts(at, "always"))
        return true;
    if (!starts(at, "ret"))
        return false;
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        if (!starts(at, comparisons[i].text))
            continue;
        char *end;
        long value = strtol(*at, &end, 0);
        bool read = end != *at && value >= INT32_MIN && value <= INT32_MAX;
        symbol->comparison = comparisons[i].comparison;
        symbol->value = (int32_t)value;
        *at = skip_spaces(end);
        return read;
    }
    return false;
}

static bool read_symbol(const char **at, struct publish_symbol *symbol)
{
    *at = skip_spaces(*at);
    size_t length = name_length(*at);
    if (length == 0 || length >= NAME_BYTES)
        return false;
    memcpy(symbol->name, *at, length);
    symbol->name[length] = '\0';
    *at = skip_spaces(*at + length);
    return starts(at, "(") && read_parameters(at, symbol) && read_condition(at, symbol);
}

/** Integers and pointers in registers (System V ABI of x86-64; AAPCS64); others are on the stack.
 */
#if defined(__x86_64__)
#define REGISTERS 6
#elif defined(__aarch64__)
#define REGISTERS 8
#endif

extern char publish_stub_0[], publish_stub_1[], publish_stub_2[], publish_stub_3[];
extern char publish_stub_4[], publish_stub_5[], publish_stub_6[], publish_stub_7[];

static void *const stubs[PUBLISH_SYMBOLS_MAX] = {publish_stub_0, publish_stub_1, publish_stub_2,
                                                 publish_stub_3, publish_stub_4, publish_stub_5,
                                                 publish_stub_6, publish_stub_7};

/** What was read, as far as there is room. */
static char named[PANEL_SYMBOLS_BYTES];

bool publish_symbols_read(const char *text)
{
    size_t len = 0;
    const char *at = text;
    for (;;) {
        if (len == PUBLISH_SYMBOLS_MAX || !read_symbol(&at, &symbols[len]))
            return false;
        hooks[len].name = symbols[len].name;
        hooks[len].replacement = stubs[len];
        len++;
        if (!starts(&at, ";"))
            break;
    }
    if (*at != '\0')
        return false;
    publish_symbol_hook_table.len = len;
    snprintf(named, sizeof(named), "%s", text);
    return true;
}

const char *publish_symbols_add(const char *text)
{
    if (strcmp(text, named) == 0)
        return NULL;
    if (publish_symbols_asked())
        return "publish functions were named before, and calls of them may be under way. Fix: name "
               "the same ones, or restart the program to name others.";
    if (!publish_symbols_read(text))
        return "the publish function is not understood. Fix: give NAME(ring,len,slot,…) with the "
               "parameters in their order.";
    return NULL;
}

static uint64_t parameter(const uint64_t *registers, const uint64_t *stack, unsigned place)
{
    return place < REGISTERS ? registers[place] : stack[place - REGISTERS];
}

/** What the stub keeps for a call. */
struct state {
    const struct publish_symbol *symbol;
    struct call call;
};

_Static_assert(sizeof(struct state) <= PUBLISH_STATE_BYTES, "the stub has room for it");

__attribute__((visibility("hidden"))) void *publish_symbol_before(uint64_t number,
                                                                  const uint64_t *registers,
                                                                  const uint64_t *stack,
                                                                  void *opaque)
{
    struct state *state = opaque;
    state->symbol = &symbols[number];
    const unsigned *places = state->symbol->places;
    before_publish(&state->call,
                   (const uint8_t *)(uintptr_t)parameter(registers, stack, places[RING]),
                   parameter(registers, stack, places[LENGTH]),
                   (uint32_t)parameter(registers, stack, places[SLOT]), 1);
    return original_of(&hooks[number]);
}

static bool succeeded(const struct publish_symbol *symbol, int32_t result)
{
    switch (symbol->comparison) {
    case EQUAL:
        return result == symbol->value;
    case NOT_EQUAL:
        return result != symbol->value;
    case LESS_EQUAL:
        return result <= symbol->value;
    case GREATER_EQUAL:
        return result >= symbol->value;
    case LESS:
        return result < symbol->value;
    case GREATER:
        return result > symbol->value;
    default:
        return true;
    }
}

__attribute__((visibility("hidden"))) void publish_symbol_after(uint64_t result, void *opaque)
{
    struct state *state = opaque;
    after_publish(&state->call, succeeded(state->symbol, (int32_t)result) ? 0 : -1);
}

/** References of what was loaded with the program; later ones are pointed as they come. */
__attribute__((constructor)) static void point(void)
{
    if (recorder_may_record() && publish_symbols_asked())
        references_point();
}
