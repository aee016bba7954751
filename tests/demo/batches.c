#include "batches.h"

#include <stdio.h>
#include <string.h>

#include "chunk.h"
#include "tally.h"
#include "vyre_runtime.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The format of the PRINTF that says how far the kernel is. */
#define FORMAT_PROGRESS 1u

/* One run: the device, the host's buffers, and what to expect of the next launch. */
struct run {
    struct device *device;
    struct host_buffers *host;
    struct batches_report *report;
    uint32_t next_slot; /* of the ring, in this batch */
    uint32_t tag;       /* of the last fence */
};

/* Passes a code of the runtime on, after a message if it is a refusal. */
static int check(int code, const char *what)
{
    if (code == VYRE_OK)
        return 0;
    fprintf(stderr, "textstat: %s: %s\n", what, vyre_strerror(code));
    return -1;
}

static int unexpected(const char *what, uint32_t expected, uint32_t actual)
{
    fprintf(stderr,
            "textstat: %s is %u where %u was expected. Fix: the device or its driver runs "
            "the megakernel wrongly; try another with --device.\n",
            what, actual, expected);
    return -1;
}

static int publish(struct run *run, enum tenant tenant, uint32_t opcode, const uint32_t *args,
                   size_t args_len)
{
    return check(vyre_publish_slot(run->host->ring, run->host->ring_len, run->next_slot++, tenant,
                                   opcode, args, args_len),
                 "publishing a slot");
}

/* Publishes items and the fence that ends the batch. */
static int publish_fenced(struct run *run, enum tenant tenant, const struct vyre_batch_item *items,
                          size_t items_len)
{
    uint32_t consumed = 0;

    if (check(vyre_batch_publish(run->host->ring, run->host->ring_len, run->next_slot, tenant,
                                 items, items_len, ++run->tag, &consumed),
              "publishing a batch") != 0)
        return -1;
    run->next_slot += consumed;
    return 0;
}

/* Counts up to four bytes in one slot. */
static int publish_bytes(struct run *run, const uint8_t *bytes, size_t length)
{
    uint32_t args[CHUNK_BYTES_PER_SLOT][2];
    struct vyre_packed_op ops[CHUNK_BYTES_PER_SLOT];

    for (size_t i = 0; i < length; i++) {
        args[i][0] = 1;
        args[i][1] = TALLY_BYTES + bytes[i];
        ops[i] = (struct vyre_packed_op){VYRE_OP_ATOMIC_ADD, args[i], 2};
    }
    return check(vyre_publish_packed_slot(run->host->ring, run->host->ring_len, run->next_slot++,
                                          TENANT_BYTES, ops, length),
                 "publishing a packed slot");
}

static int publish_counting(struct run *run, const struct chunk *chunk, const uint8_t *text)
{
    for (size_t at = chunk->begin; at < chunk->end; at += CHUNK_BYTES_PER_SLOT) {
        const size_t left = chunk->end - at;

        if (publish_bytes(run, text + at,
                          left < CHUNK_BYTES_PER_SLOT ? left : CHUNK_BYTES_PER_SLOT) != 0)
            return -1;
    }
    if (chunk->words_len > 0) {
        if (check(vyre_publish_work_items(run->host->ring, run->host->ring_len, run->next_slot,
                                          TENANT_WORDS, chunk->words, chunk->words_len),
                  "publishing work items") != 0)
            return -1;
        run->next_slot += (uint32_t)chunk->words_len;
    }
    return publish_fenced(run, TENANT_LINES, chunk->lines, chunk->lines_len);
}

static int publish_summing(struct run *run, const struct scan *scan, uint32_t longest_before)
{
    const uint32_t load[] = {TALLY_LINES, TALLY_LINES_SO_FAR - VYRE_CONTROL_OBSERVABLES};
    const uint32_t swap[] = {TALLY_LONGEST_LINE, longest_before, scan->longest_line};
    const uint32_t copy[] = {TALLY_BYTES, TALLY_BYTES_COPY, 256};
    const uint32_t progress[] = {FORMAT_PROGRESS, (uint32_t)scan->at, scan->lines};
    const struct vyre_batch_item items[] = {
        {VYRE_OP_LOAD_U32, load, LENGTH(load)},
        {VYRE_OP_COMPARE_SWAP, swap, LENGTH(swap)},
        {VYRE_OP_MEMCPY, copy, LENGTH(copy)},
    };

    if (publish(run, TENANT_SUMS, VYRE_OP_PRINTF, progress, LENGTH(progress)) != 0 ||
        publish(run, TENANT_SUMS, VYRE_OP_DFA_STEP, NULL, 0) != 0 ||
        publish(run, TENANT_SUMS, VYRE_OP_NOP, NULL, 0) != 0)
        return -1;
    return publish_fenced(run, TENANT_SUMS, items, LENGTH(items));
}

