/*
 * vyre_protocol.h - the numbers of the vyre host protocol.
 *
 * Nothing but constants, so that C hosts, the OpenCL C megakernel and the
 * reference interpreter read the same ones.  All words are u32, little-endian;
 * the values are the frozen wire format of vyre-runtime 0.6.5 and 0.7.2.
 */
#ifndef VYRE_PROTOCOL_H
#define VYRE_PROTOCOL_H

/* A ring is an array of slots of 16 words. */
#define VYRE_SLOT_WORDS 16u
#define VYRE_SLOT_BYTES 64u
#define VYRE_SLOT_ARGS 12u

/* Words of a slot. */
#define VYRE_SLOT_STATUS 0u
#define VYRE_SLOT_OPCODE 1u
#define VYRE_SLOT_TENANT 2u
#define VYRE_SLOT_PRIORITY 3u
#define VYRE_SLOT_ARG0 4u

/* Slot status. */
#define VYRE_STATUS_EMPTY 0u
#define VYRE_STATUS_PUBLISHED 1u
#define VYRE_STATUS_CLAIMED 2u
#define VYRE_STATUS_DONE 3u
#define VYRE_STATUS_WAIT_IO 4u
#define VYRE_STATUS_YIELD 5u
#define VYRE_STATUS_REQUEUE 6u
#define VYRE_STATUS_FAULT 7u

/* Slot priority. */
#define VYRE_PRIORITY_CRITICAL 0u
#define VYRE_PRIORITY_HIGH 1u
#define VYRE_PRIORITY_NORMAL 2u
#define VYRE_PRIORITY_LOW 3u
#define VYRE_PRIORITY_IDLE 4u
#define VYRE_PRIORITY_LEVELS 5u

/* Opcodes.  The effects are told in doc/protocol.md. */
#define VYRE_OP_NOP 0u
#define VYRE_OP_STORE_U32 1u
#define VYRE_OP_ATOMIC_ADD 2u
#define VYRE_OP_LOAD_U32 3u
#define VYRE_OP_COMPARE_SWAP 4u
#define VYRE_OP_MEMCPY 5u
#define VYRE_OP_DFA_STEP 6u
#define VYRE_OP_BATCH_FENCE 7u
#define VYRE_OP_LOAD_MISS 0xFFFDu
#define VYRE_OP_PRINTF 0xFFFEu
#define VYRE_OP_PACKED_SLOT 0x80000001u
#define VYRE_OP_SHUTDOWN 0xFFFFFFFFu

/* User opcodes: above the built-ins, high bit clear, outside the system range. */
#define VYRE_OP_BUILTIN_LAST 7u
#define VYRE_OP_SYSTEM_FIRST 0xFFF0u
#define VYRE_OP_SYSTEM_LAST 0xFFFFu
#define VYRE_OP_TENANT_WINDOW_FIRST 0x40000000u
#define VYRE_OP_TENANT_WINDOW_SIZE 0x00100000u

/* Packed slots: what the kernel takes. */
#define VYRE_PACKED_OPS_MAX 4u
#define VYRE_PACKED_OP_ARGS 3u

/* Words of the control buffer. */
#define VYRE_CONTROL_WORDS_MIN 160u
#define VYRE_CONTROL_SHUTDOWN 0u
#define VYRE_CONTROL_DONE_COUNT 1u
#define VYRE_CONTROL_TENANT_BASE 2u
#define VYRE_CONTROL_TENANT_MASKS 3u
#define VYRE_CONTROL_TENANT_MASKS_MAX 29u
#define VYRE_CONTROL_TENANT_QUOTAS 32u
#define VYRE_CONTROL_TENANT_QUOTAS_MAX 32u
#define VYRE_CONTROL_TENANT_FAIRNESS 64u
#define VYRE_CONTROL_METRICS 96u
#define VYRE_CONTROL_METRICS_WORDS 32u
#define VYRE_CONTROL_EPOCH 128u
#define VYRE_CONTROL_PRIORITY_OFFSETS 129u
#define VYRE_CONTROL_PRIORITY_OFFSETS_WORDS 6u
#define VYRE_CONTROL_STARVATION 135u
#define VYRE_CONTROL_PRIORITY_FAIRNESS 136u
#define VYRE_CONTROL_PRIORITY_FAIRNESS_WORDS 5u
#define VYRE_CONTROL_OBSERVABLES 160u
#define VYRE_TENANT_QUOTA_DEFAULT 1000000u
#define VYRE_TENANT_MASK_ALL 0xFFFFFFFFu

/* The debug log: a cursor in words, then records of four words. */
#define VYRE_DEBUG_LOG_WORDS 257u
#define VYRE_DEBUG_LOG_CURSOR 0u
#define VYRE_DEBUG_LOG_RECORDS 1u
#define VYRE_DEBUG_LOG_RECORD_WORDS 4u

/* The IO queue. */
#define VYRE_IO_SLOTS 64u
#define VYRE_IO_SLOT_WORDS 8u
#define VYRE_IO_QUEUE_WORDS 512u
#define VYRE_IO_OP 0u
#define VYRE_IO_SRC 1u
#define VYRE_IO_DST 2u
#define VYRE_IO_OFFSET_LO 3u
#define VYRE_IO_OFFSET_HI 4u
#define VYRE_IO_BYTES 5u
#define VYRE_IO_STATUS 6u
#define VYRE_IO_TAG 7u
#define VYRE_IO_OP_READ 1u
#define VYRE_IO_OP_WRITE 2u
#define VYRE_IO_OP_FENCE 3u
#define VYRE_IO_STATUS_OK 0x10u
#define VYRE_IO_STATUS_ERROR 0x11u

/* Arguments of the kernel, in order. */
#define VYRE_KERNEL_ARG_CONTROL 0u
#define VYRE_KERNEL_ARG_RING 1u
#define VYRE_KERNEL_ARG_DEBUG_LOG 2u
#define VYRE_KERNEL_ARG_IO_QUEUE 3u

#endif
