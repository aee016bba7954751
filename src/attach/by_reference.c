#include "attach/by_reference.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "attach/stack.h"

#define POLL_NS 20000
/** How long a thread that is in dlopen() is waited for beyond the time. */
#define GRACE_NS UINT64_C(1000000000)
/** References are looked at, whether they were resolved, once in so many polls. */
#define POLLS_PER_LOOK 16u

static void sleep_ns(long ns)
{
    const struct timespec time = {0, ns};
    nanosleep(&time, NULL);
}

static uint64_t entry_of(const struct injection *injection, const struct trap *trap)
{
    return injection->place.stub + STUB_PARAMETERS_BYTES + (uint64_t)trap->entry * STUB_ENTRY_BYTES;
}

static bool set_original(struct injection *injection, const struct trap *trap)
{
    injection->parameters.originals[trap->entry] = trap->original;
    return memory_store(&injection->target->memory,
                        injection->place.stub + STUB_ORIGINALS + trap->entry * sizeof(uint64_t),
                        trap->original);
}

/** Lead a reference to the stub; one that was resolved since to what it holds now. */
static bool set_trap(struct injection *injection, struct trap *trap)
{
    uint64_t now;
    const struct memory *memory = &injection->target->memory;
    uint64_t entry = entry_of(injection, trap);
    if (!memory_read(memory, trap->at, &now, sizeof(now)))
        return false;
    if (now == entry)
        return true;
    if (now != trap->original) {
        trap->original = now;
        if (!set_original(injection, trap))
            return false;
    }
    trap->is_set = true;
    return memory_store(memory, trap->at, entry);
}

static bool set_traps(struct injection *injection)
{
    for (size_t i = 0; i < injection->traps_len; i++)
        if (!set_trap(injection, &injection->traps[i]))
            return false;
    return true;
}

/** Put the references back that lead to the stub still. \return false when one could not be */
static bool clear_traps(struct injection *injection)
{
    bool cleared = true;
    const struct memory *memory = &injection->target->memory;
    for (size_t i = 0; i < injection->traps_len; i++) {
        struct trap *trap = &injection->traps[i];
        uint64_t now;
        if (!trap->is_set)
            continue;
        bool put_back =
            memory_read(memory, trap->at, &now, sizeof(now)) &&
            (now != entry_of(injection, trap) || memory_store(memory, trap->at, trap->original));
        trap->is_set = !put_back;
        cleared = cleared && put_back;
    }
    return cleared;
}

static bool answer(struct injection *injection, uint32_t asked, bool yes)
{
    injection->parameters.answer = asked << 1 | (yes ? 1u : 0u);
    return memory_write(&injection->target->memory, injection->place.stub + STUB_ANSWER,
                        &injection->parameters.answer, sizeof(injection->parameters.answer));
}

static bool may_load(const struct injection *injection, const struct stub_words *words)
{
    /* The thread may be a new one. */
    if (mappings_find(&injection->target->mappings, words->stack) == NULL &&
        !target_look_again(injection->target))
        return false;
    struct stack_look look = stack_look(injection->target, words->stack, 0);
    return look.is_known && !look.in_handler;
}

/** A thread is inside, and the shim may yet come. */
static enum outcome fail_inside(const struct injection *injection, struct attach_error *error)
{
    target_fail(error, injection->target->pid,
                "a thread is loading the shim and has not come back in time; everything else was "
                "put back. The shim may be loaded yet, and is inert until something is attached. "
                "Fix: see what the job waits for, then attach again.");
    return OUTCOME_FAILED;
}

static enum outcome fail_gone(const struct injection *injection, struct attach_error *error)
{
    target_fail(error, injection->target->pid,
                "it ended, or became another program, meanwhile. "
                "Fix: give a process that runs.");
    return OUTCOME_FAILED;
}

static enum outcome fail_reference(const struct injection *injection, struct attach_error *error)
{
    target_fail(error, injection->target->pid,
                "a reference could not be put back: %s. It leads through a stub to the function "
                "that it led to before, which does no harm. Fix: attach again, which puts it back.",
                strerror(errno));
    return OUTCOME_FAILED;
}

