#include <getopt.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "replay/replay.h"
#include "replay/schedule.h"

/** Records and divergences that are printed for a person. */
#define SHOWN_MAX 5

/** Records with an obstacle that JSON lists. */
#define LISTED_MAX 1000

#define ASSUMPTIONS_MAX 16

/** A day. */
#define TIMEOUT_MAX_S 86400

/** As of a command that SIGINT has ended. */
#define STATUS_INTERRUPTED 130

struct request {
    const char *path;
    struct excerpt_choice choice;
    struct replay_options options;
    const char *handlers_path;
    struct handlers handlers;
    bool recorded_kernel;
    bool resident;
    unsigned timeout_s;
    bool json;
};

/** All that is printed. */
struct report {
    const struct request *request;
    const struct timeline *timeline;
    const struct excerpt *excerpt;
    /** NULL when the replay was incomplete and did not run. */
    const struct replay_result *result;
    const char *verdict;
    char assumed[ASSUMPTIONS_MAX][256];
    size_t assumed_len;
};

static void print_help(void)
{
    puts(
        "Usage: vrrl replay [OPTION]... LOG\n"
        "Run again what was launched: the recorded program on the recorded buffers, slots and\n"
        "launches in their order; and compare, word for word, with what the host read back.\n"
        "Without a session: the built-in megakernel, beside a reference interpreter.\n"
        "\nOptions:\n"
        "      --run N            replay run N of the log; the last one by default\n"
        "      --ring N           replay ring N of the run alone; all of them by default\n"
        "      --device N|NAME    where to run, as 'vrrl devices' lists; the first by default\n"
        "      --against WHAT     compare with what was 'recorded' (default with a session), or "
        "with\n"
        "                         the 'reference' interpreter\n"
        "      --kernel WHICH     launch the 'recorded' program (default with a session), or the\n"
        "                         'builtin' megakernel\n"
        "      --handlers FILE.cl functions for user opcodes, for the built-in megakernel\n"
        "      --mode MODE        'batch': one launch for each that was recorded (default);\n"
        "                         'resident': one launch of the built-in megakernel for the whole\n"
        "                         run, which is fed while it runs\n"
        "      --pace PACE        as 'fast' as it goes (default), or as slow as 'recorded'\n"
        "      --timeout SECONDS  give up when nothing ends for so long; 30 by default\n"
        "      --strict           an epoch that the host had seen is exactly the replay's, as\n"
        "                         it is for a host that waits for each batch\n"
        "  -j, --json             print one JSON object\n"
        "  -h, --help             print this help\n"
        "\nExit status: 0 match, 1 diverged, 2 incomplete or not possible, 130 ended by Ctrl-C.");
}

