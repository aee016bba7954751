#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/publish_report.h"
#include "cli/ring_report.h"
#include "replay/excerpt.h"
#include "replay/publish_diff.h"
#include "session/layout.h"

#define GAPS_MAX 8

struct request {
    const char *paths[2];
    struct excerpt_choice choices[2];
    bool json;
};

/** All that is compared. */
struct log_comparison {
    const struct request *request;
    struct excerpt sides[2];
    struct publish_diff publishes;
    /** What could not be compared. */
    const char *gaps[GAPS_MAX];
    size_t gaps_len;
    bool differ;
    /** With --json: an entry for each ring. */
    struct json_object *rings;
};

static void print_help(void)
{
    puts("Usage: vrrl diff [OPTION]... A B\n"
         "Compare two logs, and their sessions, with each other: what was published, launched and\n"
         "read back. No device is needed.\n"
         "\nOptions:\n"
         "      --run N[,M]        compare run N of A with run N, or M, of B; the last of each by\n"
         "                         default\n"
         "  -j, --json             print one JSON object\n"
         "  -h, --help             print this help\n"
         "\nExit status: 0 the same, 1 they differ, 2 not possible.");
}

static bool parse_runs(const char *text, struct excerpt_choice choices[2])
{
    char first[32];
    const char *comma = strchr(text, ',');
    size_t len = comma != NULL ? (size_t)(comma - text) : strlen(text);
    if (len >= sizeof(first))
        return false;
    memcpy(first, text, len);
    first[len] = '\0';
    const char *runs[2] = {first, comma != NULL ? comma + 1 : first};
    for (size_t i = 0; i < 2; i++) {
        uint64_t number;
        if (!option_number(runs[i], UINT32_MAX, &number) || number == 0)
            return false;
        choices[i].run_given = true;
        choices[i].run = (uint32_t)number;
    }
    return true;
}

static bool take_operands(int argc, char **argv, struct request *request)
{
    if (argc - optind == 2) {
        request->paths[0] = argv[optind];
        request->paths[1] = argv[optind + 1];
        return true;
    }
    message_error("%s: %s. Fix: name two of them; see 'vrrl diff --help'.", argv[0],
                  argc - optind < 2 ? "two logs are compared, and fewer were given"
                                    : "two logs are compared, and more were given");
    return false;
}

/** \return the exit status when there is nothing left to do, or -1 */
static int parse(int argc, char **argv, struct request *request)
{
    enum {
        OPTION_RUN = 256
    };
    static const struct option long_options[] = {
        {"run", required_argument, NULL, OPTION_RUN},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":jh", long_options, NULL)) != -1) {
        switch (code) {
        case OPTION_RUN:
            if (!parse_runs(optarg, request->choices)) {
                option_value_error(argv, "--run", "the number of a run, from 1, or of two: N,M");
                return CLI_FAILED;
            }
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
    return take_operands(argc, argv, request) ? -1 : CLI_FAILED;
}

static void add_gap(struct log_comparison *comparison, const char *gap)
{
    comparison->gaps[comparison->gaps_len++] = gap;
}

static void find_gaps(struct log_comparison *comparison)
{
    const struct excerpt *a = &comparison->sides[0];
    const struct excerpt *b = &comparison->sides[1];
    if (!comparison->publishes.whole)
        add_gap(comparison,
                "priorities, args past the fourth, rings and threads: a log without its "
                "whole session does not tell them");
    else if (a->threads > 1 || b->threads > 1)
        add_gap(comparison, "the order between threads, which have none");
    if (!a->session || !b->session)
        add_gap(comparison, "launches and observations, which only sessions have");
    if (a->wrapped || b->wrapped)
        add_gap(comparison, "records that were overwritten");
}

static void print_side(const char *name, const char *path, const struct excerpt *excerpt)
{
    printf("%s: %s, %zu %s", name, path, excerpt->len, excerpt->len == 1 ? "record" : "records");
    if (excerpt->session)
        printf(" of run %u", excerpt->run);
    else
        fputs(excerpt->session_fault != NULL ? ", its session cannot be used" : ", no session",
              stdout);
    putchar('\n');
}

/** Say that launches and observations of a ring could not be compared. */
static void tell_fault(struct log_comparison *comparison, uint32_t ring, const char *fault)
{
    if (!comparison->request->json) {
        printf("ring %u: its launches and observations are not compared: %s\n", ring, fault);
        return;
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "ring", json_object_new_int64(ring));
    json_object_object_add(object, "fault", json_object_new_string(fault));
    json_object_array_add(comparison->rings, object);
}

static void tell_ring(struct log_comparison *comparison, uint32_t ring,
                      const struct ring_comparison *found)
{
    comparison->differ = comparison->differ || ring_differs(found);
    if (!comparison->request->json) {
        printf("ring %u:\n", ring);
        ring_report_print(found);
        return;
    }
    struct json_object *object = ring_report_json(found);
    json_object_object_add(object, "ring", json_object_new_int64(ring));
    json_object_array_add(comparison->rings, object);
}

static bool compare_timelines(struct log_comparison *comparison, uint32_t ring,
                              const struct timeline *a, const struct timeline *b,
                              struct replay_error *error)
{
    const struct timeline *sides[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        if (sides[i]->recorded)
            continue;
        tell_fault(comparison, ring, i == 0 ? "a has none" : "b has none");
        return true;
    }
    /* Larger than a stack frame should be. */
    struct session_diff *diff = malloc(sizeof(*diff));
    if (diff == NULL)
        return replay_fail_memory(error);
    struct findings findings;
    bool compared = session_diff_make(a, b, diff, error);
    if (compared) {
        compared = findings_make(a, &diff->divergences, &findings, error);
        if (compared) {
            tell_ring(
                comparison, ring,
                &(struct ring_comparison){.a = a, .b = b, .diff = diff, .findings = &findings});
            findings_free(&findings);
        }
        session_diff_free(diff);
    }
    free(diff);
    return compared;
}

/** Compare what was launched and read back on a ring of both. */
static bool compare_ring(struct log_comparison *comparison, uint32_t ring,
                         struct replay_error *error)
{
    struct timeline timelines[2];
    size_t read = 0;
    bool compared = true;
    while (read < 2) {
        const struct excerpt_choice choice = {.run_given = true,
                                              .run = comparison->sides[read].run,
                                              .ring_given = true,
                                              .ring = ring};
        if (!timeline_read(comparison->request->paths[read], &choice, &timelines[read], error)) {
            tell_fault(comparison, ring, error->text);
            break;
        }
        read++;
    }
    if (read == 2)
        compared = compare_timelines(comparison, ring, &timelines[0], &timelines[1], error);
    while (read > 0)
        timeline_free(&timelines[--read]);
    return compared;
}

static void note_rings(const struct excerpt *excerpt, bool rings[SESSION_RINGS_MAX])
{
    for (size_t i = 0; i < excerpt->len; i++) {
        if (excerpt->slots[i].ring < SESSION_RINGS_MAX)
            rings[excerpt->slots[i].ring] = true;
    }
}

static bool compare_rings(struct log_comparison *comparison, struct replay_error *error)
{
    bool rings[2][SESSION_RINGS_MAX] = {{false}};
    if (!comparison->sides[0].session || !comparison->sides[1].session)
        return true;
    for (size_t i = 0; i < 2; i++)
        note_rings(&comparison->sides[i], rings[i]);
    for (uint32_t ring = 0; ring < SESSION_RINGS_MAX; ring++) {
        if (rings[0][ring] && rings[1][ring] && !compare_ring(comparison, ring, error))
            return false;
    }
    return true;
}

static void print_end(const struct log_comparison *comparison)
{
    if (comparison->gaps_len > 0)
        puts("not compared:");
    for (size_t i = 0; i < comparison->gaps_len; i++)
        printf("  %s\n", comparison->gaps[i]);
    printf("verdict: %s\n", comparison->differ ? "they differ" : "the same");
}

static void print_beginning(const struct log_comparison *comparison)
{
    const struct excerpt *a = &comparison->sides[0];
    const struct excerpt *b = &comparison->sides[1];
    print_side("a", comparison->request->paths[0], a);
    print_side("b", comparison->request->paths[1], b);
    publish_report_print(&comparison->publishes, a, b);
}

static struct json_object *side_json(const char *path, const struct excerpt *excerpt)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "path", json_object_new_string(path));
    json_object_object_add(object, "records", json_object_new_uint64(excerpt->len));
    json_object_object_add(object, "session", json_object_new_boolean(excerpt->session));
    json_object_object_add(
        object, "session_fault",
        excerpt->session_fault != NULL ? json_object_new_string(excerpt->session_fault) : NULL);
    json_object_object_add(object, "run",
                           excerpt->session ? json_object_new_int64(excerpt->run) : NULL);
    return object;
}

