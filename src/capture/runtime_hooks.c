/*
 * Hooks of libvyre_runtime.  A publish takes its place in the log before it is
 * made, and commits its record after it succeeded.
 */
#include <stdint.h>

#include "capture/original.h"
#include "capture/publish_call.h"
#include "capture/recorder_state.h"
#include "runtime/vyre_runtime.h"

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
