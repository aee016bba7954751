/**
 * \file publish_call.h
 * \brief One call of a publish function, from before it is made until after; for whatever hook.
 */
#ifndef VRRL_CAPTURE_PUBLISH_CALL_H
#define VRRL_CAPTURE_PUBLISH_CALL_H

#include "capture/recorder.h"
#include "vyre/slot.h"

/** Slots that one call publishes. */
struct window {
    const uint8_t *ring;
    size_t ring_bytes;
    uint64_t first;
    uint64_t count;
};

/** Whether the slots may be published, as far as the ring tells.  A host that tries again and
 *  again on a busy slot must not fill the log with empty places. */
static inline bool is_free(const struct window *window)
{
    if (window->ring == NULL || (uintptr_t)window->ring % sizeof(uint32_t) != 0 ||
        window->first > UINT32_MAX || window->count > window->ring_bytes ||
        window->first + window->count > window->ring_bytes / VYRE_SLOT_BYTES)
        return false;
    for (uint64_t i = 0; i < window->count; i++) {
        const uint8_t *slot = window->ring + (window->first + i) * VYRE_SLOT_BYTES;
        if (!vyre_slot_transition_legal(VYRE_SLOT_PUBLISH, vyre_slot_status(slot)))
            return false;
    }
    return true;
}

/** One call of a publish function, from before it is made until after. */
struct call {
    /** NULL: nothing is recorded. */
    struct recording *recording;
    struct visit visit;
    struct window window;
    /** The window was free, and places were asked for. */
    bool prepared;
    bool taken;
    struct publish publish;
    /** Of a window of any size but one. */
    struct batch batch;
};

static inline const uint32_t *slot_words(const struct call *call, uint32_t slot_idx)
{
    return (const uint32_t *)(const void *)(call->window.ring + (size_t)slot_idx * VYRE_SLOT_BYTES);
}

static inline void take_many(struct call *call, uint32_t ring)
{
    recorder_batch_begin(&call->batch, call->recording, SESSION_ORIGIN_SYMBOL, ring,
                         call->window.count);
    for (uint64_t i = 0; i < call->window.count; i++)
        recorder_batch_take(&call->batch, (uint32_t)(call->window.first + i));
}

static inline void finish_many(struct call *call, bool published)
{
    struct publish publish;
    while (recorder_batch_next(&call->batch, &publish)) {
        if (published)
            recorder_commit(&publish, slot_words(call, publish.slot_idx));
        else
            recorder_abandon(&publish);
    }
}

static inline void take_places(struct call *call)
{
    uint32_t ring = recorder_ring(call->recording, (uint64_t)(uintptr_t)call->window.ring,
                                  call->window.ring_bytes);
    if (call->window.count == 1)
        call->taken = recorder_take(call->recording, SESSION_ORIGIN_SYMBOL, ring,
                                    (uint32_t)call->window.first, &call->publish);
    else
        take_many(call, ring);
}

static inline void finish_places(struct call *call, bool published)
{
    if (call->window.count != 1)
        finish_many(call, published);
    else if (call->taken && published)
        recorder_commit(&call->publish, slot_words(call, call->publish.slot_idx));
    else if (call->taken)
        recorder_abandon(&call->publish);
}

static inline void before_publish(struct call *call, const uint8_t *ring, size_t ring_bytes,
                                  uint32_t first, uint64_t count)
{
    call->recording = recorder_begin(&call->visit);
    if (call->recording == NULL)
        return;
    call->window = (struct window){ring, ring_bytes, first, count};
    call->prepared = is_free(&call->window);
    if (call->prepared)
        take_places(call);
}

/** \param result  0: the publish was made.  \return it */
static inline int after_publish(struct call *call, int result)
{
    if (call->recording == NULL)
        return result;
    /* It did not look free and was published all the same: it became DONE in between. */
    if (!call->prepared && result == 0)
        take_places(call);
    if (call->prepared || result == 0)
        finish_places(call, result == 0);
    if (result != 0)
        recorder_count_failed(call->recording);
    recorder_end(&call->visit);
    return result;
}

#endif
