/**
 * \file staged_ring.h
 * \brief A ring on an OpenCL device, and the same ring in memory that the device copies from.
 *
 * Slots are put into pinned memory, and copied to the device in long pieces while the next ones are
 * put there.  A slot is never copied a second time while it may be drained: it would be again.
 * Back come the statuses alone, unless the whole ring is asked for.  One thread at a time.
 */
#ifndef VRRL_REPLAY_STAGED_RING_H
#define VRRL_REPLAY_STAGED_RING_H

#include "replay/opencl_device.h"
#include "vyre/vyre_protocol.h"

/** Neighbouring slots. */
struct slot_range {
    uint32_t first;
    uint32_t end;
};

struct staged_ring {
    const struct opencl_device *device;
    /** In order; the kernels that drain must be in it, too, or be waited for. */
    cl_command_queue queue;
    /** On the device, and where in it the ring begins, in bytes. */
    cl_mem buffer;
    size_t offset;
    uint32_t slots;
    bool only_statuses;
    /** As published, or as the device had it when whole slots were last read; but for the statuses
     *  of drained slots. */
    uint32_t *words;
    /** Of the slots: as the device had them when last read, and as published since.  Apart from
     *  them, so that settling does not touch every slot again. */
    uint32_t *statuses;
    /** One for each slot: it is in a copy that may be under way, or was not seen drained. */
    bool *busy;
    /** All of these are in it; empty when there are none. */
    struct slot_range window;

    /** The slots, and behind them gathered_statuses. */
    struct pinned staging;
    /** Slots that are not copied yet: runs, and the one that grows. */
    struct slot_range *runs;
    size_t runs_len;
    struct slot_range growing;
    /** The kernel that gathers statuses, and where to. */
    cl_program program;
    cl_kernel gather;
    cl_mem gathered;
    uint8_t *gathered_statuses;
    /** What was last asked for: these slots, or only their statuses. */
    struct slot_range asked;
    bool gathering;
    /** Of what failed where nothing can be returned. */
    cl_int failed;
};

/**
 * The ring on the device must be all 0, or be by commands that are in the queue.
 *
 * \param ring    all 0; released with staged_ring_close() also when false was returned
 * \param device  must live as long; so must \a queue and \a buffer
 * \param offset  of the ring in the buffer, a multiple of 4
 * \param only_statuses  the kernel changes nothing else of a slot
 */
bool staged_ring_open(struct staged_ring *ring, const struct opencl_device *device,
                      cl_command_queue queue, cl_mem buffer, size_t offset, uint32_t slots,
                      bool only_statuses, struct replay_error *error);

/** Put a slot of 16 words there; waits for copies of that slot that are under way. */
void staged_ring_publish(struct staged_ring *ring, uint32_t slot,
                         const uint32_t words[VYRE_SLOT_WORDS]);

/** Begin to copy what was not copied yet. */
bool staged_ring_upload(struct staged_ring *ring, struct replay_error *error);

/** Begin to read the statuses of the slots in the window, or the whole ring;
 * until staged_ring_settle() nothing may be published. */
bool staged_ring_read(struct staged_ring *ring, bool whole, struct replay_error *error);

/** With all commands complete: take the statuses over, and forget the slots that were drained. */
bool staged_ring_settle(struct staged_ring *ring, struct replay_error *error);

/** The same without having read them, when it is known that all PUBLISHED slots are DONE. */
void staged_ring_settle_done(struct staged_ring *ring);

/** For backend.h's claimed(). \param looking  a queue for that alone */
bool staged_ring_claimed(const struct staged_ring *ring, cl_command_queue looking, uint32_t *slot);

void staged_ring_close(struct staged_ring *ring);

#endif
