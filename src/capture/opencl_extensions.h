/**
 * \file opencl_extensions.h
 * \brief Functions that only a driver has, and that a host asks for by name.
 */
#ifndef VRRL_CAPTURE_OPENCL_EXTENSIONS_H
#define VRRL_CAPTURE_OPENCL_EXTENSIONS_H

#include "capture/opencl.h"

/** Hooks of cl_khr_command_buffer; their originals are those of the platform that was asked first.
 *  The last one's name is NULL. */
extern struct hook opencl_command_buffer_hooks[];

#endif
