#include "cli/finding_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vyre/control.h"
#include "vyre/opcode.h"

#define NAME_SIZE 64

const char *finding_cause_name(enum finding_cause cause)
{
    static const char *const names[] = {
        [FINDING_RACE] = "race",
        [FINDING_RACE_OF_INPUT] = "race_of_input",
        [FINDING_DRAINED_ONCE] = "drained_once",
        [FINDING_ALONE] = "alone",
        [FINDING_COMMUTING] = "commuting",
        [FINDING_ORDERED] = "ordered",
        [FINDING_NOBODY] = "nobody",
        [FINDING_FOLLOWS] = "follows",
    };
    return names[cause];
}

static const char *control_word(uint32_t word, char out[FINDING_WORD_SIZE])
{
    char name[NAME_SIZE];
    vyre_control_word_name(word, name, sizeof(name));
    snprintf(out, FINDING_WORD_SIZE, "%s (control word %u)", name, word);
    return out;
}

const char *finding_word(const struct finding *finding, char out[FINDING_WORD_SIZE])
{
    if (finding->where == FINDING_CONTROL)
        return control_word(finding->word, out);
    snprintf(out, FINDING_WORD_SIZE,
             finding->where == FINDING_STATUS ? "status of slot %u" : "debug_log[%u]",
             finding->word);
    return out;
}

/** "record 12 (STORE_U32)" without its first word. */
static const char *record_name(const struct findings *findings, size_t flight, char out[NAME_SIZE])
{
    const struct flight *slot = &findings->flights.list[flight];
    const char *name = vyre_opcode_name(slot->words[VYRE_SLOT_OPCODE]);
    if (name != NULL)
        snprintf(out, NAME_SIZE, "%u (%s)", slot->record, name);
    else
        snprintf(out, NAME_SIZE, "%u (0x%x)", slot->record, slot->words[VYRE_SLOT_OPCODE]);
    return out;
}

/** How the pair of a race was in flight, and what that means. */
static const char *race_end(const struct finding *finding)
{
    return finding->pair_together
               ? "in flight together, and nothing ordered them: it may end either way"
               : "one launch after the other, and the host had not seen the first DONE: only the "
                 "queue ordered them";
}

static void tell_race(const struct findings *findings, const struct finding *finding,
                      char out[FINDING_TEXT_SIZE])
{
    char first[NAME_SIZE];
    char second[NAME_SIZE];
    snprintf(out, FINDING_TEXT_SIZE, "records %s and %s write control word %u %s",
             record_name(findings, finding->pair[0], first),
             record_name(findings, finding->pair[1], second), finding->pair_word,
             race_end(finding));
}

static bool is_writer(const struct finding *finding, size_t flight)
{
    for (size_t i = 0; i < finding->writers_len; i++) {
        if (finding->writers[i].flight == flight)
            return true;
    }
    return false;
}

static void tell_race_of_input(const struct findings *findings, const struct finding *finding,
                               char out[FINDING_TEXT_SIZE])
{
    char reader[NAME_SIZE];
    char writer[NAME_SIZE];
    char word[FINDING_WORD_SIZE];
    size_t second = is_writer(finding, finding->pair[1]) ? 1 : 0;
    snprintf(out, FINDING_TEXT_SIZE, "record %s reads %s and record %s writes it, %s",
             record_name(findings, finding->pair[second], reader),
             control_word(finding->pair_word, word),
             record_name(findings, finding->pair[1 - second], writer), race_end(finding));
}

static void tell_drained_once(const struct findings *findings, const struct finding *finding,
                              char out[FINDING_TEXT_SIZE])
{
    char name[NAME_SIZE];
    char mask[NAME_SIZE];
    size_t flight = finding->writers[0].flight;
    uint32_t tenant = findings->flights.list[flight].words[VYRE_SLOT_TENANT];
    vyre_control_word_name(VYRE_CONTROL_TENANT_MASKS + tenant, mask, sizeof(mask));
    snprintf(out, FINDING_TEXT_SIZE,
             "record %s of tenant %u was drained on one side alone, and nothing in flight writes "
             "%s: the kernel masks the tenant by another word, or leaves the slot out",
             record_name(findings, flight, name), tenant, mask);
}