/* Drains what was published; `fences` of the slots were fences. */
static int drain(struct run *run, uint32_t fences)
{
    struct batches_report *report = run->report;
    struct host_buffers *host = run->host;
    const uint32_t epoch_expected = report->epoch + fences;
    uint32_t done = 0;

    if (device_drain(run->device, host) != 0)
        return -1;
    report->slots += run->next_slot;
    report->launches++;
    run->next_slot = 0;
    if (check(vyre_read_epoch(host->control, host->control_len, &report->epoch),
              "reading the epoch") != 0 ||
        check(vyre_read_done_count(host->control, host->control_len, &done),
              "reading the done count") != 0)
        return -1;
    if (report->epoch != epoch_expected)
        return unexpected("the epoch", epoch_expected, report->epoch);
    return done == report->slots ? 0 : unexpected("the done count", report->slots, done);
}

static uint32_t control_word(const struct host_buffers *host, uint32_t word)
{
    uint32_t value = 0;

    memcpy(&value, host->control + word * sizeof value, sizeof value);
    return value;
}

static int expect_word(const struct run *run, const char *what, uint32_t word, uint32_t expected)
{
    const uint32_t actual = control_word(run->host, word);

    return actual == expected ? 0 : unexpected(what, expected, actual);
}

/* The PRINTF of this batch is the only record of the log; the next finds it empty. */
static int read_progress(struct run *run, const struct scan *scan)
{
    struct host_buffers *host = run->host;
    struct vyre_debug_record record = {0};
    size_t count = 0;

    if (check(vyre_read_debug_log(host->debug_log, host->debug_log_len, &record, 1, &count),
              "reading the debug log") != 0)
        return -1;
    if (count != 1 || record.fmt_id != FORMAT_PROGRESS)
        return unexpected("the number of debug records", 1, (uint32_t)count);
    if (record.args[0] != scan->at)
        return unexpected("the byte in the debug log", (uint32_t)scan->at, record.args[0]);
    if (record.args[1] != scan->lines)
        return unexpected("the line in the debug log", scan->lines, record.args[1]);
    return check(vyre_encode_debug_log(host->debug_log, host->debug_log_len),
                 "emptying the debug log");
}

static int count_chunk(struct run *run, const struct chunk *chunk, const struct scan *scan,
                       uint32_t longest_before)
{
    if (publish_counting(run, chunk, scan->text) != 0 || drain(run, 1) != 0 ||
        expect_word(run, "the fence's tag", VYRE_CONTROL_OBSERVABLES, run->tag) != 0)
        return -1;
    if (publish_summing(run, scan, longest_before) != 0 || drain(run, 1) != 0 ||
        read_progress(run, scan) != 0)
        return -1;
    if (expect_word(run, "the number of lines so far", TALLY_LINES_SO_FAR, scan->lines) != 0)
        return -1;
    return expect_word(run, "the longest line before", TALLY_LONGEST_BEFORE, longest_before);
}

static int shut_down(struct run *run)
{
    if (publish(run, TENANT_SUMS, VYRE_OP_SHUTDOWN, NULL, 0) != 0 || drain(run, 0) != 0)
        return -1;
    return expect_word(run, "the shutdown word", VYRE_CONTROL_SHUTDOWN, 1);
}

int batches_run(struct device *device, struct host_buffers *host, const uint8_t *text,
                size_t length, struct batches_report *report)
{
    struct run run = {.device = device, .host = host, .report = report};
    struct scan scan = {.text = text, .length = length};
    struct chunk chunk;
    uint32_t longest_before = 0;
    int result = 0;

    memset(report, 0, sizeof *report);
    /* One slot of the ring is the fence's. */
    if (!chunk_open(&chunk, host->ring_len / VYRE_SLOT_BYTES - 1)) {
        fprintf(stderr, "textstat: out of memory. Fix: ask for a smaller ring with --slots.\n");
        return -1;
    }
    while (result == 0 && chunk_next(&chunk, &scan)) {
        result = count_chunk(&run, &chunk, &scan, longest_before);
        longest_before = scan.longest_line;
    }
    if (result == 0)
        result = shut_down(&run);
    chunk_close(&chunk);
    return result;
}
