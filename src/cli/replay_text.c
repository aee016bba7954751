#include <inttypes.h>
#include <stdio.h>

#include "cli/findings_report.h"
#include "cli/replay_report.h"
#include "replay/schedule.h"

/* For a person; the first screen has the likeliest cause, and no more than 20 lines. */
#define OBSTACLES_SHOWN 5u
#define DIVERGENCES_SHOWN 2u
#define OUTCOMES_SHOWN 5u

static void print_divergence(const struct divergence *divergence, enum replay_against against)
{
    char word[64];
    divergence_word_name(divergence, word, sizeof(word));
    printf("  record %u, epoch %u: %s (%s word %u) expected %u (%s), actual %u", divergence->record,
           divergence->epoch, word, divergence_buffer(divergence), divergence->word,
           divergence->expected, divergence->recorded ? "recorded" : replay_against_name(against),
           divergence->actual);
    switch (divergence->kind) {
    case DIVERGENCE_EPOCH_AHEAD:
        puts("; the host had seen an epoch that the replay has not reached");
        break;
    case DIVERGENCE_EPOCH_BACK:
        puts("; its thread had seen a later epoch before");
        break;
    case DIVERGENCE_EPOCH_BEHIND:
        puts("; the replay is past what the host had seen");
        break;
    case DIVERGENCE_SLOT_BUSY:
        puts("; the host published into a slot that is not free here");
        break;
    default:
        putchar('\n');
        break;
    }
}

static void print_obstacles(const struct replay_report *report)
{
    const struct excerpt *excerpt = &report->timeline->excerpt;
    size_t shown = 0;
    for (size_t i = 0; i < excerpt->len && shown < OBSTACLES_SHOWN; i++) {
        if (excerpt->slots[i].obstacle == OBSTACLE_NONE)
            continue;
        char reason[512];
        obstacle_describe(&excerpt->slots[i], reason, sizeof(reason));
        printf("  record %u: %s\n", excerpt->slots[i].index, reason);
        shown++;
    }
    if (report->timeline->obstacles > shown)
        printf("  and %zu more (--json lists them)\n", report->timeline->obstacles - shown);
}

static void print_unhandled(const struct replay_result *result)
{
    if (result->unhandled_records == 0)
        return;
    printf("%zu %s without effect, as nothing handles them:", result->unhandled_records,
           result->unhandled_records == 1 ? "record ran" : "records ran");
    for (size_t i = 0; i < result->unhandled_len; i++)
        printf("%s opcode 0x%x (%zu, the first is record %u)", i == 0 ? "" : ",",
               result->unhandled[i].opcode, result->unhandled[i].records,
               result->unhandled[i].first);
    puts(". Fix: give their functions with --handlers.");
}

static bool has_exact(const struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->observations_len; i++)
        if (timeline->observations[i].exact)
            return true;
    return false;
}

static void print_compared(const struct replay_result *result)
{
    switch (result->against) {
    case REPLAY_AGAINST_DEVICE:
        printf("compared with %s", result->other_device);
        break;
    case REPLAY_AGAINST_RUN:
        fputs("compared with run 1", stdout);
        break;
    default:
        printf("compared with the %s", replay_against_name(result->against));
        break;
    }
    printf(" at %zu observations", result->compared);
}

static void print_result(const struct replay_report *report)
{
    const struct replay_result *result = report->result;
    const struct timeline *timeline = report->timeline;
    const char *unit = timeline->recorded ? "launch" : "batch";
    printf("%zu %s%s over %zu %s, on %s (%s, %s kernel), in %.1f ms\n", result->launches, unit,
           result->launches == 1 ? "" : "es", timeline->epochs,
           timeline->epochs == 1 ? "epoch" : "epochs", result->device,
           replay_backend(report->request, timeline)->name,
           result->builtin ? "built-in" : "recorded", result->seconds * 1e3);
    printf("control buffer %u words, ring %u slots; EPOCH %u at first, %u at last\n",
           timeline->control_words, timeline->ring_slots, result->first_epoch, result->last_epoch);
    print_compared(result);
    if (result->in_flight > 0)
        printf("; %zu more were made with launches in flight", result->in_flight);
    putchar('\n');
    if (timeline->recorded && !has_exact(timeline))
        puts("the session has no observation that was made with nothing in flight");
    if (result->stopped)
        printf("stopped after %zu of %zu records\n", result->published, timeline->excerpt.len);
    if (timeline->gaps.observations_cut)
        puts("the first observations were overwritten");
    if (timeline->gaps.never_launched > 0)
        printf("%zu records were never launched\n", timeline->gaps.never_launched);
    if (result->largest_lead > 0)
        printf("largest lead over the recorded epoch: %u, at record %u\n", result->largest_lead,
               result->largest_lead_record);
    if (result->left_published > 0)
        printf("%zu slots stay PUBLISHED: their tenants are masked\n", result->left_published);
    print_unhandled(result);
}