/** How many more times one addition took effect on one side.  \return 0: that is not it */
static uint32_t times_more(const struct finding *finding)
{
    const struct effect *effect = &finding->writers[0].effect;
    int64_t excess = (int32_t)(finding->actual - finding->expected);
    int64_t value = (int32_t)effect->value;
    if (finding->where != FINDING_CONTROL || effect->kind != EFFECT_ADD || value == 0 ||
        excess % value != 0)
        return 0;
    return (uint32_t)llabs(excess / value);
}

static bool is_less(const struct finding *finding)
{
    return (int32_t)(finding->actual - finding->expected) < 0;
}

static void tell_alone(const struct findings *findings, const struct finding *finding,
                       const struct finding_sides *sides, char out[FINDING_TEXT_SIZE])
{
    char name[NAME_SIZE];
    record_name(findings, finding->writers[0].flight, name);
    uint32_t times = times_more(finding);
    bool positive = (int32_t)finding->writers[0].effect.value > 0;
    bool more_there = is_less(finding) == positive;
    if (times > 0 && sides->expected_is_right && !more_there)
        snprintf(out, FINDING_TEXT_SIZE,
                 "record %s alone writes it, and took effect %u times: the kernel runs a slot more "
                 "than once",
                 name, times + 1);
    else if (times > 0)
        snprintf(out, FINDING_TEXT_SIZE,
                 "record %s alone writes it, and took effect %u %s more %s: the kernel runs a "
                 "slot more than once, or not at all",
                 name, times, times == 1 ? "time" : "times",
                 more_there ? sides->expected : sides->actual);
    else
        snprintf(out, FINDING_TEXT_SIZE,
                 "record %s alone writes it, so it can end in one way only: the kernel, or the "
                 "device, does something else",
                 name);
}

static void tell_commuting(const struct findings *findings, const struct finding *finding,
                           const struct finding_sides *sides, char out[FINDING_TEXT_SIZE])
{
    static const char lost[] = "so the kernel does not do them atomically";
    static const char doubled[] = "so the kernel runs slots more than once";
    char name[NAME_SIZE];
    char why[FINDING_TEXT_SIZE / 2];
    record_name(findings, finding->writers[0].flight, name);
    bool adds = finding->where == FINDING_CONTROL && finding->writers[0].effect.kind == EFFECT_ADD;
    bool less = is_less(finding);
    if (!adds)
        snprintf(why, sizeof(why), "the kernel, or the device, does something else");
    else if (sides->expected_is_right)
        snprintf(why, sizeof(why), "additions were %s, %s", less ? "lost" : "doubled",
                 less ? lost : doubled);
    else
        snprintf(why, sizeof(why), "additions were lost %s, %s, or doubled %s",
                 less ? sides->actual : sides->expected, lost,
                 less ? sides->expected : sides->actual);
    snprintf(out, FINDING_TEXT_SIZE,
             "%" PRIu64 " slots write it, from record %s on, in any order to one end: %s",
             finding->writing, name, why);
}

const char *finding_verdict(const struct findings *findings, const struct finding *finding,
                            const struct finding_sides *sides, char out[FINDING_TEXT_SIZE])
{
    char word[FINDING_WORD_SIZE];
    switch (finding->cause) {
    case FINDING_RACE:
        tell_race(findings, finding, out);
        break;
    case FINDING_RACE_OF_INPUT:
        tell_race_of_input(findings, finding, out);
        break;
    case FINDING_DRAINED_ONCE:
        tell_drained_once(findings, finding, out);
        break;
    case FINDING_ALONE:
        tell_alone(findings, finding, sides, out);
        break;
    case FINDING_COMMUTING:
        tell_commuting(findings, finding, sides, out);
        break;
    case FINDING_ORDERED:
        snprintf(out, FINDING_TEXT_SIZE,
                 "%" PRIu64 " slots write it, each after the host had seen the one before DONE, so "
                 "it can end in one way only: the kernel, or the device, does something else",
                 finding->writing);
        break;
    case FINDING_NOBODY:
        snprintf(
            out, FINDING_TEXT_SIZE,
            "no recorded slot in flight writes it: the kernel does so unasked, or a slot that was "
            "not recorded");
        break;
    case FINDING_FOLLOWS:
        snprintf(out, FINDING_TEXT_SIZE, "it follows from the %s",
                 finding_word(&findings->list[finding->follows], word));
        break;
    }
    return out;
}
