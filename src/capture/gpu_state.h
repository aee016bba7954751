/**
 * \file gpu_state.h
 * \brief What the core remembers: buffers and what they are known to hold, and megakernels.
 *
 * All of it lies in memory that fork wipes, its lock too: a child begins with nothing
 * known, whatever another thread was doing.  Everything here is called with the lock held, which
 * is never held across a call of the API.
 */
#ifndef VRRL_CAPTURE_GPU_STATE_H
#define VRRL_CAPTURE_GPU_STATE_H

#include <pthread.h>

#include "capture/gpu.h"
#include "session/entries.h"
#include "vyre/vyre_protocol.h"

/** Blocks of a slot's size, in which contents are kept. */
#define SHADOW_BLOCK VYRE_SLOT_BYTES
/** Of shadow.known: the whole block is. */
#define SHADOW_ALL_WORDS UINT16_C(0xFFFF)
/** Blocks of a page, for what is skipped at once. */
#define SHADOW_PAGE 64u
/** Buffers up to it are shadowed from their first upload on. */
#define SHADOW_SMALL (64u << 10)
/** Memory for all shadows. */
#define SHADOWS_MAX (256u << 20)

/** What a buffer is known to hold. */
struct shadow {
    uint64_t map_bytes;
    size_t blocks;
    /** Bytes of the buffer, as far as \c known. */
    uint8_t *bytes;
    /** Bit i: word i of the block is known. */
    uint16_t *known;
    /** Number of the upload that touched the block last. */
    uint32_t *uploaded;
    /** Launches after which it is known that the slot was not consumed. */
    uint32_t *settled;
    /** The last upload before a read-back that showed the slot PUBLISHED. */
    uint32_t *shown;
    /** Of a page: slots that are PUBLISHED, and the last upload that touched it unchanged. */
    uint64_t *published;
    uint32_t *page_uploaded;
};

/** A buffer that was copied into another, until that is written again. */
struct alias {
    uintptr_t from;
    size_t from_offset;
    size_t offset;
    size_t count;
    uint32_t look;
    uint32_t uploads;
    uint32_t launches;
    bool beside;
    struct gpu_order order;
};

struct buffer {
    uintptr_t handle;
    size_t bytes;
    enum gpu_memory memory;
    /** Where the host sees it without a call of the API. */
    const uint8_t *host;
    /** Where it is mapped for writing now. */
    const uint8_t *mapped;
    struct shadow *shadow;
    struct alias alias;
    /** 1, 2, …: in the session. */
    uint64_t number;
    /** Its first contents are in the session. */
    bool told;
    /** It is an argument of a megakernel; the ring is known as such. */
    bool argument;
    bool ring;
};

struct range {
    uintptr_t buffer;
    size_t offset;
    size_t bytes;
};

#define MEGAKERNELS_MAX 64u
/** Rings in the host's memory that one ring on the device is filled from. */
#define JOINED_MAX 8u
/** Of one megakernel, under way at once. */
#define LAUNCHES_REMEMBERED 64u

/** A launch of a megakernel. */
struct launched {
    /** Among the launches of all megakernels. */
    uint32_t number;
    bool complete;
    uintptr_t queue;
};

/** An observation that the session has. */
struct told_observation {
    size_t offset;
    size_t count;
    uint64_t launches;
    uint32_t uploads;
    uint64_t hash;
};

struct megakernel {
    /** By VYRE_KERNEL_ARG_…; one that was recognised by name may lack debug log and IO queue. */
    struct range buffers[GPU_MEGAKERNEL_BUFFERS];
    /** Number of the ring in the recording, once it has one. */
    bool numbered;
    uint32_t ring;
    /** What the ring held at a launch is in the session, so uploads change something known. */
    bool told;
    /** The host publishes into it by a symbol. */
    bool by_symbol;
    /** Its launch was not seen, and may be under way. */
    bool unseen;
    /** Any publish of its ring is recorded. */
    bool published;
    /** Rings of the recording that turned out to be this one. */
    uint32_t joined[JOINED_MAX];
    unsigned joined_len;
    uint64_t launches;
    /** Launches up to it are known to be complete. */
    uint64_t completed;
    /** What DONE_COUNT is once all is drained that went up, as far as it is known; and what it was
     *  when it was last seen. */
    bool done_known;
    uint32_t done;
    uint32_t done_seen;
    /** The last one that the session has, and where in its journal it began. */
    struct session_submit submit;
    struct journal_entry submit_entry;
    uint64_t submit_at;
    /** Number of its last launch among those of all, and its last ones: launch i is at i modulo
     *  their count. */
    uint32_t last_launch;
    struct launched last_launches[LAUNCHES_REMEMBERED];
    /** By VYRE_KERNEL_ARG_…: what was told of it last. */
    struct told_observation told_last[GPU_MEGAKERNEL_BUFFERS];
    /** Seen before the recording was open. */
    uint32_t look;
    uint32_t epoch;
};

