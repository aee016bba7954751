/**
 * \file record_options.h
 * \brief The options of `vrrl record` that `vrrl attach` takes too: what is recorded, and where to.
 */
#ifndef VRRL_RECORD_OPTIONS_H
#define VRRL_RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define RECORD_SHORT_OPTIONS "o:c:a"

enum record_long_option {
    OPTION_NO_SESSION = 256,
    OPTION_PUBLISH_SYMBOL,
    OPTION_KERNEL,
    OPTION_CONTROL_ARGUMENT,
    OPTION_RING_ARGUMENT,
    /** The first that a verb may have for itself. */
    OPTION_OF_VERB,
};

/** For an array of struct option. */
#define RECORD_LONG_OPTIONS                                                                        \
    {"output", required_argument, NULL, 'o'}, {"capacity", required_argument, NULL, 'c'},          \
        {"append", no_argument, NULL, 'a'}, {"no-session", no_argument, NULL, OPTION_NO_SESSION},  \
        {"publish-symbol", required_argument, NULL, OPTION_PUBLISH_SYMBOL},                        \
        {"kernel", required_argument, NULL, OPTION_KERNEL},                                        \
        {"control-arg", required_argument, NULL, OPTION_CONTROL_ARGUMENT},                         \
    {                                                                                              \
        "ring-arg", required_argument, NULL, OPTION_RING_ARGUMENT                                  \
    }

/** What --help says of them. */
#define RECORD_OPTIONS_USAGE                                                                       \
    "  -o, --output LOG   write to LOG instead of " RECORD_DEFAULT_LOG "; a log of that name is\n" \
    "                     kept as LOG.old. %p, %h and %e in it are the process id, the\n"          \
    "                     host's name and the program's name\n"                                    \
    "  -c, --capacity N   let a new log hold N records, 1 to 1048576 (default 65536);\n"           \
    "                     after them the oldest is overwritten\n"                                  \
    "  -a, --append       continue a log of that name, with its own capacity\n"                    \
    "      --no-session   record the bare log only, without LOG.d beside it\n"                     \
    "      --publish-symbol 'NAME(ring,len,slot,...) [-> CONDITION]'\n"                            \
    "                     NAME publishes, with its parameters in this order: ring, len, slot,\n"   \
    "                     tenant, opcode, args, nargs, or _; may be repeated\n"                    \
    "      --kernel NAME  the megakernel is the kernel of this name, whatever its buffers\n"       \
    "                     look like\n"                                                             \
    "      --control-arg N, --ring-arg N\n"                                                        \
    "                     the megakernel's arguments that are its control buffer and its\n"        \
    "                     ring, counted from 0 (default 0 and 1)\n"

#define RECORD_DEFAULT_LOG "vrrl.vrrl"

struct record_options {
    const char *log;
    uint64_t capacity;
    bool append;
    bool no_session;
    /** Separated by ';', NULL when none was given; freed by record_options_free(). */
    char *publish_symbols;
    /** NULL: recognised by its buffers. */
    const char *kernel;
    uint64_t control_argument;
    uint64_t ring_argument;
    /** Any of them was given. */
    bool given;
};

/** What holds where no option says otherwise. */
void record_options_begin(struct record_options *options);

/** Take the option that getopt_long() has just returned, which is one of these or none that is
 * known. \return false after a message */
bool record_options_take(int code, char **argv, struct record_options *options);

/** Whether they go together.  \param verb  for messages  \return false after a message */
bool record_options_check(const char *verb, const struct record_options *options);

void record_options_free(struct record_options *options);

#endif
