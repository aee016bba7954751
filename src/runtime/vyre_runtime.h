/*
 * vyre_runtime.h - the host's side of the vyre megakernel protocol, for C.
 *
 * A host owns four buffers that it shares with the megakernel: control, ring,
 * debug log and IO queue.  This library fills them, publishes work into the ring
 * and reads the results.  It moves no bytes to a GPU; that is the host's own
 * OpenCL, CUDA or Vulkan.  doc/protocol.md tells what the bytes mean.
 *
 * Memory.  The caller owns every buffer, and nothing is kept after a call.  Each
 * buffer begins at a multiple of 4 bytes (malloc's always do).  Lengths are
 * in bytes unless they count items.
 *
 * Errors.  Functions returning int return 0 on success and a negative code of
 * enum vyre_error on refusal; then nothing was written, neither to a buffer nor
 * to an output.  Nothing allocates, exits, prints or touches errno.
 *
 * Threads and signals.  There is no hidden state.  Several threads may use
 * different slots of one ring at once; on one slot, one producer publishes at a
 * time.  A publish stores the slot's status last, with release order, so whoever
 * sees PUBLISHED sees the whole slot.  All functions may be called from a signal
 * handler, on slots that the handler did not interrupt a publish of.
 */
#ifndef VYRE_RUNTIME_H
#define VYRE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include "vyre_protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VYRE_API __attribute__((visibility("default")))
#else
#define VYRE_API
#endif

/* Why a call was refused.  One code for each reason; the numbers stay. */
enum vyre_error {
    VYRE_OK = 0,
    VYRE_E_NULL = -1,           /* a pointer that is needed is NULL */
    VYRE_E_ALIGNMENT = -2,      /* a buffer does not begin at a multiple of 4 bytes */
    VYRE_E_RING_LENGTH = -3,    /* ring length is no multiple of 64 bytes */
    VYRE_E_SLOT_INDEX = -4,     /* slot index is past the end of the ring */
    VYRE_E_WINDOW = -5,         /* a batch or list of items does not fit between start and end */
    VYRE_E_ARGS = -6,           /* more than 12 args for one slot */
    VYRE_E_OPCODE = -7,         /* the opcode cannot be published */
    VYRE_E_SLOT_BUSY = -8,      /* slot to publish is neither EMPTY nor DONE */
    VYRE_E_PACKED_SIZE = -9,    /* packed ops and their args need more than 12 words */
    VYRE_E_TRANSITION = -10,    /* the slot's status does not allow this transition */
    VYRE_E_BUFFER_LENGTH = -11, /* buffer is no whole number of words, or too short */
    VYRE_E_OBSERVABLE = -12,    /* observable is past the end of the control buffer */
    VYRE_E_LOG_OVERFLOW = -13,  /* debug log's cursor is past its capacity: records were dropped */
    VYRE_E_LOG_CURSOR = -14,    /* debug log's cursor is inside a record */
    VYRE_E_IO_INDEX = -15,      /* IO slot index is 64 or more */
    VYRE_E_IO_STATUS = -16      /* the IO slot holds no request that waits for an answer */
};

/*
 * What a code means and what to do, in one line that ends with "Fix: …".  Static
 * storage; never NULL, unknown codes included.
 */
VYRE_API const char *vyre_strerror(int error);

/* One op of a packed slot: an opcode below 256 and its args. */
struct vyre_packed_op {
    uint8_t opcode;
    const uint32_t *args; /* may be NULL if args_len is 0 */
    size_t args_len;      /* words */
};

/* One item of a batch. */
struct vyre_batch_item {
    uint32_t opcode;
    const uint32_t *args; /* may be NULL if args_len is 0 */
    size_t args_len;      /* words, at most 12 */
};

/* One work item: opcode op_handle with the three args that follow it. */
struct vyre_work_item {
    uint32_t op_handle;
    uint32_t input_handle;
    uint32_t output_handle;
    uint32_t param;
};

/* One PRINTF of the kernel. */
struct vyre_debug_record {
    uint32_t fmt_id;
    uint32_t args[2];
    uint32_t slot_base; /* first word of the slot in the ring: slot index × 16 */
};