/** Nobody is to ask any more. \return false when somebody was told yes before, and is inside */
static bool switch_off(struct injection *injection)
{
    struct stub_words words;
    for (int i = 0; i < 10000; i++) {
        if (!injection_read(injection, &words) || words.state == STUB_OFF)
            return true;
        if (words.state == STUB_ASKING)
            answer(injection, words.asked, false);
        else if (words.state == STUB_ARMED)
            injection_set_state(injection, STUB_OFF);
        else
            return false;
        sleep_ns(POLL_NS);
    }
    return true;
}

/** The thread that was told yes comes back. */
static enum outcome wait_for_loading(struct injection *injection, struct attach_error *error)
{
    struct stub_words words;
    uint64_t until = injection->deadline_ns + GRACE_NS;
    do {
        if (!injection_read(injection, &words))
            return fail_gone(injection, error);
        if (words.state == STUB_LOADED || words.state == STUB_FAILED)
            return injection_finish(injection, &words, error) == 0 ? OUTCOME_LOADED
                                                                   : OUTCOME_FAILED;
        sleep_ns(POLL_NS);
    } while (injection_now_ns() < until);
    return fail_inside(injection, error);
}

/** After a yes: whether the thread that asked goes on to load.  It may have waited for too long. */
static bool was_heard(struct injection *injection, uint32_t asked)
{
    struct stub_words words;
    uint64_t until = injection->deadline_ns + GRACE_NS;
    do {
        if (!injection_read(injection, &words))
            return false;
        if (words.state != STUB_ASKING)
            return words.state != STUB_OFF;
        sleep_ns(POLL_NS);
    } while (injection_now_ns() < until);
    /* The job stands still. */
    answer(injection, asked, false);
    return false;
}

/** \return whether it goes on waiting; otherwise \a outcome tells how it ended */
static bool serve(struct injection *injection, uint32_t *answered, struct attach_error *error,
                  enum outcome *outcome)
{
    struct stub_words words;
    if (!injection_read(injection, &words)) {
        *outcome = fail_gone(injection, error);
        return false;
    }
    if (words.state == STUB_OFF) {
        /* It waited for an answer in vain: this tracer was slow. */
        *answered = words.asked;
        injection_set_state(injection, STUB_ARMED);
    } else if (words.state == STUB_ASKING && words.asked != *answered) {
        *answered = words.asked;
        bool yes = may_load(injection, &words);
        /* The shim's own look at the references must find what was there before. */
        if (yes && !clear_traps(injection)) {
            answer(injection, words.asked, false);
            switch_off(injection);
            *outcome = fail_reference(injection, error);
            return false;
        }
        answer(injection, words.asked, yes);
        if (yes && !was_heard(injection, words.asked)) {
            /* Too late: nobody waits any more. */
            injection_set_state(injection, STUB_ARMED);
            set_traps(injection);
        } else if (yes) {
            *outcome = wait_for_loading(injection, error);
            return false;
        }
    }
    return true;
}

static bool arm(struct injection *injection, uint32_t *answered)
{
    struct stub_words words;
    if (!injection_write(injection) || !injection_read(injection, &words))
        return false;
    *answered = words.asked;
    return injection_set_state(injection, STUB_ARMED) && set_traps(injection);
}

static enum outcome give_up(struct injection *injection, struct attach_error *error)
{
    int saved = errno;
    bool cleared = clear_traps(injection);
    bool is_off = switch_off(injection);
    errno = saved;
    if (!is_off)
        return wait_for_loading(injection, error);
    return cleared ? OUTCOME_NOT_THIS_WAY : fail_reference(injection, error);
}

enum outcome by_reference(struct injection *injection, uint64_t until_ns,
                          struct attach_error *error)
{
    uint32_t answered;
    enum outcome outcome;
    if (injection->traps_len == 0)
        return OUTCOME_NOT_THIS_WAY;
    if (!arm(injection, &answered))
        return give_up(injection, error);
    for (unsigned poll = 1; injection_now_ns() < until_ns; poll++) {
        if (!serve(injection, &answered, error, &outcome))
            return outcome;
        if (poll % POLLS_PER_LOOK == 0)
            set_traps(injection);
        sleep_ns(POLL_NS);
    }
    return give_up(injection, error);
}
