/* A job that runs the stub of src/attach: this process itself, and who answers it. */
#ifndef STUB_JOB_H
#define STUB_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/stub.h"
#include "stub_harness.h"

extern struct stub_parameters *parameters;
extern struct stub_words words;
/** What its calls give. */
extern struct harness_registers given;

/** What came of it: the function that loads was called so. */
extern unsigned loads;
extern char loaded_path[32];
extern int loaded_mode;
extern off_t loaded_file_bytes;
extern sigset_t loaded_signals;
/** What that function returns, and why not. */
extern void *load_result;
extern const char *explanation;
/** Calls of what find() finds by the name "wake". */
extern unsigned wakes;
void *find(void *handle, const char *name);

/** A fixture: the stub is there, and armed. */
void set_up(void);

uint64_t address(const void *of);
uint64_t entry(unsigned number);
uint32_t state(void);

/** What the original saw is what the caller gave. */
void check_registers(void);

/** Answers the questions of another thread as a tracer does: first \a no times no, then yes. */
struct answerer {
    unsigned no;
    uint32_t asked;
    uint64_t stack;
};

/** With a struct answerer. */
void *answer(void *opaque);

/** The same, and fills the file that it is asked for. */
void *answer_and_fill(void *opaque);

/** Call an entry until somebody has loaded, or nobody will. */
void call_answered_by(void *(*tracer)(void *), struct answerer *answerer);
void call_answered(struct answerer *answerer);

#endif
