/**
 * \file slot_text.h
 * \brief A published slot as it is printed: its operation and args, and as JSON.
 */
#ifndef VRRL_SLOT_TEXT_H
#define VRRL_SLOT_TEXT_H

#include <json-c/json.h>
#include <stdint.h>

#include "vyre/vyre_protocol.h"

#define SLOT_TEXT_SIZE 192

/** E.g. "STORE_U32(7, 200)": args up to the last that is not 0, and those that the opcode takes. */
const char *slot_text(const uint32_t words[VYRE_SLOT_WORDS], char out[SLOT_TEXT_SIZE]);

/** An object with record, slot, opcode, opcode_name, tenant, priority and args.
 *  \param record  as in dump */
struct json_object *slot_json(uint32_t record, uint32_t slot_idx,
                              const uint32_t words[VYRE_SLOT_WORDS]);

#endif