#define KERNEL_ENTRIES 256u

/** A kernel with its arguments that the session knows. */
struct kernel_entry {
    uintptr_t kernel;
    uint64_t arguments_hash;
    uint64_t program;
    uint64_t entry;
};

/** A buffer that may be one of a megakernel that nobody saw launched. */
struct candidate {
    uintptr_t buffer;
    /** And so may others. */
    bool several;
};

#define BUFFERS_MAX 16384u

struct gpu_state {
    pthread_mutex_t lock;
    /** What was asked for when it was locked by gpu_lock_known(): until it is unlocked this holds,
     *  whatever is asked for meanwhile. */
    const struct settings *settings;
    struct buffer buffers[BUFFERS_MAX];
    unsigned buffers_len;
    uint64_t buffers_made;
    uint64_t shadow_bytes;
    struct megakernel megakernels[MEGAKERNELS_MAX];
    unsigned megakernels_len;
    struct kernel_entry kernel_entries[KERNEL_ENTRIES];
    struct candidate may_be_ring;
    struct candidate may_be_control;
    /** Of all buffers and megakernels, so that they can be told from what came later. */
    uint32_t uploads;
    _Atomic uint32_t launches;
    /** What is collected of one upload: slots that are publishes, runs of slots. */
    uint32_t *collected;
    size_t collected_len;
    size_t collected_max;
    /** recorder_watch() and recorder_serial() that all this is of. */
    uint32_t watch;
    uint32_t serial;
    /** How often something may have become known or been forgotten; see gpu_known(). */
    _Atomic uint32_t changes;
    /** Serial of the last recording that has a checkpoint, or was tried to have. */
    uint32_t checkpoint;
    bool journals_tried;
    bool told_shared;
    bool told_unknown_copy;
};

/** Lock.  \return NULL, and nothing is locked, when there is nothing to be recorded, or no buffer
 * was ever made */
struct gpu_state *gpu_lock_known(void);

/** The same, to finish what was begun, also when it was told to record no more meanwhile. */
struct gpu_state *gpu_lock_begun(void);

/** The same, for what is remembered while dormant too; makes the state.  \return NULL when nothing
 *  will ever be recorded */
struct gpu_state *gpu_lock_remembered(void);
void gpu_unlock(struct gpu_state *state);

/** When nothing has become known that was not before; for gpu_known(). */
void gpu_unlock_as_it_was(struct gpu_state *state);

/** The recording, for a publish: opens it.  \return NULL when nothing is recorded */
struct recording *gpu_open_recording(struct gpu_state *state);

static inline uint64_t gpu_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

/** \return NULL when it is not known */
struct buffer *gpu_find_buffer(struct gpu_state *state, uintptr_t handle);

/** Give a buffer a shadow, nothing of it known.  \return false when there is no room */
bool gpu_make_shadow(struct gpu_state *state, struct buffer *buffer);

/** Bytes that are known of a buffer from an offset on, up to \a count; *known is how many. */
const uint8_t *gpu_known_bytes(const struct buffer *buffer, size_t offset, size_t count,
                               size_t *known);

/** Put bytes of one block there.  \return whether the block is a slot that is PUBLISHED now */
bool gpu_merge(struct shadow *shadow, size_t block, size_t from, const uint8_t *bytes, size_t count,
               uint32_t upload);

/** The same of a ring's block, where a status may come alone as the one byte that it fits into. */
bool gpu_merge_slot(struct shadow *shadow, size_t block, size_t from, const uint8_t *bytes,
                    size_t count, uint32_t upload);

/** Whether the words of a block may be a slot's. */
bool gpu_is_slot(const uint32_t *words);

/** Forget what a buffer holds. */
void gpu_forget(struct buffer *buffer, size_t offset, size_t count);

static inline bool range_overlaps(const struct range *range, uintptr_t buffer, size_t offset,
                                  size_t count)
{
    return range->buffer == buffer && range->bytes > 0 && offset < range->offset + range->bytes &&
           range->offset < offset + count;
}

/** The megakernel whose ring is in this buffer, overlapping the bytes.  \return NULL if none is */
struct megakernel *gpu_megakernel_of_ring(struct gpu_state *state, uintptr_t buffer, size_t offset,
                                          size_t count);

/** Note that launches are complete. */
void gpu_complete(struct gpu_state *state, const struct gpu_order *order);

/** Whether a launch of a megakernel is under way that a command does not come behind. */
bool gpu_runs_beside(const struct megakernel *megakernel, const struct gpu_order *order);

/** The same of any whose buffers these bytes are of. */
bool gpu_reads_beside(const struct gpu_state *state, uintptr_t buffer, size_t offset, size_t count,
                      const struct gpu_order *order);

