/**
 * \file resident_trial.h
 * \brief Whether lanes that are running get what is fed to them.
 */
#ifndef VRRL_REPLAY_RESIDENT_TRIAL_H
#define VRRL_REPLAY_RESIDENT_TRIAL_H

#include "replay/backend.h"
#include "replay/opencl_device.h"

/** Looks of the lanes in a trial, some seconds. */
uint32_t resident_trial_patience(const struct opencl_device *device);

/**
 * Run a few rounds of additions on a small ring, and check their sums.
 *
 * \param state  open and not loaded; its lanes have a patience that ends.  To be closed afterwards.
 * \return false, with the reason, when it does not work
 */
bool resident_trial(const struct backend *way, void *state, struct replay_error *error);

#endif
