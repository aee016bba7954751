/**
 * \file opencl_checkpoint.h
 * \brief Reading a megakernel's buffers before a launch: the one place where the shim adds commands
 *        to a queue and waits for them, because `vrrl attach --checkpoint` asked for it.
 */
#ifndef VRRL_CAPTURE_OPENCL_CHECKPOINT_H
#define VRRL_CAPTURE_OPENCL_CHECKPOINT_H

#include "capture/opencl.h"

/** If it is asked for, and not done yet: wait until the queue is empty, and read the arguments of a
 *  megakernel that is about to be launched there. */
void opencl_checkpoint(const struct gpu_launch *launch, cl_command_queue queue);

#endif
