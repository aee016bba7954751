/*
 * The stub that the job itself runs (stub_code.S): its bytes, what it is told, and what it tells.
 *
 * It stands before functions of the job, each with an entry of its own. A call that comes in finds
 * the words ARMED and asks; all others, and all at any other time, go on to the original with every
 * register as it was. Whoever asks waits for an answer, some 20 ms at most: the tracer may be gone.
 * Told "yes" it calls the function (dlopen), and goes on to the original too.
 *
 * A process that cannot open the shim's file, as it sees other mounts, is given it: the stub makes
 * a file in memory, waits until the tracer has filled it and told a path of it, and closes it after
 * the call.
 *
 * The parameters lie before the code and only the tracer writes them; the words lie in padding of a
 * writable segment, and once they are armed only the stub writes them.
 */
#ifndef VRRL_ATTACH_STUB_H
#define VRRL_ATTACH_STUB_H

/** States of the words. */
#define STUB_OFF 0
/** The next call asks. */
#define STUB_ARMED 1
/** A thread waits for the answer to question \c asked. */
#define STUB_ASKING 2
/** A thread is in the function. */
#define STUB_LOADING 3
#define STUB_LOADED 4
#define STUB_FAILED 5
/** A thread waits for the file in memory to be filled. */
#define STUB_FILLING 6
/** A thread waits until it was read why the call failed: the job's next such call would say
 *  something else there. */
#define STUB_EXPLAINING 7

/** Functions that one stub can stand before. */
#define STUB_ENTRIES 8
#define STUB_ENTRY_BYTES 16

/** Times that an asking thread looks for the answer, and the time between in ns: with the 50 us or
 *  more that the kernel adds to such a sleep, about 20 ms. */
#define STUB_LOOKS 300
#define STUB_LOOK_NS 1000

/** The same of a thread that waits for the tracer in one of the last two states: about 300 ms. */
#define STUB_SERVED_LOOKS 5000
/** The least number that the file is given, where so many may be open: whoever looks later for the
 *  shim's file finds none, and not what the job opened since. */
#define STUB_FILE_LEAST 1000

/** x86-64: bytes below the stack that a function may use without saying so. */
#define STUB_RED_ZONE 128

/* Offsets in the parameters. */
#define STUB_WORDS 8
#define STUB_FUNCTION 16
#define STUB_PATH 24
#define STUB_MODE 32
#define STUB_ERRNO_LOCATION 40
#define STUB_EXPLAIN 48
#define STUB_FIND 56
#define STUB_NAME 64
#define STUB_VECTOR_BYTES 72
#define STUB_VECTOR_MASK 80
#define STUB_SIGNALS 88
#define STUB_RESUME 96
#define STUB_FILE_NAME 104
#define STUB_ANSWER 112
#define STUB_ORIGINALS 120
#define STUB_PARAMETERS_BYTES 192

/* Offsets in the words. */
#define WORDS_STATE 0
#define WORDS_ASKED 4
#define WORDS_STACK 8
#define WORDS_RESULT 16
#define WORDS_ERROR 24
#define WORDS_FILE 32
#define WORDS_SERVED 36

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#define STUB_MAGIC "vrrlstb2"
/** Room for "/proc/./self/fd/N". */
#define STUB_FILE_PATH_BYTES 32

struct stub_parameters {
    char magic[8];
    /** Address of struct stub_words. */
    uint64_t words;
    /** void *(const char *, int): 0 is a failure. */
    uint64_t function;
    uint64_t path;
    uint64_t mode;
    /** __errno_location() */
    uint64_t errno_location;
    /** char *(void), called after a failure; 0: nothing is. */
    uint64_t explain;
    /** dlsym(), which finds \c name in what the function returned, to be called as the function is;
     *  0: nothing is. */
    uint64_t find;
    uint64_t name;
    /** x86-64: room for XSAVE, and what it saves; a mask of 0: FXSAVE. */
    uint64_t vector_bytes;
    uint64_t vector_mask;
    /** Signals that wait meanwhile. */
    uint64_t signals;
    /** AArch64: where the thread that was sent through goes on; 0: there is none. */
    uint64_t resume;
    /** What the file in memory is called, not 0 where the stub is to make one; \c path is that of
     *  the words then. */
    uint64_t file_name;
    /** Twice the number of the question, and 1 for yes. */
    uint32_t answer;
    uint32_t unused;
    /** An entry that was used once keeps its function. */
    uint64_t originals[STUB_ENTRIES];
    uint64_t reserved;
};

_Static_assert(offsetof(struct stub_parameters, words) == STUB_WORDS, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_parameters, function) == STUB_FUNCTION,
               "as stub_code.S has it");
_Static_assert(offsetof(struct stub_parameters, find) == STUB_FIND, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_parameters, resume) == STUB_RESUME, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_parameters, file_name) == STUB_FILE_NAME,
               "as stub_code.S has it");
_Static_assert(offsetof(struct stub_parameters, answer) == STUB_ANSWER, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_parameters, originals) == STUB_ORIGINALS,
               "as stub_code.S has it");
_Static_assert(sizeof(struct stub_parameters) == STUB_PARAMETERS_BYTES, "as stub_code.S has it");

struct stub_words {
    uint32_t state;
    uint32_t asked;
    /** Of the thread that asks, as at the call: the return address of x86-64 lies there. */
    uint64_t stack;
    uint64_t result;
    /** What \c explain gave. */
    uint64_t error;
    /** The descriptor of the file in memory, or a negative errno. */
    int32_t file;
    /** Written by the tracer while the stub is FILLING or EXPLAINING: not 0, it is filled, and
     *  \c path told, or it was read. */
    uint32_t served;
    char path[STUB_FILE_PATH_BYTES];
};

_Static_assert(offsetof(struct stub_words, asked) == WORDS_ASKED, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_words, stack) == WORDS_STACK, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_words, result) == WORDS_RESULT, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_words, error) == WORDS_ERROR, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_words, file) == WORDS_FILE, "as stub_code.S has it");
_Static_assert(offsetof(struct stub_words, served) == WORDS_SERVED, "as stub_code.S has it");

/** The stub as it is compiled: parameters of zeros, entries, code.  It runs anywhere. */
extern const uint8_t stub_begin[];
/** Where a stopped thread is sent to. */
extern const uint8_t stub_detour[];
/** The last instruction of the detour; on AArch64 a branch that the tracer writes. */
extern const uint8_t stub_resume[];
extern const uint8_t stub_end[];

/** Fill in what the processor, and nobody else, tells: vectors and signals. */
void stub_prepare(struct stub_parameters *parameters);

#endif
#endif
