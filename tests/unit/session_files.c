#include "session_files.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/slots.h"

char folder[] = "/tmp/vrrl-session.XXXXXX";
char log_path[48];
char slots_path[64];

void make_folder(void)
{
    strcpy(strrchr(folder, '.') + 1, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(log_path, sizeof(log_path), "%s/run.vrrl", folder);
    snprintf(slots_path, sizeof(slots_path), "%s.d/slots", log_path);
}

void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

void append(struct recording *recording, uint32_t n)
{
    struct log_place place;
    const uint32_t words[16] = {VYRE_STATUS_DONE, 2, 1, 2, n, [15] = ~n};
    const struct published published = {
        .timestamp_ns = 1000 + n, .slot_idx = n, .ring = 3, .thread = 4, .words = words};
    ck_assert_int_eq(log_take(recording->log, &place), 0);
    recording_reserve_slot(recording, &place, SESSION_ORIGIN_SYMBOL, published.ring,
                           published.slot_idx);
    ck_assert(recording_commit(recording, &place, &published));
}

void record_run(uint64_t capacity, uint32_t first, uint32_t count)
{
    struct recording recording;
    ck_assert_int_eq(recording_open(log_path, capacity, true, &recording), 0);
    for (uint32_t n = first; n < first + count; n++)
        append(&recording, n);
    recording_close(&recording);
}

void check_recorded(uint64_t capacity, uint32_t count, uint32_t last, uint64_t total)
{
    struct vrrl_reader *reader;
    struct session_reader *session;
    struct vrrl_info info;
    struct vrrl_record record;
    struct session_slot slot;
    ck_assert_int_eq(vrrl_reader_open(log_path, &reader), 0);
    ck_assert_int_eq(session_reader_open(log_path, capacity, &session), 0);
    vrrl_reader_info(reader, &info);
    ck_assert_uint_eq(info.live, count);
    ck_assert_uint_eq(session_reader_total(session, info.cursor), total);
    for (uint32_t n = last + 1 - count; n <= last; n++) {
        ck_assert_uint_eq(vrrl_read(reader, &record, 1), 1);
        ck_assert_uint_eq(record.slot_idx, n);
        ck_assert(session_reader_slot(session, record.place, &slot));
        ck_assert(session_slot_matches(&slot, &record));
        ck_assert_uint_eq(slot.sequence, total - last + n);
        ck_assert_uint_eq(slot.words[0], VYRE_STATUS_PUBLISHED);
        ck_assert_uint_eq(slot.words[15], ~n);
        ck_assert_uint_eq(slot.ring, 3);
        ck_assert_uint_eq(slot.thread, 4);
    }
    session_reader_close(session);
    vrrl_reader_close(reader);
}
