#include "cli/record_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "vyre/opcode.h"

#define NS_PER_SECOND UINT64_C(1000000000)

const char *time_text(uint64_t timestamp_ns, char out[TIME_TEXT_SIZE])
{
    // Neighbours mostly share their second, and taking it apart is most of the work.
    static uint64_t last_seconds = UINT64_MAX;
    static char text[24];
    uint64_t seconds = timestamp_ns / NS_PER_SECOND;
    if (timestamp_ns == 0) {
        return "-";
    }
    if (seconds != last_seconds) {
        struct tm calendar;
        time_t time = (time_t)seconds;
        gmtime_r(&time, &calendar);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &calendar);
        last_seconds = seconds;
    }
    snprintf(out, TIME_TEXT_SIZE, "%s.%09" PRIu64 "Z", text, timestamp_ns % NS_PER_SECOND);
    return out;
}

static bool has_evidence(const struct vrrl_failure *failure)
{
    return failure->slot_status != 0 || failure->failure_class != 0 || failure->backend_code != 0 ||
           failure->output_digest != 0;
}

static void text_begin(void)
{
    printf("%7s  %-30s %10s %10s  %-13s %10s  %s\n", "INDEX", "TIME", "SLOT", "TENANT", "OPCODE",
           "EPOCH", "ARGS");
}

static void text_record(uint64_t index, const struct vrrl_record *record)
{
    char time[TIME_TEXT_SIZE];
    char number[16];
    const char *name = vyre_opcode_name(record->opcode);
    if (name == NULL) {
        snprintf(number, sizeof(number), "0x%08" PRIx32, record->opcode);
        name = number;
    }
    const uint32_t *args = record->args;
    printf("%7" PRIu64 "  %-30s %10" PRIu32 " %10" PRIu32 "  %-13s %10" PRIu32 "  %" PRIu32
           " %" PRIu32 " %" PRIu32 " %" PRIu32,
           index, time_text(record->timestamp_ns, time), record->slot_idx, record->tenant_id, name,
           record->epoch, args[0], args[1], args[2], args[3]);
    const struct vrrl_failure *failure = &record->failure;
    if (has_evidence(failure)) {
        printf("  failure: slot status %" PRIu32 ", class %" PRIu32 ", backend code %" PRIu32
               ", output digest 0x%016" PRIx64,
               failure->slot_status, failure->failure_class, failure->backend_code,
               failure->output_digest);
    }
    putchar('\n');
}

static void json_begin(void)
{
}

static void json_record(uint64_t index, const struct vrrl_record *record)
{
    const char *name = vyre_opcode_name(record->opcode);
    const char *quote = name == NULL ? "" : "\"";
    const uint32_t *args = record->args;
    printf("{\"index\":%" PRIu64 ",\"timestamp_ns\":%" PRIu64 ",\"slot_idx\":%" PRIu32
           ",\"tenant_id\":%" PRIu32 ",\"opcode\":%" PRIu32 ",\"opcode_name\":%s%s%s"
           ",\"args\":[%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "],\"epoch\":%" PRIu32,
           index, record->timestamp_ns, record->slot_idx, record->tenant_id, record->opcode, quote,
           name == NULL ? "null" : name, quote, args[0], args[1], args[2], args[3], record->epoch);
    const struct vrrl_failure *failure = &record->failure;
    if (has_evidence(failure)) {
        printf(",\"failure\":{\"slot_status\":%" PRIu32 ",\"class\":%" PRIu32
               ",\"backend_code\":%" PRIu32 ",\"output_digest\":\"0x%016" PRIx64 "\"}",
               failure->slot_status, failure->failure_class, failure->backend_code,
               failure->output_digest);
    }
    puts("}");
}

const struct record_format record_format_text = {text_begin, text_record};
const struct record_format record_format_json = {json_begin, json_record};
