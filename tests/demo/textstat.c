/*
 * textstat - counts the bytes, words and lines of a text on a GPU megakernel.
 *
 * An ordinary host of the megakernel: it links the vyre runtime and OpenCL, and knows
 * nothing of a recorder.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batches.h"
#include "device.h"
#include "tally.h"
#include "vyre_runtime.h"

#define TEXT_MAX (64u << 20)
#define SLOTS_DEFAULT 1024u
#define SLOTS_MAX (1u << 20)
#define TOP_BYTES 5

struct options {
    const char *kernel;
    const char *text;
    unsigned device;
    unsigned slots;
};

static void print_usage(FILE *stream)
{
    fprintf(stream,
            "Usage: textstat [--kernel FILE.cl] [--slots N] [--device N] FILE\n"
            "Count the bytes, words and lines of FILE on an OpenCL megakernel, and check\n"
            "the counts on the CPU.\n"
            "  --kernel FILE.cl  the megakernel (default: %s)\n"
            "  --slots N         slots of its ring, %u to %u (default: %u)\n"
            "  --device N        OpenCL device, counted from 0 over all platforms (default: 0)\n",
            DEFAULT_KERNEL, BATCHES_SLOTS_MIN, SLOTS_MAX, SLOTS_DEFAULT);
}

static bool parse_number(const char *text, unsigned min, unsigned max, unsigned *value)
{
    char *end = NULL;
    unsigned long number = 0;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || number < min || number > max) {
        fprintf(stderr, "textstat: '%s' is no number from %u to %u. Fix: give one.\n", text, min,
                max);
        return false;
    }
    *value = (unsigned)number;
    return true;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"kernel", required_argument, NULL, 'k'},
        {"slots", required_argument, NULL, 's'},
        {"device", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int letter = 0;

    *options = (struct options){.kernel = DEFAULT_KERNEL, .slots = SLOTS_DEFAULT};
    while ((letter = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        bool good = true;

        if (letter == 'h') {
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        } else if (letter == 'k') {
            options->kernel = optarg;
        } else if (letter == 's') {
            good = parse_number(optarg, BATCHES_SLOTS_MIN, SLOTS_MAX, &options->slots);
        } else if (letter == 'd') {
            good = parse_number(optarg, 0, 1023, &options->device);
        } else {
            good = false;
        }
        if (!good)
            return false;
    }
    if (optind + 1 != argc) {
        print_usage(stderr);
        return false;
    }
    options->text = argv[optind];
    return true;
}

/* Reads a whole file; NULL after a message. */
static uint8_t *read_text(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    uint8_t *text = NULL;

    if (file == NULL) {
        fprintf(stderr, "textstat: cannot open %s: %s. Fix: name a file that can be read.\n", path,
                strerror(errno));
        return NULL;
    }
    text = malloc(TEXT_MAX);
    *length = text == NULL ? 0 : fread(text, 1, TEXT_MAX, file);
    if (text == NULL || ferror(file) || *length == 0 || *length == TEXT_MAX) {
        fprintf(stderr,
                "textstat: cannot read %s. Fix: name a file of 1 to %u bytes, not a folder.\n",
                path, TEXT_MAX - 1);
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static void free_buffers(struct host_buffers *host)
{
    free(host->control);
    free(host->ring);
    free(host->debug_log);
    free(host->io_queue);
}

/* Makes the four buffers, fresh, with an observable for each word that is worked on. */
static bool make_buffers(struct host_buffers *host, unsigned slots, uint32_t lines)
{
    host->control_len = vyre_control_size(TALLY_LINE_STARTS - VYRE_CONTROL_OBSERVABLES + lines);
    host->ring_len = vyre_ring_size(slots);
    host->debug_log_len = vyre_debug_log_size();
    host->io_queue_len = vyre_io_queue_size();
    host->control = malloc(host->control_len);
    host->ring = malloc(host->ring_len);
    host->debug_log = malloc(host->debug_log_len);
    host->io_queue = malloc(host->io_queue_len);
    return host->control != NULL && host->ring != NULL && host->debug_log != NULL &&
           host->io_queue != NULL &&
           vyre_encode_control(host->control, host->control_len, TENANTS) == VYRE_OK &&
           vyre_encode_ring(host->ring, host->ring_len) == VYRE_OK &&
           vyre_encode_debug_log(host->debug_log, host->debug_log_len) == VYRE_OK &&
           vyre_encode_io_queue(host->io_queue, host->io_queue_len) == VYRE_OK;
}

static void print_top_bytes(const struct tally *tally)
{
    bool printed[256] = {false};

    printf("  most frequent bytes:");
    for (int rank = 0; rank < TOP_BYTES; rank++) {
        int top = 0;

        for (int byte = 1; byte < 256; byte++) {
            if (!printed[byte] && (printed[top] || tally->bytes[byte] > tally->bytes[top]))
                top = byte;
        }
        printed[top] = true;
        printf(top >= ' ' && top < 127 ? " '%c' %u" : " 0x%02x %u", top, tally->bytes[top]);
    }
    printf("\n");
}

static void print_report(const struct options *options, const struct device *device, size_t length,
                         const struct tally *tally, const struct batches_report *report)
{
    printf("%s on %s\n", options->text, device->name);
    printf("  %zu bytes, %u words, %u lines, the longest of %u bytes\n", length, tally->words,
           tally->lines, tally->longest_line);
    print_top_bytes(tally);
    printf("  %u slots of %d tenants in %u batches, %u fences\n", report->slots, TENANTS,
           report->launches, report->epoch);
}

static bool count(const struct options *options, const uint8_t *text, size_t length,
                  const struct tally *expected)
{
    struct device device = {0};
    struct host_buffers host = {0};
    struct batches_report report;
    struct tally actual = {0};
    bool good = false;

    if (!make_buffers(&host, options->slots, expected->lines)) {
        fprintf(stderr, "textstat: out of memory. Fix: ask for a smaller ring with --slots.\n");
    } else if (device_open(&device, options->device, options->kernel) == 0 &&
               device_load(&device, &host) == 0 &&
               batches_run(&device, &host, text, length, &report) == 0 &&
               tally_control(host.control, host.control_len, expected->lines, &actual)) {
        print_report(options, &device, length, &actual, &report);
        good = tally_equal(expected, &actual);
        printf("checked on the CPU: %s\n", good ? "equal" : "NOT equal");
    }
    tally_free(&actual);
    device_close(&device);
    free_buffers(&host);
    return good;
}

int main(int argc, char **argv)
{
    struct options options;
    struct tally expected = {0};
    uint8_t *text = NULL;
    size_t length = 0;
    bool good = false;

    if (!parse_options(argc, argv, &options))
        return 2;
    text = read_text(options.text, &length);
    if (text != NULL && tally_text(text, length, &expected)) {
        if (expected.lines > TALLY_LINES_MAX)
            fprintf(stderr, "textstat: %s has %u lines. Fix: name a text of at most %u.\n",
                    options.text, expected.lines, TALLY_LINES_MAX);
        else
            good = count(&options, text, length, &expected);
    }
    tally_free(&expected);
    free(text);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
