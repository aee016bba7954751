#include "runtime/vyre_runtime.h"

/* Indexed by the code without its sign. */
static const char *const texts[] = {
    [-VYRE_OK] = "no error. Fix: nothing to do.",
    [-VYRE_E_NULL] = "a pointer that is needed is NULL. Fix: pass the buffer or the output.",
    [-VYRE_E_ALIGNMENT] = "buffer does not begin at a multiple of 4 bytes. Fix: allocate it with "
                          "malloc, or align it to 4.",
    [-VYRE_E_RING_LENGTH] = "ring length is no multiple of 64 bytes. Fix: size the ring with "
                            "vyre_ring_size().",
    [-VYRE_E_SLOT_INDEX] = "slot index is past the end of the ring. Fix: use an index below ring "
                           "length / 64, or a larger ring.",
    [-VYRE_E_WINDOW] = "the items and their fence do not fit into the ring from the start slot "
                       "on. Fix: split them, or use a larger ring.",
    [-VYRE_E_ARGS] = "too many args for one slot. Fix: give at most 12 words.",
    [-VYRE_E_OPCODE] = "opcode cannot be published. Fix: use a built-in opcode, or a user opcode "
                       "above 7, below 0x80000000 and outside 0xFFF0 to 0xFFFF.",
    [-VYRE_E_SLOT_BUSY] = "slot is in use, neither EMPTY nor DONE. Fix: wait until the kernel has "
                          "drained it, or publish another slot.",
    [-VYRE_E_PACKED_SIZE] = "packed ops and their args need more than 12 words. Fix: spread them "
                            "over several slots.",
    [-VYRE_E_TRANSITION] = "the slot's status does not allow this transition. Fix: look at the "
                           "status first with vyre_read_slot_status().",
    [-VYRE_E_BUFFER_LENGTH] = "buffer is no whole number of words, or too short. Fix: size it "
                              "with vyre_control_size(), vyre_debug_log_size() or "
                              "vyre_io_queue_size().",
    [-VYRE_E_OBSERVABLE] = "observable is past the end of the control buffer. Fix: size the "
                           "buffer with vyre_control_size() for as many observables.",
    [-VYRE_E_LOG_OVERFLOW] = "debug log overflowed and the kernel dropped records. Fix: read and "
                             "empty the log more often, or print less.",
    [-VYRE_E_LOG_CURSOR] = "debug log's cursor is inside a record. Fix: read back the whole log "
                           "after the kernel has finished.",
    [-VYRE_E_IO_INDEX] = "IO slot index is past the end of the queue. Fix: use an index below 64.",
    [-VYRE_E_IO_STATUS] = "the IO slot holds no request that waits for an answer. Fix: answer "
                          "only requests that are PUBLISHED or CLAIMED.",
};

const char *vyre_strerror(int error)
{
    if (error > 0 || error < VYRE_E_IO_STATUS)
        return "unknown error code. Fix: pass what a vyre_ function returned.";
    return texts[-error];
}
