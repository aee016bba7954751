#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "replay/replay.h"

/** Records and divergences that are printed for a person. */
#define SHOWN_MAX 5

/** Records with an obstacle that JSON lists. */
#define LISTED_MAX 1000

#define ASSUMPTIONS_MAX 8

struct request {
    const char *path;
    struct excerpt_choice choice;
    struct replay_options options;
    bool json;
};

/** All that is printed. */
struct report {
    const struct request *request;
    const struct excerpt *excerpt;
    const struct schedule *schedule;
    /** NULL when the replay was incomplete and did not run. */
    const struct replay_result *result;
    const char *verdict;
    const char *assumed[ASSUMPTIONS_MAX];
    size_t assumed_len;
};

static void print_help(void)
{
    puts("Usage: vrrl replay [OPTION]... LOG\n"
         "Run the slots of a log again on an OpenCL megakernel, batch by batch, and compare\n"
         "with the recorded epochs and, word for word, with a reference interpreter.\n"
         "\nOptions:\n"
         "      --run N            replay run N of the log; the last one by default\n"
         "      --ring N           replay ring N of the run; needed when it has several\n"
         "      --device N|NAME    where to run, as 'vrrl devices' lists; the first by default\n"
         "      --strict           an epoch that the host had seen is exactly the replay's, as\n"
         "                         it is for a host that waits for each batch\n"
         "  -j, --json             print one JSON object\n"
         "  -h, --help             print this help\n"
         "\nExit status: 0 match, 1 diverged, 2 incomplete or not possible.");
}

/** \return the exit status when there is nothing left to do, or -1 */
static int parse(int argc, char **argv, struct request *request)
{
    enum {
        OPTION_RUN = 256,
        OPTION_RING,
        OPTION_DEVICE,
        OPTION_STRICT
    };
    static const struct option long_options[] = {
        {"run", required_argument, NULL, OPTION_RUN},
        {"ring", required_argument, NULL, OPTION_RING},
        {"device", required_argument, NULL, OPTION_DEVICE},
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
    request->path = option_operand(argc, argv, "LOG");
    return request->path != NULL ? -1 : CLI_FAILED;
}

static void assume(struct report *report)
{
    const struct excerpt *excerpt = report->excerpt;
    const char **assumed = report->assumed;
    size_t len = 0;
    assumed[len++] = "the host waits at each epoch: records with one recorded epoch, and no slot "
                     "twice, were in flight together";
    assumed[len++] = "the control buffer was fresh, its tenant masks all set";
    if (excerpt->wrapped)
        assumed[len++] = "what the overwritten records at the beginning did is not needed";
    if (!excerpt->session)
        assumed[len++] = "no session: one ring, one thread, priority NORMAL, args past the "
                         "fourth 0";
    if (excerpt->session_fault != NULL)
        assumed[len++] = "the session that is there cannot be used";
    report->assumed_len = len;
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
    if (report->schedule->obstacles > shown)
        printf("  and %zu more (--json lists them)\n", report->schedule->obstacles - shown);
}

static void print_result(const struct report *report)
{
    const struct replay_result *result = report->result;
    const struct divergences *divergences = &result->divergences;
    printf("%zu %s over %zu %s, on %s (%s), in %.1f ms\n", report->schedule->len,
           report->schedule->len == 1 ? "batch" : "batches", report->schedule->epochs,
           report->schedule->epochs == 1 ? "epoch" : "epochs", result->device, backend_opencl.name,
           result->seconds * 1e3);
    printf("control buffer %u words, ring %u slots; EPOCH %u at first, %u at last\n",
           report->schedule->control_words, report->schedule->ring_slots,
           report->excerpt->slots[0].epoch, result->last_epoch);
    if (result->largest_lead > 0)
        printf("largest lead over the recorded epoch: %u, at record %u\n", result->largest_lead,
               result->largest_lead_record);
    if (result->left_published > 0)
        printf("%zu slots stay PUBLISHED: their tenants are masked\n", result->left_published);

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

static void add_result(struct json_object *object, const struct report *report)
{
    const struct replay_result *result = report->result;
    add_number(object, "divergences_total", result->divergences.total);
    add_number(object, "first_epoch", report->excerpt->slots[0].epoch);
    add_number(object, "last_epoch", result->last_epoch);
    add_number(object, "largest_lead", result->largest_lead);
    add_number(object, "largest_lead_record", result->largest_lead_record);
    add_number(object, "left_published", result->left_published);
    add_number(object, "control_words", report->schedule->control_words);
    add_number(object, "ring_slots", report->schedule->ring_slots);
    json_object_object_add(object, "seconds", json_object_new_double(result->seconds));
}

static void print_json(const struct report *report)
{
    const struct excerpt *excerpt = report->excerpt;
    const struct replay_result *result = report->result;
    struct json_object *object = json_object_new_object();
    add_text(object, "verdict", report->verdict);
    add_number(object, "records", excerpt->len);
    add_number(object, "batches", report->schedule->len);
    add_number(object, "epochs", report->schedule->epochs);
    add_text(object, "backend", backend_opencl.name);
    add_text(object, "device", result != NULL ? result->device : NULL);

    struct json_object *divergences = json_object_new_array();
    for (size_t i = 0; result != NULL && i < result->divergences.len; i++)
        json_object_array_add(divergences, divergence_json(&result->divergences.list[i]));
    json_object_object_add(object, "divergences", divergences);
    json_object_object_add(object, "incomplete", obstacles_json(excerpt));
    add_number(object, "incomplete_total", report->schedule->obstacles);

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
    int status;
    assume(report);
    if (report->result == NULL) {
        report->verdict = "incomplete";
        status = CLI_FAILED;
    } else if (report->result->divergences.total > 0) {
        report->verdict = "diverged";
        status = CLI_FOUND;
    } else {
        report->verdict = "match";
        status = CLI_WELL;
    }
    if (report->request->json)
        print_json(report);
    else
        print_text(report);
    if (report->result == NULL)
        message_error("%s: %zu of its %zu records cannot be replayed faithfully. Fix: see the "
                      "reason of each.",
                      report->request->path, report->schedule->obstacles, report->excerpt->len);
    return message_finish_output(status);
}

static int replay_planned(const struct request *request, const struct excerpt *excerpt,
                          const struct schedule *schedule, struct replay_error *error)
{
    struct report report = {.request = request, .excerpt = excerpt, .schedule = schedule};
    if (schedule->obstacles > 0)
        return finish(&report);

    /* Larger than a stack frame should be. */
    struct replay_result *result = malloc(sizeof(*result));
    int status = -1;
    if (result == NULL) {
        replay_fail_memory(error);
    } else if (replay_run(excerpt, schedule, &backend_opencl, &request->options, result, error)) {
        report.result = result;
        status = finish(&report);
    }
    free(result);
    return status;
}

int cmd_replay(int argc, char **argv)
{
    struct request request = {0};
    int status = parse(argc, argv, &request);
    if (status >= 0)
        return status;

    struct replay_error error;
    struct excerpt excerpt;
    struct schedule schedule;
    if (excerpt_read(request.path, &request.choice, &excerpt, &error)) {
        if (schedule_make(&excerpt, &schedule, &error)) {
            status = replay_planned(&request, &excerpt, &schedule, &error);
            schedule_free(&schedule);
        }
        excerpt_free(&excerpt);
    }
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}
