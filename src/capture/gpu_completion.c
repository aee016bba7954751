/*
 * Which launches are known to be complete, and which may run beside a command.
 */
#include <errno.h>

#include "capture/gpu_state.h"

static bool comes_behind(const struct gpu_order *order, const struct launched *launched)
{
    for (unsigned i = 0; i < order->len; i++) {
        const struct gpu_launches *one = &order->behind[i];
        if (one->queue == launched->queue && one->first <= launched->number &&
            launched->number <= one->last)
            return true;
    }
    return false;
}

/** First launch that is remembered and not among the first ones that are complete. */
static uint64_t first_under_way(const struct megakernel *megakernel)
{
    uint64_t first = megakernel->completed + 1;
    if (megakernel->launches >= LAUNCHES_REMEMBERED &&
        first <= megakernel->launches - LAUNCHES_REMEMBERED)
        first = megakernel->launches - LAUNCHES_REMEMBERED + 1;
    return first;
}

bool gpu_runs_beside(const struct megakernel *megakernel, const struct gpu_order *order)
{
    if (megakernel->unseen)
        return order != NULL;
    for (uint64_t i = first_under_way(megakernel); order != NULL && i <= megakernel->launches;
         i++) {
        const struct launched *launched = &megakernel->last_launches[i % LAUNCHES_REMEMBERED];
        if (!launched->complete && !comes_behind(order, launched))
            return true;
    }
    return false;
}

static void complete(struct megakernel *megakernel, const struct gpu_order *order)
{
    uint64_t completed = first_under_way(megakernel) - 1;
    bool all = true;
    for (uint64_t i = completed + 1; i <= megakernel->launches; i++) {
        struct launched *launched = &megakernel->last_launches[i % LAUNCHES_REMEMBERED];
        launched->complete = launched->complete || comes_behind(order, launched);
        all = all && launched->complete;
        if (all)
            megakernel->completed = i;
    }
}

void gpu_complete(struct gpu_state *state, const struct gpu_order *order)
{
    for (unsigned i = 0; order->len > 0 && i < state->megakernels_len; i++)
        complete(&state->megakernels[i], order);
}

void gpu_completed(const struct gpu_order *order)
{
    if (order->len == 0)
        return;
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    gpu_complete(state, order);
    gpu_unlock(state);
    errno = saved;
}
