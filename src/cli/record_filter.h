/**
 * \file record_filter.h
 * \brief Which records of a log someone wants to see.
 */
#ifndef VRRL_RECORD_FILTER_H
#define VRRL_RECORD_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/vrrl.h"

/** A record passes when each of the four lets it pass; an empty list lets all pass. */
struct record_filter {
    uint32_t *tenants;
    size_t tenants_len;
    uint32_t *opcodes;
    size_t opcodes_len;
    /** Both ends included. */
    uint32_t slot_first, slot_last;
    uint32_t epoch_first, epoch_last;
};

/** Let all pass. */
void record_filter_init(struct record_filter *filter);

/** Add to one of the lists. \return false when memory could not be had */
bool record_filter_add(uint32_t **list, size_t *length, uint32_t value);

bool record_filter_passes(const struct record_filter *filter, const struct vrrl_record *record);

/** Release the lists. */
void record_filter_free(struct record_filter *filter);

#endif
