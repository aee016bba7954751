#include "capture/gpu_state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/** Made with the first buffer.  In a forked child the memory is there and all 0, which is a state
 *  that knows nothing and whose lock is free. */
static _Atomic(struct gpu_state *) gpu_state;

RECORDER_OFTEN bool gpu_is_remembered(void)
{
    return recorder_may_record();
}

RECORDER_OFTEN bool gpu_is_watched(void)
{
    /* What goes up to a GPU cannot be remembered without memory of the system's. */
    return recorder_settings() != NULL && !recorder_makes_no_calls();
}

RECORDER_OFTEN uint32_t gpu_last_launch(void)
{
    const struct gpu_state *state = atomic_load_explicit(&gpu_state, memory_order_acquire);
    return state == NULL ? 0 : atomic_load_explicit(&state->launches, memory_order_relaxed);
}

static struct gpu_state *make_state(void)
{
    struct gpu_state *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED)
        return NULL;
    struct gpu_state *known = NULL;
    if (madvise(made, sizeof(*made), MADV_WIPEONFORK) == 0 &&
        atomic_compare_exchange_strong(&gpu_state, &known, made))
        return made;
    munmap(made, sizeof(*made));
    return known;
}

static void release_shadow(struct gpu_state *state, struct buffer *buffer)
{
    if (buffer->shadow == NULL)
        return;
    state->shadow_bytes -= buffer->shadow->map_bytes;
    munmap(buffer->shadow, buffer->shadow->map_bytes);
    buffer->shadow = NULL;
}

/** Nothing that was known is so any more, but which buffers there are: recording was off. */
static void forget_all(struct gpu_state *state)
{
    for (unsigned i = 0; i < BUFFERS_MAX; i++) {
        struct buffer *buffer = &state->buffers[i];
        if (buffer->handle == 0)
            continue;
        release_shadow(state, buffer);
        buffer->alias = (struct alias){0};
        buffer->mapped = NULL;
        buffer->told = buffer->argument = buffer->ring = false;
    }
    memset(state->megakernels, 0, sizeof(state->megakernels));
    state->may_be_ring = state->may_be_control = (struct candidate){0};
    state->megakernels_len = 0;
}

/** Nothing of what was told to another recording is known to this one. */
static void begin_recording(struct gpu_state *state)
{
    for (unsigned i = 0; i < BUFFERS_MAX; i++)
        state->buffers[i].told = false;
    for (unsigned i = 0; i < state->megakernels_len; i++) {
        state->megakernels[i].numbered = state->megakernels[i].told = false;
        state->megakernels[i].launches = state->megakernels[i].completed = 0;
        state->megakernels[i].published = false;
        state->megakernels[i].joined_len = 0;
        state->megakernels[i].submit = (struct session_submit){0};
        memset(state->megakernels[i].told_last, 0, sizeof(state->megakernels[i].told_last));
    }
    memset(state->kernel_entries, 0, sizeof(state->kernel_entries));
    state->journals_tried = false;
    pending_begin();
}

/** Bring what is known up to date with what is recorded into. */
static void follow_recorder(struct gpu_state *state)
{
    uint32_t watch = recorder_watch();
    if (state->watch != watch && state->watch != 0)
        forget_all(state);
    state->watch = watch;
    struct recording *recording = recorder_opened();
    uint32_t serial = recording == NULL ? state->serial : recorder_serial(recording);
    if (state->serial != serial && state->serial != 0)
        begin_recording(state);
    state->serial = serial;
}

static struct gpu_state *lock(void)
{
    struct gpu_state *state = atomic_load_explicit(&gpu_state, memory_order_acquire);
    if (state == NULL)
        return NULL;
    pthread_mutex_lock(&state->lock);
    recorder_hold_opened();
    follow_recorder(state);
    return state;
}

struct gpu_state *gpu_lock_known(void)
{
    const struct settings *settings = recorder_settings();
    struct gpu_state *state = settings == NULL || recorder_makes_no_calls() ? NULL : lock();
    if (state != NULL)
        state->settings = settings;
    return state;
}

struct gpu_state *gpu_lock_begun(void)
{
    return recorder_makes_no_calls() ? NULL : lock();
}

struct gpu_state *gpu_lock_remembered(void)
{
    if (!gpu_is_remembered() ||
        (atomic_load_explicit(&gpu_state, memory_order_acquire) == NULL && make_state() == NULL))
        return NULL;
    return lock();
}

RECORDER_OFTEN uint64_t gpu_known(void)
{
    const struct gpu_state *state = atomic_load_explicit(&gpu_state, memory_order_acquire);
    uint32_t changes =
        state == NULL ? 0 : atomic_load_explicit(&state->changes, memory_order_relaxed);
    return changes == 0 ? 0 : (uint64_t)recorder_watch() << 32 | changes;
}

void gpu_unlock_as_it_was(struct gpu_state *state)
{
    recorder_let_go();
    pthread_mutex_unlock(&state->lock);
}