/** \return the exit status when there is nothing left to do, or -1 */
static int parse(int argc, char **argv, struct request *request)
{
    enum {
        OPTION_RUN = 256,
        OPTION_RING,
        OPTION_DEVICE,
        OPTION_AGAINST,
        OPTION_KERNEL,
        OPTION_HANDLERS,
        OPTION_MODE,
        OPTION_PACE,
        OPTION_TIMEOUT,
        OPTION_STRICT
    };
    static const struct option long_options[] = {
        {"run", required_argument, NULL, OPTION_RUN},
        {"ring", required_argument, NULL, OPTION_RING},
        {"device", required_argument, NULL, OPTION_DEVICE},
        {"against", required_argument, NULL, OPTION_AGAINST},
        {"kernel", required_argument, NULL, OPTION_KERNEL},
        {"handlers", required_argument, NULL, OPTION_HANDLERS},
        {"mode", required_argument, NULL, OPTION_MODE},
        {"pace", required_argument, NULL, OPTION_PACE},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"strict", no_argument, NULL, OPTION_STRICT},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t number;
    int code;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
        switch (code) {
        case OPTION_RUN:
            if (!option_number(optarg, UINT32_MAX, &number) || number == 0) {
                option_value_error(argv, "--run", "the number of a run, from 1");
                return CLI_FAILED;
            }
            request->choice.run_given = true;
            request->choice.run = (uint32_t)number;
            break;
        case OPTION_RING:
            if (!option_number(optarg, UINT32_MAX - 1, &number)) {
                option_value_error(argv, "--ring", "the number of a ring, from 0");
                return CLI_FAILED;
            }
            request->choice.ring_given = true;
            request->choice.ring = (uint32_t)number;
            break;
        case OPTION_DEVICE:
            request->options.device = optarg;
            break;
        case OPTION_AGAINST:
            if (strcmp(optarg, "recorded") != 0 && strcmp(optarg, "reference") != 0) {
                option_value_error(argv, "--against", "'recorded' or 'reference'");
                return CLI_FAILED;
            }
            request->options.against = strcmp(optarg, "recorded") == 0 ? REPLAY_AGAINST_RECORDED
                                                                       : REPLAY_AGAINST_REFERENCE;
            break;
        case OPTION_KERNEL:
            if (strcmp(optarg, "recorded") != 0 && strcmp(optarg, "builtin") != 0) {
                option_value_error(argv, "--kernel", "'recorded' or 'builtin'");
                return CLI_FAILED;
            }
            request->options.builtin = strcmp(optarg, "builtin") == 0;
            request->recorded_kernel = !request->options.builtin;
            break;
        case OPTION_HANDLERS:
            request->handlers_path = optarg;
            break;
        case OPTION_MODE:
            if (strcmp(optarg, "batch") != 0 && strcmp(optarg, "resident") != 0) {
                option_value_error(argv, "--mode", "'batch' or 'resident'");
                return CLI_FAILED;
            }
            request->resident = strcmp(optarg, "resident") == 0;
            break;
        case OPTION_PACE:
            if (strcmp(optarg, "recorded") != 0 && strcmp(optarg, "fast") != 0) {
                option_value_error(argv, "--pace", "'recorded' or 'fast'");
                return CLI_FAILED;
            }
            request->options.recorded_pace = strcmp(optarg, "recorded") == 0;
            break;
        case OPTION_TIMEOUT:
            if (!option_number(optarg, TIMEOUT_MAX_S, &number) || number == 0) {
                option_value_error(argv, "--timeout", "a number of seconds, 1 to 86400");
                return CLI_FAILED;
            }
            request->timeout_s = (unsigned)number;
            break;
        case OPTION_STRICT:
            request->options.strict = true;
            break;
        case 'j':
            request->json = true;
            break;
        case 'h':
            print_help();
            return message_finish_output(CLI_WELL);
        default:
            option_error(argv, code);
            return CLI_FAILED;
        }
    }
    if (request->resident && request->recorded_kernel) {
        message_error("the recorded kernel cannot be made resident. Fix: leave --kernel recorded "
                      "or --mode resident out.");
        return CLI_FAILED;
    }
    request->options.builtin = request->options.builtin || request->resident;
    request->path = option_operand(argc, argv, "LOG");
    return request->path != NULL ? -1 : CLI_FAILED;
}

__attribute__((format(printf, 2, 3))) static void assumed(struct report *report, const char *format,
                                                          ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (report->assumed_len < ASSUMPTIONS_MAX)
        vsnprintf(report->assumed[report->assumed_len++], sizeof(report->assumed[0]), format,
                  arguments);
    va_end(arguments);
}

static void assume_made(struct report *report)
{
    const struct excerpt *excerpt = report->excerpt;
    assumed(report, "the host waits at each epoch: records with one recorded epoch, and no slot "
                    "twice, were in flight together");
    assumed(report, "the control buffer was fresh, its tenant masks all set");
    assumed(report, "it was the built-in megakernel");
    if (excerpt->wrapped)
        assumed(report, "what the overwritten records at the beginning did is not needed");
    if (!excerpt->session)
        assumed(report, "no session: one ring, one thread, priority NORMAL, args past the "
                        "fourth 0");
    if (excerpt->session_fault != NULL)
        assumed(report, "the session that is there cannot be used");
}

static void assume_recorded(struct report *report)
{
    const struct timeline_gaps *gaps = &report->timeline->gaps;
    if (report->result != NULL && report->result->builtin)
        assumed(report, "the built-in megakernel does what the recorded one did");
    if (gaps->checkpoint > 0)
        assumed(report,
                "%zu records before the checkpoint after launch %llu are not replayed: the "
                "beginning was overwritten",
                gaps->before, (unsigned long long)gaps->checkpoint);
    if (gaps->debug_log_unknown)
        assumed(report, "the debug log was empty at the checkpoint");
    if (gaps->other_buffers)
        assumed(report, "buffers beside the protocol's were at the checkpoint as the host had "
                        "left them");
    if (gaps->unknown_bytes > 0)
        assumed(report, "%llu bytes of buffers whose first contents are not known were 0",
                (unsigned long long)gaps->unknown_bytes);
    if (gaps->lost > 0)
        assumed(report, "%zu changes of buffers, whose bytes were not recorded, changed nothing",
                gaps->lost);
    if (gaps->unrecorded > 0)
        assumed(report, "%zu %s that went up without a record did nothing", gaps->unrecorded,
                gaps->unrecorded == 1 ? "slot" : "slots");
    if (gaps->dropped > 0)
        assumed(report, "%llu entries that had no room in the session are not needed",
                (unsigned long long)gaps->dropped);
}

