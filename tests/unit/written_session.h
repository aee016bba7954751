/* Sessions that are written entry by entry for the tests of timelines, and what is read of them. */
#ifndef WRITTEN_SESSION_H
#define WRITTEN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/timeline.h"
#include "session/writer.h"

#define SLOTS 8u
#define CONTROL_BYTES 640u

extern char session_log[96];
extern struct recording recording;
/** What read_timeline() read, or why it could not. */
extern struct timeline timeline;
extern struct replay_error error;

/** Make a log of that many records, with a session, in a folder of its own; and remove it. */
void begin_session(uint64_t capacity);
void end_session(void);

/** Flags of the entries that are written next. */
extern uint32_t entry_flags;

/** Append an entry. \return its number */
uint64_t write_entry(enum journal_kind kind, uint32_t type, const void *head, size_t head_bytes,
                     const void *rest, size_t rest_bytes);

void write_publish(uint32_t slot);

/** A kernel whose control buffer is buffer 1; its ring is in buffer \a ring_buffer. */
void write_kernel(uint64_t ring_buffer, uint64_t ring_offset);

void write_contents(enum journal_kind kind, uint64_t buffer, uint64_t offset, const void *bytes,
                    size_t count);

/** Runs of slots and statuses. */
void write_upload(uint32_t first_slot, const uint32_t (*runs)[2], uint32_t runs_len);

/** The first slots are PUBLISHED, and the others DONE. */
void write_ring_upload(uint32_t published);

void write_submit(void);

/** A look at DONE_COUNT alone. */
void write_done_observation(uint64_t after, bool complete, uint32_t done);
void write_control_observation(uint64_t after, bool complete, uint32_t epoch);

/** \param map  of the slots that are PUBLISHED */
void write_ring_observation(uint64_t after, uint8_t map);

void read_timeline(void);

/** The events in short: contents, publish of a record, status, launch, round, observation, lost. */
void events_are(const char *expected);

#endif
