/**
 * \file finding_text.h
 * \brief What a finding means, in a sentence.
 */
#ifndef VRRL_FINDING_TEXT_H
#define VRRL_FINDING_TEXT_H

#include <stdbool.h>

#include "replay/findings.h"

#define FINDING_TEXT_SIZE 512
#define FINDING_WORD_SIZE 96

/** What is on the two sides of a comparison: "in the replay", "in run 1" and "in run 3".
 */
struct finding_sides {
    const char *expected;
    const char *actual;
    /** What is expected is right by itself, as the reference interpreter is. */
    bool expected_is_right;
};

/** The word: "observable[40] (control word 200)", "status of slot 3", "debug_log[5]". */
const char *finding_word(const struct finding *finding, char out[FINDING_WORD_SIZE]);

/** E.g. "records 12 (STORE_U32) and 15 (ATOMIC_ADD) write control word 201 in flight together, and
 *  nothing ordered them: it may end either way". */
const char *finding_verdict(const struct findings *findings, const struct finding *finding,
                            const struct finding_sides *sides, char out[FINDING_TEXT_SIZE]);

/** A word for the cause, as in JSON: "race", "race_of_input", …. */
const char *finding_cause_name(enum finding_cause cause);

#endif