static void assume(struct report *report)
{
    if (report->timeline->recorded)
        assume_recorded(report);
    else
        assume_made(report);
}

static void print_divergence(const struct divergence *divergence)
{
    char word[64];
    divergence_word_name(divergence, word, sizeof(word));
    printf("  record %u, epoch %u: %s (%s word %u) expected %u (%s), actual %u", divergence->record,
           divergence->epoch, word, divergence_buffer(divergence), divergence->word,
           divergence->expected, divergence_against(divergence), divergence->actual);
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
        if (divergence->writers_len > 1) {
            printf("; in flight together and writing it:");
            for (size_t i = 0; i < divergence->writers_len; i++)
                printf(" %u", divergence->writers[i]);
        }
        putchar('\n');
        break;
    }
}

static void print_obstacles(const struct report *report)
{
    const struct excerpt *excerpt = report->excerpt;
    size_t shown = 0;
    for (size_t i = 0; i < excerpt->len && shown < SHOWN_MAX; i++) {
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

static const char *against_name(const struct replay_result *result)
{
    return result->against == REPLAY_AGAINST_RECORDED ? "recorded" : "reference";
}

static bool has_exact(const struct timeline *timeline)
{
    for (uint32_t i = 0; i < timeline->observations_len; i++)
        if (timeline->observations[i].exact)
            return true;
    return false;
}

static const struct backend *backend_of(const struct request *request)
{
    return request->resident ? &backend_resident : &backend_opencl;
}

static void print_result(const struct report *report)
{
    const struct replay_result *result = report->result;
    const struct timeline *timeline = report->timeline;
    const struct divergences *divergences = &result->divergences;
    const char *unit = timeline->recorded ? "launch" : "batch";
    printf("%zu %s%s over %zu %s, on %s (%s, %s kernel), in %.1f ms\n", result->launches, unit,
           result->launches == 1 ? "" : "es", timeline->epochs,
           timeline->epochs == 1 ? "epoch" : "epochs", result->device,
           backend_of(report->request)->name, result->builtin ? "built-in" : "recorded",
           result->seconds * 1e3);
    printf("control buffer %u words, ring %u slots; EPOCH %u at first, %u at last\n",
           timeline->control_words, timeline->ring_slots, result->first_epoch, result->last_epoch);
    printf("compared with the %s at %zu observations", against_name(result), result->compared);
    if (result->in_flight > 0)
        printf("; %zu more were made with launches in flight", result->in_flight);
    putchar('\n');
    if (timeline->recorded && !has_exact(timeline))
        puts("the session has no observation that was made with nothing in flight");
    if (result->stopped)
        printf("stopped after %zu of %zu records\n", result->published, report->excerpt->len);
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

    for (size_t i = 0; i < divergences->len && i < SHOWN_MAX; i++)
        print_divergence(&divergences->list[i]);
    if (divergences->total > SHOWN_MAX)
        printf("  and %llu more divergences\n",
               (unsigned long long)(divergences->total - SHOWN_MAX));
}

static void print_text(const struct report *report)
{
    const struct excerpt *excerpt = report->excerpt;
    printf("%s: %zu %s", report->request->path, excerpt->len,
           excerpt->len == 1 ? "record" : "records");
    if (excerpt->session)
        printf(" of run %u, ring %u", excerpt->run, excerpt->ring);
    if (excerpt->others > 0)
        printf(" (%zu others belong to other runs or rings)", excerpt->others);
    putchar('\n');
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

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
    json_object_object_add(object, key, json_object_new_int64((int64_t)number));
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, text != NULL ? json_object_new_string(text) : NULL);
}

static struct json_object *divergence_json(const struct divergence *divergence)
{
    struct json_object *object = json_object_new_object();
    char name[64];
    divergence_word_name(divergence, name, sizeof(name));
    add_number(object, "record", divergence->record);
    add_number(object, "epoch", divergence->epoch);
    add_number(object, "word", divergence->word);
    add_text(object, "word_name", name);
    add_text(object, "buffer", divergence_buffer(divergence));
    add_number(object, "expected", divergence->expected);
    add_number(object, "actual", divergence->actual);
    add_text(object, "against", divergence_against(divergence));
    struct json_object *writers = json_object_new_array();
    for (size_t i = 0; i < divergence->writers_len; i++)
        json_object_array_add(writers, json_object_new_int64(divergence->writers[i]));
    json_object_object_add(object, "writers", writers);
    return object;
}

static struct json_object *obstacles_json(const struct excerpt *excerpt)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < excerpt->len && json_object_array_length(array) < LISTED_MAX; i++) {
        if (excerpt->slots[i].obstacle == OBSTACLE_NONE)
            continue;
        char reason[512];
        obstacle_describe(&excerpt->slots[i], reason, sizeof(reason));
        struct json_object *object = json_object_new_object();
        add_number(object, "record", excerpt->slots[i].index);
        add_text(object, "reason", reason);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *unhandled_json(const struct replay_result *result)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < result->unhandled_len; i++) {
        struct json_object *object = json_object_new_object();
        add_number(object, "opcode", result->unhandled[i].opcode);
        add_number(object, "records", result->unhandled[i].records);
        add_number(object, "first", result->unhandled[i].first);
        json_object_array_add(array, object);
    }
    return array;
}