static void print_json(const struct log_comparison *comparison)
{
    const struct excerpt *a = &comparison->sides[0];
    const struct excerpt *b = &comparison->sides[1];
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "verdict",
                           json_object_new_string(comparison->differ ? "differ" : "same"));
    json_object_object_add(object, "a", side_json(comparison->request->paths[0], a));
    json_object_object_add(object, "b", side_json(comparison->request->paths[1], b));
    json_object_object_add(object, "publishes", publish_report_json(&comparison->publishes, a, b));
    json_object_object_add(object, "rings", comparison->rings);
    struct json_object *gaps = json_object_new_array();
    for (size_t i = 0; i < comparison->gaps_len; i++)
        json_object_array_add(gaps, json_object_new_string(comparison->gaps[i]));
    json_object_object_add(object, "not_compared", gaps);
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static int compare(struct log_comparison *comparison, struct replay_error *error)
{
    const struct excerpt *a = &comparison->sides[0];
    const struct excerpt *b = &comparison->sides[1];
    if (!publish_diff_make(a, b, &comparison->publishes, error))
        return -1;
    bool json = comparison->request->json;
    comparison->differ = comparison->publishes.len > 0;
    comparison->rings = json ? json_object_new_array() : NULL;
    find_gaps(comparison);
    if (!json)
        print_beginning(comparison);
    bool compared = compare_rings(comparison, error);
    if (compared && json)
        print_json(comparison);
    else if (compared)
        print_end(comparison);
    else
        json_object_put(comparison->rings);
    publish_diff_free(&comparison->publishes);
    return compared ? message_finish_output(comparison->differ ? CLI_FOUND : CLI_WELL) : -1;
}

int cmd_diff(int argc, char **argv)
{
    struct request request = {.choices = {{.all_rings = true}, {.all_rings = true}}};
    int status = parse(argc, argv, &request);
    if (status >= 0)
        return status;

    struct replay_error error;
    struct log_comparison comparison = {.request = &request};
    if (excerpt_read(request.paths[0], &request.choices[0], &comparison.sides[0], &error)) {
        if (excerpt_read(request.paths[1], &request.choices[1], &comparison.sides[1], &error)) {
            status = compare(&comparison, &error);
            excerpt_free(&comparison.sides[1]);
        }
        excerpt_free(&comparison.sides[0]);
    }
    if (status < 0) {
        message_error("%s", error.text);
        status = CLI_FAILED;
    }
    return status;
}