/* One slot of the IO queue. */
struct vyre_io_request {
    uint32_t op; /* VYRE_IO_OP_READ, _WRITE or _FENCE */
    uint32_t src;
    uint32_t dst;
    uint64_t offset;
    uint32_t bytes;
    uint32_t status; /* VYRE_STATUS_… or VYRE_IO_STATUS_… */
    uint32_t tag;
};

/* ---- Publishing ------------------------------------------------------- */

/*
 * Publishes one slot: opcode, tenant, priority NORMAL and the args, the rest of
 * the 12 arg words zero, then the status PUBLISHED.  args may be NULL if args_len
 * is 0.  Refused, in this order: NULL, ALIGNMENT, RING_LENGTH, SLOT_INDEX, ARGS,
 * OPCODE, SLOT_BUSY.
 */
VYRE_API int vyre_publish_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                               uint32_t tenant_id, uint32_t opcode, const uint32_t *args,
                               size_t args_len);

/*
 * Publishes several ops in one slot.  Together with two bytes of metadata for
 * each they must fit into 12 words, else PACKED_SIZE.  The kernel runs the first
 * four ops only, reads the args of 6 or more ops shifted, and reads three args
 * for each op, so give each op three; it skips an op whose three would pass word
 * 12.  Refused: NULL, ALIGNMENT, RING_LENGTH, SLOT_INDEX, PACKED_SIZE, SLOT_BUSY.
 */
VYRE_API int vyre_publish_packed_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                                      uint32_t tenant_id, const struct vyre_packed_op *ops,
                                      size_t ops_len);

/*
 * Publishes items_len slots from start_slot on, then one BATCH_FENCE slot with
 * the args items_len and batch_tag.  All of it is checked before any of it is
 * written.  *consumed (may be NULL) becomes the number of slots used, items_len
 * + 1.  Refused: NULL, ALIGNMENT, RING_LENGTH, WINDOW, ARGS, OPCODE, SLOT_BUSY.
 * The fence orders nothing on the GPU; see doc/protocol.md.
 */
VYRE_API int vyre_batch_publish(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                                uint32_t tenant_id, const struct vyre_batch_item *items,
                                size_t items_len, uint32_t batch_tag, uint32_t *consumed);

/*
 * Publishes items_len slots from start_slot on: opcode op_handle, args
 * input_handle, output_handle, param.  All of it is checked before any of it is
 * written.  Refused: NULL, ALIGNMENT, RING_LENGTH, WINDOW, OPCODE, SLOT_BUSY.
 */
VYRE_API int vyre_publish_work_items(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                                     uint32_t tenant_id, const struct vyre_work_item *items,
                                     size_t items_len);

/* ---- Slots after the publish ------------------------------------------ */

/* Reads a slot's status, a VYRE_STATUS_…, with acquire order. */
VYRE_API int vyre_read_slot_status(const uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                                   uint32_t *status);

/*
 * The other transitions which a host may make, each one atomic step.  From any
 * status but those named: TRANSITION, and nothing changed.
 */
VYRE_API int vyre_claim_slot(uint8_t *ring_bytes, size_t ring_len,
                             uint32_t slot_idx); /* PUBLISHED, YIELD, REQUEUE → CLAIMED */
VYRE_API int vyre_finish_slot(uint8_t *ring_bytes, size_t ring_len,
                              uint32_t slot_idx); /* CLAIMED → DONE */
VYRE_API int vyre_fault_slot(uint8_t *ring_bytes, size_t ring_len,
                             uint32_t slot_idx); /* all but EMPTY, DONE, FAULT → FAULT */
VYRE_API int vyre_cancel_slot(uint8_t *ring_bytes, size_t ring_len,
                              uint32_t slot_idx); /* PUBLISHED, WAIT_IO, YIELD, REQUEUE → EMPTY */

/* ---- The four buffers ------------------------------------------------- */

/* Bytes of a control buffer with that many observables; 0 if size_t cannot hold it. */
VYRE_API size_t vyre_control_size(uint32_t observables);

