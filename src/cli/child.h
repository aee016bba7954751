/**
 * \file child.h
 * \brief Run a command as if it had been run without us.
 *
 * The command keeps our standard streams, terminal and process group.  Signals
 * that someone sends to us are passed on; those that the terminal sends to the
 * whole group are not, as the command has them already.  When the command stops
 * we stop too, so that the shell's job control works.
 */
#ifndef VRRL_CHILD_H
#define VRRL_CHILD_H

/** A variable for the command's environment. */
struct child_variable {
    const char *name;
    const char *value;
};

/**
 * Run a command and wait for its end.  While it runs all signals are blocked in
 * the calling process, which must have one thread.
 *
 * \param file       what to execute; a path
 * \param argv       the command's arguments, NULL at the end
 * \param variables  set in its environment, a NULL name at the end
 * \param[out] status  as of waitpid()
 * \return 0, or an errno when it could not be run
 */
int child_run(const char *file, char **argv, const struct child_variable *variables, int *status);

/**
 * End as the command did: its exit status, or death by the same signal, without
 * a second core file.
 *
 * \param status  of child_run()
 * \return the exit status for main() to return
 */
int child_repeat_end(int status);

#endif