void gpu_unlock(struct gpu_state *state)
{
    uint32_t changes = atomic_load_explicit(&state->changes, memory_order_relaxed) + 1;
    /* 0 is one that a fork has wiped. */
    atomic_store_explicit(&state->changes, changes == 0 ? 1 : changes, memory_order_relaxed);
    gpu_unlock_as_it_was(state);
}

struct recording *gpu_open_recording(struct gpu_state *state)
{
    struct recording *recording = recorder_open_and_hold();
    follow_recorder(state);
    return recording;
}

static unsigned home_of(uintptr_t handle)
{
    return (unsigned)((uint64_t)handle * UINT64_C(0x9E3779B97F4A7C15) >> 50) % BUFFERS_MAX;
}

struct buffer *gpu_find_buffer(struct gpu_state *state, uintptr_t handle)
{
    if (handle == 0)
        return NULL;
    for (unsigned at = home_of(handle);; at = (at + 1) % BUFFERS_MAX) {
        if (state->buffers[at].handle == handle)
            return &state->buffers[at];
        if (state->buffers[at].handle == 0)
            return NULL;
    }
}

/** Take an entry out, and close the gap for those that were put behind it. */
static void remove_buffer(struct gpu_state *state, struct buffer *buffer)
{
    release_shadow(state, buffer);
    unsigned gap = (unsigned)(buffer - state->buffers);
    for (unsigned at = (gap + 1) % BUFFERS_MAX; state->buffers[at].handle != 0;
         at = (at + 1) % BUFFERS_MAX) {
        unsigned home = home_of(state->buffers[at].handle);
        bool stays = gap <= at ? gap < home && home <= at : gap < home || home <= at;
        if (stays)
            continue;
        state->buffers[gap] = state->buffers[at];
        gap = at;
    }
    memset(&state->buffers[gap], 0, sizeof(state->buffers[gap]));
    state->buffers_len--;
}

static void forget_megakernels_of(struct gpu_state *state, uintptr_t buffer)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        for (unsigned role = 0; role < GPU_MEGAKERNEL_BUFFERS; role++)
            if (state->megakernels[i].buffers[role].buffer == buffer) {
                memset(&state->megakernels[i], 0, sizeof(state->megakernels[i]));
                break;
            }
}

static void forget_buffer(struct gpu_state *state, uintptr_t handle)
{
    struct buffer *buffer = gpu_find_buffer(state, handle);
    if (buffer == NULL)
        return;
    if (buffer->argument)
        forget_megakernels_of(state, handle);
    if (state->may_be_ring.buffer == handle)
        state->may_be_ring = (struct candidate){0};
    if (state->may_be_control.buffer == handle)
        state->may_be_control = (struct candidate){0};
    remove_buffer(state, buffer);
}

void gpu_buffer_made(uintptr_t buffer, size_t bytes, enum gpu_memory memory, const void *host)
{
    int saved = errno;
    struct gpu_state *state = gpu_lock_remembered();
    if (state != NULL) {
        forget_buffer(state, buffer);
        /* A table that is nearly full is slow; buffers beyond it are not looked at. */
        if (buffer != 0 && state->buffers_len < BUFFERS_MAX / 4 * 3) {
            unsigned at = home_of(buffer);
            while (state->buffers[at].handle != 0)
                at = (at + 1) % BUFFERS_MAX;
            state->buffers[at] = (struct buffer){.handle = buffer,
                                                 .bytes = bytes,
                                                 .memory = memory,
                                                 .host = host,
                                                 .number = ++state->buffers_made};
            state->buffers_len++;
        }
        gpu_unlock(state);
    }
    errno = saved;
}

void gpu_buffer_gone(uintptr_t buffer)
{
    int saved = errno;
    struct gpu_state *state = gpu_lock_remembered();
    if (state != NULL) {
        forget_buffer(state, buffer);
        gpu_unlock(state);
    }
    errno = saved;
}

void gpu_buffer_mapped(uintptr_t buffer, const void *host)
{
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    struct buffer *known = gpu_find_buffer(state, buffer);
    if (known != NULL)
        known->mapped = host;
    gpu_unlock(state);
}