static void add_result(struct json_object *object, const struct report *report)
{
    const struct replay_result *result = report->result;
    add_text(object, "against", against_name(result));
    add_text(object, "kernel", result->builtin ? "builtin" : "recorded");
    add_number(object, "launches", result->launches);
    add_number(object, "compared", result->compared);
    add_number(object, "in_flight", result->in_flight);
    json_object_object_add(object, "stopped", json_object_new_boolean(result->stopped));
    add_number(object, "published", result->published);
    add_number(object, "divergences_total", result->divergences.total);
    add_number(object, "first_epoch", result->first_epoch);
    add_number(object, "last_epoch", result->last_epoch);
    add_number(object, "largest_lead", result->largest_lead);
    add_number(object, "largest_lead_record", result->largest_lead_record);
    add_number(object, "left_published", result->left_published);
    add_number(object, "control_words", report->timeline->control_words);
    add_number(object, "ring_slots", report->timeline->ring_slots);
    add_number(object, "unhandled_total", result->unhandled_records);
    json_object_object_add(object, "unhandled", unhandled_json(result));
    json_object_object_add(object, "seconds", json_object_new_double(result->seconds));
}

static void add_timeline(struct json_object *object, const struct timeline *timeline)
{
    const struct timeline_gaps *gaps = &timeline->gaps;
    add_number(object, "epochs", timeline->epochs);
    if (!timeline->recorded) {
        add_number(object, "batches", timeline->submits_len);
        return;
    }
    add_number(object, "observations", timeline->observations_len);
    add_number(object, "checkpoint", gaps->checkpoint);
    add_number(object, "before_checkpoint", gaps->before);
    add_number(object, "never_launched", gaps->never_launched);
}

