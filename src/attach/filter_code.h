/**
 * \file filter_code.h
 * \brief What a filter of system calls (seccomp) does to a process, told from its code.
 */
#ifndef VRRL_ATTACH_FILTER_CODE_H
#define VRRL_ATTACH_FILTER_CODE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Whether a system call is at most refused: nothing that the filter may do with it, whatever its
 * arguments, ends the process, sends it a signal or has it wait for another.
 *
 * \return false also when the code is too intricate to tell
 */
bool filter_code_spares(const struct sock_filter *code, size_t len, uint32_t number);

#endif