/** Bytes went into a buffer: perhaps DONE_COUNT, with nothing of the ring left to be counted. */
void gpu_count_from(struct gpu_state *state, const struct buffer *buffer,
                    const struct gpu_piece *pieces, size_t pieces_len);

/** Find the megakernel that a launch is of, or recognise one.  \return NULL when it is none */
struct megakernel *gpu_recognise(struct gpu_state *state, const struct gpu_launch *launch);

/** Bytes came back: perhaps DONE_COUNT. */
void gpu_count_seen(struct megakernel *megakernel, uintptr_t buffer, const struct gpu_piece *piece);

/** An upload into a ring was not made after all. */
void gpu_count_lost(struct gpu_state *state, uintptr_t ring);

/** Know a megakernel by control buffer and ring alone, without a launch. */
void gpu_adopt(struct gpu_state *state, const struct range buffers[GPU_MEGAKERNEL_BUFFERS]);

/** Bytes went up into a buffer that is no ring, of which what is known is kept: perhaps it is one
 *  (gpu_adopt.c). */
void gpu_saw_upload(struct gpu_state *state, struct buffer *buffer, const struct gpu_piece *pieces,
                    size_t pieces_len);

/** Whether a read-back may show a control buffer that is not known to be one. */
bool gpu_may_be_control(const struct buffer *buffer, size_t offset, size_t count);

/** Bytes came back. */
void gpu_saw_readback(struct gpu_state *state, uintptr_t handle, const struct gpu_piece *piece);

/** The recording, for a publish of a megakernel: opens it.  Its ring gets a number.  \return NULL
 *  when nothing is recorded */
struct recording *gpu_recording_of(struct gpu_state *state, struct megakernel *megakernel);

/** Append to what is collected; without memory it is not. */
void gpu_collect(struct gpu_state *state, uint32_t number);

/** Look at the bytes of an upload into a ring that is known: record what it publishes, by a batch
 *  that is taken and not finished. */
void gpu_look_for_publishes(struct gpu_state *state, struct buffer *buffer,
                            const struct gpu_order *order, const struct gpu_piece *pieces,
                            size_t pieces_len, struct batch *publishes);

/** Finish a batch. */
void gpu_finish_publishes(struct gpu_state *state, uintptr_t ring, struct batch *publishes,
                          bool made);

/** Record what the ring holds that was uploaded before it was known to be one. */
void gpu_record_early_publishes(struct gpu_state *state, struct megakernel *megakernel);

/** Look at bytes that go up into a ring, as gpu_look_for_publishes(), and remember for
 *  gpu_record_upload() which they are. */
void gpu_upload_to_ring(struct gpu_state *state, struct gpu_upload *upload, struct buffer *buffer,
                        const struct gpu_order *order, const struct gpu_piece *pieces,
                        size_t pieces_len);

/** Know what a buffer holds that is no ring. */
void gpu_know_contents(struct gpu_state *state, struct buffer *buffer,
                       const struct gpu_piece *piece);

/** What comes before the payload of something that happens now. */
struct journal_entry gpu_entry_now(struct recording *recording, uint32_t type, uint32_t ring);

/** Note in the session what is known of a buffer, once. */
void gpu_record_first_contents(struct recording *recording, struct buffer *buffer, uint32_t ring);

/** Note in the session what the host put into a megakernel's buffer that is no ring. */
void gpu_record_contents(struct gpu_state *state, const struct buffer *buffer,
                         const struct gpu_order *order, const struct gpu_piece *pieces,
                         size_t pieces_len);

/** Note in the session that bytes of a megakernel's buffer were changed by something whose bytes
 *  are not kept. */
void gpu_record_lost(struct gpu_state *state, const struct buffer *buffer, size_t offset,
                     size_t count);

/** Note the last launch in the session once more, when it was overwritten there while the launch
 *  is under way: what goes up beside it is nothing without it. */
void gpu_keep_submit(struct recording *recording, struct megakernel *megakernel);

/** Note in the session which slots an upload brought into its ring. */
void gpu_record_upload(struct gpu_state *state, const struct gpu_upload *upload);

/** Note in the session what a ring holds, before its first launch that is recorded. */
void gpu_record_ring(struct gpu_state *state, struct recording *recording,
                     struct megakernel *megakernel);

/** The journal, if the session has one.  \return NULL when it has not */
struct journal *gpu_journal(struct recording *recording, enum journal_kind kind);

/** There is another recording. */
void pending_begin(void);

/** Bring the publishes that were recorded by symbol up to date. */
void pending_update(struct recording *recording);

/** Whether the publish of a slot was recorded by symbol; then it is settled.
 *  \param[out] ring  of the symbol's record */
bool pending_settle(uint32_t slot_idx, const uint32_t *words, uint32_t *ring);

/** Publishes by symbol came and went unseen, so that pending_settle() does not know all. */
bool pending_lost(void);

#endif
