/**
 * \file cli.h
 * \brief The verbs of the `vrrl` command.
 *
 * Each verb is one file, cmd_VERB.c, with one function.  It gets the command
 * line from the verb on (argv[0] is the verb), may use getopt_long() at once,
 * and returns the exit status of the process.
 */
#ifndef VRRL_CLI_H
#define VRRL_CLI_H

/** Exit status of every verb but record, which exits as its command did. */
enum cli_exit {
    CLI_WELL = 0,
    /** It found what it looks for: damage, a divergence, a difference. */
    CLI_FOUND = 1,
    /** It could not do the work; a message said why. */
    CLI_FAILED = 2,
};

int cmd_record(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_devices(int argc, char **argv);

#endif