/** Whether a divergence is no finding, but speaks for itself. */
static bool speaks(const struct divergence *divergence)
{
    switch (divergence->kind) {
    case DIVERGENCE_CONTROL:
    case DIVERGENCE_CONTROL_LESS:
    case DIVERGENCE_STATUS:
    case DIVERGENCE_DEBUG_LOG:
        return false;
    default:
        return true;
    }
}

static void print_speaking(const struct replay_result *result)
{
    const struct divergences *divergences = &result->divergences;
    size_t shown = 0;
    size_t len = 0;
    for (size_t i = 0; i < divergences->len; i++) {
        if (!speaks(&divergences->list[i]))
            continue;
        len++;
        if (shown == DIVERGENCES_SHOWN)
            continue;
        print_divergence(&divergences->list[i], result->against);
        shown++;
    }
    if (len > shown)
        printf("  and %zu more of epochs, slots and counts (--json lists them)\n", len - shown);
}

static bool speaks_first(const struct replay_report *report)
{
    const struct divergences *divergences = &report->result->divergences;
    const struct findings *findings = report->findings;
    if (findings->len == 0)
        return true;
    uint64_t first = findings->list[findings->order[0]].until;
    for (size_t i = 0; i < divergences->len; i++) {
        const struct divergence *divergence = &divergences->list[i];
        if (speaks(divergence) && flights_time(report->timeline, divergence->event) < first)
            return true;
    }
    return false;
}

/** Where the two sides part, and why: whatever came first. */
static void print_parting(const struct replay_report *report)
{
    bool speaking = speaks_first(report);
    if (speaking)
        print_speaking(report->result);
    findings_report_print(report->findings, report->timeline, &report->sides);
    if (!speaking)
        print_speaking(report->result);
    const struct divergences *divergences = &report->result->divergences;
    if (divergences->total > divergences->len)
        printf("  and %" PRIu64 " words that were not looked into\n",
               divergences->total - divergences->len);
}

static void print_runs(const struct repeat *repeat)
{
    printf("%u runs ended in %zu %s", repeat->runs, repeat->len,
           repeat->len == 1 ? "way" : "ways:");
    for (size_t i = 0; repeat->len > 1 && i < repeat->len && i < OUTCOMES_SHOWN; i++)
        printf("%s %u as run %u", i > 0 ? "," : "", repeat->outcomes[i].runs,
               repeat->outcomes[i].first_run);
    if (repeat->len > OUTCOMES_SHOWN)
        printf(", %zu more", repeat->len - OUTCOMES_SHOWN);
    putchar('\n');
}

static void print_head(const struct replay_report *report)
{
    const struct excerpt *excerpt = &report->timeline->excerpt;
    printf("%s: %zu %s", report->request->path, excerpt->len,
           excerpt->len == 1 ? "record" : "records");
    if (excerpt->session)
        printf(" of run %u, ring %u", excerpt->run, excerpt->ring);
    if (excerpt->others > 0)
        printf(" (%zu others belong to other runs or rings)", excerpt->others);
    putchar('\n');
}

void replay_text_print(const struct replay_report *report)
{
    const struct excerpt *excerpt = &report->timeline->excerpt;
    print_head(report);
    if (report->repeat != NULL)
        print_runs(report->repeat);
    if (report->result != NULL && report->result->divergences.total > 0)
        print_parting(report);
    if (report->result != NULL)
        print_result(report);
    else
        print_obstacles(report);
    if (report->assumed_len > 0)
        puts("assumed:");
    for (size_t i = 0; i < report->assumed_len; i++)
        printf("  %s\n", report->assumed[i]);
    if (excerpt->session_fault != NULL)
        printf("session: %s\n", excerpt->session_fault);
    printf("verdict: %s\n", report->verdict);
}