bool gpu_make_shadow(struct gpu_state *state, struct buffer *buffer)
{
    if (buffer->shadow != NULL)
        return true;
    size_t blocks = (buffer->bytes + SHADOW_BLOCK - 1) / SHADOW_BLOCK;
    size_t pages = (blocks + SHADOW_PAGE - 1) / SHADOW_PAGE;
    uint64_t bytes = sizeof(struct shadow) + SHADOW_BLOCK +
                     blocks * (SHADOW_BLOCK + sizeof(uint16_t) + 3 * sizeof(uint32_t)) +
                     pages * (sizeof(uint64_t) + sizeof(uint32_t)) + 4 * sizeof(uint64_t);
    if (blocks == 0 || bytes > SHADOWS_MAX - state->shadow_bytes)
        return false;
    struct shadow *shadow =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (shadow == MAP_FAILED)
        return false;
    shadow->map_bytes = bytes;
    shadow->blocks = blocks;
    uint8_t *at =
        (uint8_t *)shadow + (sizeof(*shadow) + SHADOW_BLOCK - 1) / SHADOW_BLOCK * SHADOW_BLOCK;
    shadow->bytes = at;
    at += blocks * SHADOW_BLOCK;
    shadow->published = (uint64_t *)(void *)at;
    at += pages * sizeof(uint64_t);
    shadow->uploaded = (uint32_t *)(void *)at;
    at += blocks * sizeof(uint32_t);
    shadow->settled = (uint32_t *)(void *)at;
    at += blocks * sizeof(uint32_t);
    shadow->shown = (uint32_t *)(void *)at;
    at += blocks * sizeof(uint32_t);
    shadow->page_uploaded = (uint32_t *)(void *)at;
    at += pages * sizeof(uint32_t);
    shadow->known = (uint16_t *)(void *)at;
    state->shadow_bytes += bytes;
    buffer->shadow = shadow;
    return true;
}

const uint8_t *gpu_known_bytes(const struct buffer *buffer, size_t offset, size_t count,
                               size_t *known)
{
    *known = 0;
    if (buffer->shadow == NULL || offset >= buffer->bytes)
        return NULL;
    size_t end = count < buffer->bytes - offset ? offset + count : buffer->bytes;
    size_t at = offset;
    while (at < end && (buffer->shadow->known[at / SHADOW_BLOCK] >> (at % SHADOW_BLOCK / 4) & 1u))
        at = (at / 4 + 1) * 4;
    *known = (at < end ? at : end) - offset;
    return buffer->shadow->bytes + offset;
}

/** Words of a block that lie whole in bytes [from, from + count) of it. */
static uint16_t words_within(size_t from, size_t count)
{
    unsigned first = (unsigned)((from + 3) / 4);
    unsigned end = (unsigned)((from + count) / 4);
    return end <= first ? 0 : (uint16_t)((1u << end) - (1u << first));
}

static uint32_t status_of(const struct shadow *shadow, size_t block)
{
    uint32_t status;
    memcpy(&status, shadow->bytes + block * SHADOW_BLOCK, sizeof(status));
    return status;
}

bool gpu_merge(struct shadow *shadow, size_t block, size_t from, const uint8_t *bytes, size_t count,
               uint32_t upload)
{
    memcpy(shadow->bytes + block * SHADOW_BLOCK + from, bytes, count);
    shadow->known[block] |= words_within(from, count);
    shadow->uploaded[block] = upload;
    bool published =
        (shadow->known[block] & 1u) != 0 && status_of(shadow, block) == VYRE_STATUS_PUBLISHED;
    uint64_t bit = UINT64_C(1) << block % SHADOW_PAGE;
    if (published)
        shadow->published[block / SHADOW_PAGE] |= bit;
    else
        shadow->published[block / SHADOW_PAGE] &= ~bit;
    return published;
}

bool gpu_merge_slot(struct shadow *shadow, size_t block, size_t from, const uint8_t *bytes,
                    size_t count, uint32_t upload)
{
    uint32_t status = status_of(shadow, block) & ~UINT32_C(0xFF);
    if (from > 0 || count != 1 || status != 0)
        return gpu_merge(shadow, block, from, bytes, count, upload);
    memcpy(&status, bytes, 1);
    return gpu_merge(shadow, block, 0, (const uint8_t *)&status, sizeof(status), upload);
}

void gpu_forget(struct buffer *buffer, size_t offset, size_t count)
{
    struct shadow *shadow = buffer->shadow;
    buffer->alias.count = 0;
    if (shadow == NULL || count == 0 || offset >= buffer->bytes)
        return;
    size_t end = count < buffer->bytes - offset ? offset + count : buffer->bytes;
    for (size_t block = offset / SHADOW_BLOCK; block * SHADOW_BLOCK < end; block++) {
        shadow->known[block] = 0;
        shadow->published[block / SHADOW_PAGE] &= ~(UINT64_C(1) << block % SHADOW_PAGE);
    }
}

void gpu_bytes_lost(uintptr_t buffer, size_t offset, size_t count)
{
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    struct buffer *known = gpu_find_buffer(state, buffer);
    if (known != NULL) {
        gpu_forget(known, offset, count);
        gpu_record_lost(state, known, offset, count);
    }
    gpu_unlock(state);
}

struct megakernel *gpu_megakernel_of_ring(struct gpu_state *state, uintptr_t buffer, size_t offset,
                                          size_t count)
{
    for (unsigned i = 0; i < state->megakernels_len; i++)
        if (range_overlaps(&state->megakernels[i].buffers[VYRE_KERNEL_ARG_RING], buffer, offset,
                           count))
            return &state->megakernels[i];
    return NULL;
}
