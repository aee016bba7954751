/*
 * Hooks of libvyre_runtime.  A publish takes its place in the log before it is
 * made, and commits its record after it succeeded.
 */
#include <stdint.h>

#include "capture/original.h"
#include "capture/recorder.h"
#include "runtime/vyre_runtime.h"
#include "vyre/slot.h"

enum {
    PUBLISH_SLOT,
    PUBLISH_PACKED_SLOT,
    BATCH_PUBLISH,
    PUBLISH_WORK_ITEMS,
    READ_EPOCH,
};

static struct hook hooks[] = {
    [PUBLISH_SLOT] = {"vyre_publish_slot", vyre_publish_slot, NULL},
    [PUBLISH_PACKED_SLOT] = {"vyre_publish_packed_slot", vyre_publish_packed_slot, NULL},
    [BATCH_PUBLISH] = {"vyre_batch_publish", vyre_batch_publish, NULL},
    [PUBLISH_WORK_ITEMS] = {"vyre_publish_work_items", vyre_publish_work_items, NULL},
    [READ_EPOCH] = {"vyre_read_epoch", vyre_read_epoch, NULL},
};

const struct hook_table runtime_hook_table = {hooks, sizeof(hooks) / sizeof(hooks[0])};

/** Slots that one call publishes. */
struct window {
    const uint8_t *ring;
    size_t ring_bytes;
    uint64_t first;
    uint64_t count;
};

/** Whether the slots may be published, as far as the ring tells.  A host that tries again and
 *  again on a busy slot must not fill the log with empty places. */
static bool is_free(const struct window *window)
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
    struct recording *recording;
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

static void take_many(struct call *call, uint32_t ring)
{
    recorder_batch_begin(&call->batch, call->recording, SESSION_ORIGIN_SYMBOL, ring,
                         call->window.count);
    for (uint64_t i = 0; i < call->window.count; i++)
        recorder_batch_take(&call->batch, (uint32_t)(call->window.first + i));
}

static void finish_many(struct call *call, bool published)
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
    call->recording = recorder_begin();
    if (call->recording == NULL)
        return;
    call->window = (struct window){ring, ring_bytes, first, count};
    call->prepared = is_free(&call->window);
    if (call->prepared)
        take_places(call);
}

static inline int after_publish(struct call *call, int result)
{
    if (call->recording == NULL)
        return result;
    /* It did not look free and was published all the same: it became DONE in between. */
    if (!call->prepared && result == VYRE_OK)
        take_places(call);
    if (call->prepared || result == VYRE_OK)
        finish_places(call, result == VYRE_OK);
    if (result != VYRE_OK)
        recorder_count_failed(call->recording);
    return result;
}

/** The original, as a function of the hook's own type.  Without one there is nothing that the
 *  call could do. */
#define ORIGINAL(index, hook)                                                                      \
    __typeof__(&(hook)) original = (__typeof__(&(hook)))original_of(&hooks[index]);                \
    if (original == NULL)                                                                          \
        return VYRE_E_NULL;

VYRE_API int vyre_publish_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                               uint32_t tenant_id, uint32_t opcode, const uint32_t *args,
                               size_t args_len)
{
    ORIGINAL(PUBLISH_SLOT, vyre_publish_slot)
    if (recorder_is_off())
        return original(ring_bytes, ring_len, slot_idx, tenant_id, opcode, args, args_len);
    struct call call;
    before_publish(&call, ring_bytes, ring_len, slot_idx, 1);
    return after_publish(
        &call, original(ring_bytes, ring_len, slot_idx, tenant_id, opcode, args, args_len));
}

VYRE_API int vyre_publish_packed_slot(uint8_t *ring_bytes, size_t ring_len, uint32_t slot_idx,
                                      uint32_t tenant_id, const struct vyre_packed_op *ops,
                                      size_t ops_len)
{
    ORIGINAL(PUBLISH_PACKED_SLOT, vyre_publish_packed_slot)
    if (recorder_is_off())
        return original(ring_bytes, ring_len, slot_idx, tenant_id, ops, ops_len);
    struct call call;
    before_publish(&call, ring_bytes, ring_len, slot_idx, 1);
    return after_publish(&call, original(ring_bytes, ring_len, slot_idx, tenant_id, ops, ops_len));
}

VYRE_API int vyre_batch_publish(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                                uint32_t tenant_id, const struct vyre_batch_item *items,
                                size_t items_len, uint32_t batch_tag, uint32_t *consumed)
{
    ORIGINAL(BATCH_PUBLISH, vyre_batch_publish)
    if (recorder_is_off())
        return original(ring_bytes, ring_len, start_slot, tenant_id, items, items_len, batch_tag,
                        consumed);
    struct call call;
    /* The items and then the fence. */
    before_publish(&call, ring_bytes, ring_len, start_slot, (uint64_t)items_len + 1);
    return after_publish(&call, original(ring_bytes, ring_len, start_slot, tenant_id, items,
                                         items_len, batch_tag, consumed));
}

VYRE_API int vyre_publish_work_items(uint8_t *ring_bytes, size_t ring_len, uint32_t start_slot,
                                     uint32_t tenant_id, const struct vyre_work_item *items,
                                     size_t items_len)
{
    ORIGINAL(PUBLISH_WORK_ITEMS, vyre_publish_work_items)
    if (recorder_is_off())
        return original(ring_bytes, ring_len, start_slot, tenant_id, items, items_len);
    struct call call;
    before_publish(&call, ring_bytes, ring_len, start_slot, items_len);
    return after_publish(&call,
                         original(ring_bytes, ring_len, start_slot, tenant_id, items, items_len));
}

VYRE_API int vyre_read_epoch(const uint8_t *control_bytes, size_t control_len, uint32_t *epoch)
{
    ORIGINAL(READ_EPOCH, vyre_read_epoch)
    uint32_t look = recorder_look_at_epoch();
    int result = original(control_bytes, control_len, epoch);
    if (result == VYRE_OK)
        recorder_saw_epoch(look, *epoch);
    return result;
}
