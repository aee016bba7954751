#include "session/entries.h"

#include <string.h>

#include "vyre/vyre_protocol.h"

/** What is left of a payload. */
struct rest {
    const uint8_t *at;
    size_t bytes;
};

static bool take(struct rest *rest, uint64_t bytes, const void **taken)
{
    if (bytes > rest->bytes)
        return false;
    *taken = rest->at;
    rest->at += bytes;
    rest->bytes -= (size_t)bytes;
    return true;
}

static bool take_head(struct rest *rest, void *head, size_t bytes)
{
    const void *from;
    if (!take(rest, bytes, &from))
        return false;
    memcpy(head, from, bytes);
    return true;
}

static bool take_text(struct rest *rest, uint32_t bytes, struct session_text *text)
{
    const void *from;
    if (!take(rest, bytes, &from))
        return false;
    *text = (struct session_text){from, bytes};
    return true;
}

bool session_program_read(const void *payload, size_t bytes, struct session_program_view *view)
{
    struct rest rest = {payload, bytes};
    struct session_program *head = &view->head;
    return take_head(&rest, head, sizeof(*head)) && head->form <= SESSION_PROGRAM_BINARY &&
           take_text(&rest, head->api_bytes, &view->api) &&
           take_text(&rest, head->platform_bytes, &view->platform) &&
           take_text(&rest, head->device_bytes, &view->device) &&
           take_text(&rest, head->driver_bytes, &view->driver) &&
           take_text(&rest, head->options_bytes, &view->options) &&
           take(&rest, head->code_bytes, &view->code) && rest.bytes == 0;
}

bool session_kernel_read(const void *payload, size_t bytes, struct session_kernel_view *view)
{
    struct rest rest = {payload, bytes};
    struct session_kernel *head = &view->head;
    const void *ignored;
    if (!take_head(&rest, head, sizeof(*head)) ||
        !take_text(&rest, head->name_bytes, &view->name) ||
        !take(&rest, (8 - head->name_bytes % 8) % 8, &ignored) ||
        !take(&rest, (uint64_t)head->arguments * sizeof(struct session_argument), &view->arguments))
        return false;
    uint64_t values = 0;
    for (uint32_t i = 0; i < head->arguments; i++) {
        struct session_argument argument = session_kernel_argument(view, i, &ignored);
        if (argument.kind > SESSION_ARGUMENT_OTHER ||
            (argument.kind != SESSION_ARGUMENT_VALUE && argument.value_bytes != 0))
            return false;
        values += argument.value_bytes;
    }
    return values == rest.bytes;
}

struct session_argument session_kernel_argument(const struct session_kernel_view *view,
                                                uint32_t index, const void **value)
{
    const uint8_t *arguments = view->arguments;
    const uint8_t *at = arguments + view->head.arguments * sizeof(struct session_argument);
    struct session_argument argument;
    for (uint32_t i = 0;; i++) {
        memcpy(&argument, arguments + i * sizeof(argument), sizeof(argument));
        if (i == index)
            break;
        at += argument.value_bytes;
    }
    *value = at;
    return argument;
}

bool session_contents_read(const void *payload, size_t bytes, struct session_contents_view *view)
{
    struct rest rest = {payload, bytes};
    struct session_contents *head = &view->head;
    return take_head(&rest, head, sizeof(*head)) && head->offset <= head->buffer_bytes &&
           head->bytes <= head->buffer_bytes - head->offset &&
           take(&rest, head->bytes, &view->contents) && rest.bytes == 0;
}

bool session_submit_read(const void *payload, size_t bytes, struct session_submit *submit)
{
    struct rest rest = {payload, bytes};
    return take_head(&rest, submit, sizeof(*submit)) && submit->dimensions <= 3 && rest.bytes == 0;
}

bool session_upload_read(const void *payload, size_t bytes, struct session_upload_view *view)
{
    struct rest rest = {payload, bytes};
    if (!take_head(&rest, &view->head, sizeof(view->head)) ||
        !take(&rest, (uint64_t)view->head.runs * sizeof(uint32_t), &view->runs) || rest.bytes > 0)
        return false;
    view->slots = 0;
    for (uint32_t i = 0; i < view->head.runs; i++) {
        uint32_t slots;
        uint32_t status;
        session_upload_run(view, i, &slots, &status);
        if (slots == 0 || (status > VYRE_STATUS_FAULT && status != SESSION_STATUS_UNTOLD))
            return false;
        view->slots += slots;
    }
    return true;
}

void session_upload_run(const struct session_upload_view *view, uint32_t index, uint32_t *slots,
                        uint32_t *status)
{
    uint32_t run;
    memcpy(&run, (const uint8_t *)view->runs + index * sizeof(run), sizeof(run));
    *slots = run >> 4;
    *status = run & 15u;
}

bool session_lost_read(const void *payload, size_t bytes, struct session_lost *lost)
{
    struct rest rest = {payload, bytes};
    return take_head(&rest, lost, sizeof(*lost)) && rest.bytes == 0;
}

bool session_observation_read(const void *payload, size_t bytes,
                              struct session_observation_view *view)
{
    struct rest rest = {payload, bytes};
    struct session_observation *head = &view->head;
    if (!take_head(&rest, head, sizeof(*head)) || head->what < SESSION_OBSERVED_CONTROL ||
        head->what > SESSION_OBSERVED_IO_QUEUE || head->count > UINT64_MAX - head->offset)
        return false;
    uint64_t map_bytes = head->count / 64 / 8 + (head->count / 64 % 8 != 0);
    bool fits = head->what == SESSION_OBSERVED_RING ? rest.bytes == 0 || rest.bytes == map_bytes
                                                    : rest.bytes == head->count;
    view->observed = rest.at;
    view->observed_bytes = rest.bytes;
    return fits;
}

bool session_observed_word(const struct session_observation_view *view, uint32_t word,
                           uint32_t *value)
{
    uint64_t at = (uint64_t)word * sizeof(*value);
    if (view->head.what != SESSION_OBSERVED_CONTROL || at < view->head.offset ||
        view->head.count < sizeof(*value) ||
        at - view->head.offset > view->head.count - sizeof(*value))
        return false;
    memcpy(value, (const uint8_t *)view->observed + (at - view->head.offset), sizeof(*value));
    return true;
}
