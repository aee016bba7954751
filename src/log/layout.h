/**
 * \file layout.h
 * \brief Bytes of a VRRL v1 file.
 *
 * Source: vyre-runtime 0.6.5, replay.rs; told in doc/vrrl-format.md.  Every value
 * is little-endian, as is every machine that this project builds for, so fields
 * are copied as they are.
 */
#ifndef VRRL_LOG_LAYOUT_H
#define VRRL_LOG_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#define LOG_MAGIC "VRRL0001"
#define LOG_VERSION 1u
#define LOG_HEADER_BYTES 32u
#define LOG_RECORD_BYTES 64u
#define LOG_RECORD_EMPTY 0u
#define LOG_RECORD_LIVE 0xDEADBEEFu

struct log_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t flags;
    uint64_t capacity;
    /** Place of the next record.  Upstream's reader takes it modulo the capacity. */
    _Atomic uint64_t cursor;
};

/** A record lies at an odd multiple of 4 bytes off a cache line and its timestamp is
 *  not 8-aligned, hence the packing; \c magic is 4-aligned and may be used atomically. */
struct log_record {
    uint32_t magic;
    uint64_t timestamp_ns;
    uint32_t slot_idx;
    uint32_t tenant_id;
    uint32_t opcode;
    uint32_t args[4];
    uint32_t epoch;
    uint32_t slot_status;
    uint32_t failure_class;
    uint32_t backend_code;
    uint64_t output_digest;
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct log_header) == LOG_HEADER_BYTES, "log header layout");
_Static_assert(sizeof(struct log_record) == LOG_RECORD_BYTES, "log record layout");

static inline uint64_t log_file_bytes(uint64_t capacity)
{
    return LOG_HEADER_BYTES + capacity * LOG_RECORD_BYTES;
}

static inline uint64_t log_next_place(uint64_t place, uint64_t capacity)
{
    return place + 1 == capacity ? 0 : place + 1;
}

static inline uint64_t log_previous_place(uint64_t place, uint64_t capacity)
{
    return place == 0 ? capacity - 1 : place - 1;
}

#endif