static void print_json(const struct report *report)
{
    const struct excerpt *excerpt = report->excerpt;
    const struct replay_result *result = report->result;
    struct json_object *object = json_object_new_object();
    add_text(object, "verdict", report->verdict);
    add_number(object, "records", excerpt->len);
    add_timeline(object, report->timeline);
    add_text(object, "backend", backend_of(report->request)->name);
    add_text(object, "device", result != NULL ? result->device : NULL);

    struct json_object *divergences = json_object_new_array();
    for (size_t i = 0; result != NULL && i < result->divergences.len; i++)
        json_object_array_add(divergences, divergence_json(&result->divergences.list[i]));
    json_object_object_add(object, "divergences", divergences);
    json_object_object_add(object, "incomplete", obstacles_json(excerpt));
    add_number(object, "incomplete_total", report->timeline->obstacles);

    struct json_object *assumed = json_object_new_array();
    for (size_t i = 0; i < report->assumed_len; i++)
        json_object_array_add(assumed, json_object_new_string(report->assumed[i]));
    json_object_object_add(object, "assumed", assumed);
    add_text(object, "session_fault", excerpt->session_fault);
    json_object_object_add(object, "strict",
                           json_object_new_boolean(report->request->options.strict));
    if (excerpt->session) {
        add_number(object, "run", excerpt->run);
        add_number(object, "ring", excerpt->ring);
    }
    if (result != NULL)
        add_result(object, report);
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

/** Print the report.  \return the exit status */
static int finish(struct report *report)
{
    const struct replay_result *result = report->result;
    int status = CLI_WELL;
    assume(report);
    report->verdict = "match";
    if (result == NULL || (result->unhandled_records > 0 && result->divergences.total == 0)) {
        report->verdict = "incomplete";
        status = CLI_FAILED;
    } else if (result->stopped && result->divergences.total == 0) {
        report->verdict = "stopped";
    } else if (result->divergences.total > 0) {
        report->verdict = "diverged";
        status = CLI_FOUND;
    }
    if (report->request->json)
        print_json(report);
    else
        print_text(report);
    if (result == NULL)
        message_error("%s: %zu of its %zu records cannot be replayed faithfully. Fix: see the "
                      "reason of each.",
                      report->request->path, report->timeline->obstacles, report->excerpt->len);
    if (result != NULL && result->stopped)
        status = STATUS_INTERRUPTED;
    return message_finish_output(status);
}

static int replay_timeline(const struct request *request, const struct timeline *timeline,
                           struct replay_error *error)
{
    struct report report = {
        .request = request, .timeline = timeline, .excerpt = &timeline->excerpt};
    if (timeline->obstacles > 0)
        return finish(&report);

    /* Larger than a stack frame should be. */
    struct replay_result *result = malloc(sizeof(*result));
    int status = -1;
    if (result == NULL) {
        replay_fail_memory(error);
    } else if (replay_run(timeline, backend_of(request), &request->options, result, error)) {
        watch_report(request->options.watch);
        report.result = result;
        status = finish(&report);
    }
    free(result);
    return status;
}

/** What a worker is given. */
struct work {
    const struct request *request;
    const struct timeline *timeline;
};

static int do_work(void *context, struct watch *watch)
{
    const struct work *work = context;
    struct request request = *work->request;
    struct replay_error error;
    request.options.watch = watch;
    int status = replay_timeline(&request, work->timeline, &error);
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}

/** Replay in a process of its own, which a device can stall or crash. \return -1 with the error */
static int replay_watched(const struct request *request, const struct timeline *timeline,
                          struct replay_error *error)
{
    struct work work = {request, timeline};
    int status = -1;
    fflush(stdout);
    switch (watch_run(do_work, &work, request->timeout_s, &status, error)) {
    case WATCH_ENDED:
        return status;
    case WATCH_INTERRUPTED:
        message_error("the replay was interrupted, and its device did not come back to report. "
                      "Fix: look at what its kernel does.");
        return STATUS_INTERRUPTED;
    case WATCH_FAILED:
        break;
    }
    return -1;
}

static int replay_ring(const struct request *request, const struct excerpt_choice *choice)
{
    struct replay_error error;
    struct timeline timeline;
    int status = -1;
    if (timeline_read(request->path, choice, &timeline, &error)) {
        status = replay_watched(request, &timeline, &error);
        timeline_free(&timeline);
    }
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}

/** Each ring is a stream of its own.  \return the worst status */
static int replay_rings(struct request *request, struct replay_error *error)
{
    uint32_t *rings;
    size_t len;
    int worst = CLI_WELL;
    if (!excerpt_list_rings(request->path, &request->choice, &rings, &len, error))
        return -1;
    for (size_t i = 0; i < len; i++) {
        struct excerpt_choice choice = request->choice;
        choice.ring_given = choice.run_given;
        choice.ring = rings[i];
        if (i > 0 && !request->json)
            putchar('\n');
        int status = replay_ring(request, &choice);
        worst = status > worst ? status : worst;
        if (status == STATUS_INTERRUPTED)
            break;
    }
    free(rings);
    return worst;
}

int cmd_replay(int argc, char **argv)
{
    struct request request = {.timeout_s = WATCH_TIMEOUT_S};
    int status = parse(argc, argv, &request);
    if (status >= 0)
        return status;

    struct replay_error error;
    if (handlers_read(request.handlers_path, &request.handlers, &error)) {
        request.options.handlers = &request.handlers;
        status = replay_rings(&request, &error);
        handlers_free(&request.handlers);
    }
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}
