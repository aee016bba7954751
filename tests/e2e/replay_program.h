/**
 * \file replay_program.h
 * \brief How replay_host comes by its program.
 */
#ifndef VRRL_REPLAY_PROGRAM_H
#define VRRL_REPLAY_PROGRAM_H

#include <CL/cl.h>

/**
 * \param how  "binary": from a binary of its own; "linked": compiled and linked; "il": the text is
 * in an intermediate language; otherwise built from source \return NULL when a step of that failed
 */
cl_program program_of(cl_context context, cl_device_id device, const char *text, const char *how);

#endif