/* Bytes of a ring of that many slots; 0 if size_t cannot hold it. */
VYRE_API size_t vyre_ring_size(uint32_t slot_count);

/* Bytes of the debug log and of the IO queue, which the kernel fixes. */
VYRE_API size_t vyre_debug_log_size(void);
VYRE_API size_t vyre_io_queue_size(void);

/*
 * Fills a fresh control buffer: `tenants` tenants allowed (the table has room for
 * 29) with the default quota, all counters and observables 0.  control_len is
 * what vyre_control_size said, or any whole number of words from 160 on; else
 * BUFFER_LENGTH.
 */
VYRE_API int vyre_encode_control(uint8_t *control_bytes, size_t control_len, uint32_t tenants);

/* The same, and the default priority partitions of a ring of slot_count slots. */
VYRE_API int vyre_encode_resident_control(uint8_t *control_bytes, size_t control_len,
                                          uint32_t tenants, uint32_t slot_count);

/* Makes every slot EMPTY and all its words 0.  ring_len is a multiple of 64. */
VYRE_API int vyre_encode_ring(uint8_t *ring_bytes, size_t ring_len);

/* Empties a debug log of at least one word, or an IO queue of vyre_io_queue_size() bytes. */
VYRE_API int vyre_encode_debug_log(uint8_t *log_bytes, size_t log_len);
VYRE_API int vyre_encode_io_queue(uint8_t *queue_bytes, size_t queue_len);

/*
 * ---- Control: what the kernel says ---------------------------------------
 *
 * control_bytes is the buffer itself or a copy of its first words, which need not
 * be all of it.  BUFFER_LENGTH if the word in question is not there.
 */

/* Tells a persistent kernel to return: sets the SHUTDOWN word. */
VYRE_API int vyre_request_shutdown(uint8_t *control_bytes, size_t control_len);

/* How many BATCH_FENCE slots the kernel ran, as of this copy of the control buffer. */
VYRE_API int vyre_read_epoch(const uint8_t *control_bytes, size_t control_len, uint32_t *epoch);

/* How many slots the kernel drained. */
VYRE_API int vyre_read_done_count(const uint8_t *control_bytes, size_t control_len,
                                  uint32_t *done_count);

/* Reads one result word, control[160 + index].  Past the end: OBSERVABLE. */
VYRE_API int vyre_read_observable(const uint8_t *control_bytes, size_t control_len, uint32_t index,
                                  uint32_t *value);

/* Reads values_len result words from index first on.  Past the end: OBSERVABLE. */
VYRE_API int vyre_read_observables(const uint8_t *control_bytes, size_t control_len, uint32_t first,
                                   uint32_t *values, size_t values_len);

/* Reads how often each opcode below 32 ran; packed slots count their inner ops too. */
VYRE_API int vyre_read_metrics(const uint8_t *control_bytes, size_t control_len,
                               uint32_t counts[VYRE_CONTROL_METRICS_WORDS]);

/* ---- Debug log and IO queue ------------------------------------------- */

/*
 * Reads the debug log.  *count becomes the number of records that it holds; the
 * first records_len of them, or all if there are fewer, are written to records
 * (may be NULL if records_len is 0).  A log whose cursor is past its capacity is
 * refused with LOG_OVERFLOW, as vyre's own decoder does.
 */
VYRE_API int vyre_read_debug_log(const uint8_t *log_bytes, size_t log_len,
                                 struct vyre_debug_record *records, size_t records_len,
                                 size_t *count);

/* Reads a slot of the IO queue, whatever its status. */
VYRE_API int vyre_read_io_request(const uint8_t *queue_bytes, size_t queue_len, uint32_t index,
                                  struct vyre_io_request *request);

/* Answers a request that is PUBLISHED or CLAIMED: OK if ok is not 0, else ERROR. */
VYRE_API int vyre_answer_io_request(uint8_t *queue_bytes, size_t queue_len, uint32_t index, int ok);

#ifdef __cplusplus
}
#endif

#endif
