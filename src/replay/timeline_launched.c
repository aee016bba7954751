/*
 * What a ring was launched with: programs, kernels, arguments.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/timeline_parts.h"
#include "vyre/vyre_protocol.h"

/** Arguments of one kernel that are believed; no device takes as many. */
#define ARGUMENTS_MAX 1024u
/** Of a control buffer, that the replay keeps a copy of. */
#define CONTROL_BYTES_MAX (UINT64_C(256) << 20)
#define RING_SLOTS_MAX (1u << 20)
/** Of all kernels of a ring. */
#define BUFFERS_MAX 1024u

struct reading {
    struct timeline *timeline;
    const struct raw_journals *journals;
    struct replay_error *error;
};

static bool wrong(const struct reading *reading, const struct raw_entry *entry, const char *what)
{
    return raw_entry_wrong(reading->journals, JOURNAL_PROGRAMS, entry, what, reading->error);
}

/** \return the index of a buffer, TIMELINE_NONE when memory could not be had */
static uint32_t know_buffer(struct timeline *timeline, uint64_t number, uint64_t bytes)
{
    uint32_t index = timeline_buffer_of(timeline, number);
    if (index == TIMELINE_NONE) {
        index = timeline->buffers_len;
        if (!timeline_append_32(&timeline->buffers, &timeline->buffers_len,
                                sizeof(struct timeline_buffer),
                                &(struct timeline_buffer){.number = number}))
            return TIMELINE_NONE;
    }
    if (timeline->buffers[index].bytes < bytes)
        timeline->buffers[index].bytes = bytes;
    return index;
}

static bool read_program(struct reading *reading, uint64_t number, uint32_t *index)
{
    struct timeline *timeline = reading->timeline;
    struct raw_entry *entry = raw_entry_find(reading->journals, JOURNAL_PROGRAMS, number);
    *index = TIMELINE_NONE;
    if (entry == NULL || entry->head.type != SESSION_ENTRY_PROGRAM)
        return true;
    *index = entry->made;
    if (entry->made != TIMELINE_NONE)
        return true;
    struct session_program_view view;
    if (!session_program_read(entry->payload, entry->head.bytes, &view))
        return wrong(reading, entry, "is no program");
    struct timeline_program program = {.entry = number,
                                       .form = (enum session_program_form)view.head.form,
                                       .platform = view.platform,
                                       .device = view.device,
                                       .driver = view.driver,
                                       .options = view.options,
                                       .code = view.code,
                                       .code_bytes = (size_t)view.head.code_bytes};
    entry->made = timeline->programs_len;
    *index = entry->made;
    return timeline_append_32(&timeline->programs, &timeline->programs_len, sizeof(program),
                              &program) ||
           replay_fail_memory(reading->error);
}

static bool read_argument(struct reading *reading, const struct raw_entry *entry,
                          const struct session_kernel_view *view, uint32_t index,
                          struct timeline_argument *argument)
{
    const void *value;
    struct session_argument from = session_kernel_argument(view, index, &value);
    *argument = (struct timeline_argument){.kind = (enum session_argument_kind)from.kind,
                                           .range.buffer = TIMELINE_NONE,
                                           .bytes = from.bytes};
    if (from.kind == SESSION_ARGUMENT_VALUE) {
        argument->value = value;
        argument->bytes = from.value_bytes;
    }
    if (from.kind != SESSION_ARGUMENT_BUFFER)
        return true;
    if (from.buffer == 0)
        return wrong(reading, entry, "has a buffer that the recorder did not know");
    if (from.bytes == 0 || from.bytes > UINT64_MAX - from.offset)
        return wrong(reading, entry, "has a buffer without a size");
    if (reading->timeline->buffers_len == BUFFERS_MAX)
        return wrong(reading, entry, "has more buffers than a replay takes");
    argument->range = (struct timeline_range){
        know_buffer(reading->timeline, from.buffer, from.offset + from.bytes), from.offset,
        from.bytes};
    return argument->range.buffer != TIMELINE_NONE || replay_fail_memory(reading->error);
}

static bool read_arguments(struct reading *reading, const struct raw_entry *entry,
                           const struct session_kernel_view *view, struct timeline_kernel *kernel)
{
    struct timeline *timeline = reading->timeline;
    uint32_t len = view->head.arguments;
    if (len > ARGUMENTS_MAX || view->head.control_argument >= len ||
        view->head.ring_argument >= len)
        return wrong(reading, entry, "has arguments that are none of a megakernel");
    kernel->arguments_len = len;
    kernel->arguments = timeline_allocate(timeline, len * sizeof(*kernel->arguments));
    if (kernel->arguments == NULL)
        return replay_fail_memory(reading->error);
    for (uint32_t i = 0; i < len; i++)
        if (!read_argument(reading, entry, view, i, &kernel->arguments[i]))
            return false;
    return true;
}

/** The ranges that the protocol knows, as the kernel was launched with them. */
static void find_roles(const struct timeline_kernel *kernel, const struct session_kernel *head,
                       struct timeline_range roles[TIMELINE_ROLES])
{
    memset(roles, 0, TIMELINE_ROLES * sizeof(*roles));
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        roles[role] = (struct timeline_range){.buffer = TIMELINE_NONE};
    roles[VYRE_KERNEL_ARG_CONTROL] = kernel->arguments[head->control_argument].range;
    roles[VYRE_KERNEL_ARG_RING] = kernel->arguments[head->ring_argument].range;
    const struct {
        uint32_t role;
        uint64_t bytes;
    } others[] = {{VYRE_KERNEL_ARG_DEBUG_LOG, VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t)},
                  {VYRE_KERNEL_ARG_IO_QUEUE, VYRE_IO_QUEUE_WORDS * sizeof(uint32_t)}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        uint32_t role = others[i].role;
        if (role < kernel->arguments_len && role != head->control_argument &&
            role != head->ring_argument && kernel->arguments[role].range.bytes == others[i].bytes)
            roles[role] = kernel->arguments[role].range;
    }
}

static bool overlap(const struct timeline_range *one, const struct timeline_range *other)
{
    return one->buffer != TIMELINE_NONE && one->buffer == other->buffer &&
           one->offset < other->offset + other->bytes && other->offset < one->offset + one->bytes;
}

static bool check_roles(const struct reading *reading, const struct raw_entry *entry,
                        const struct timeline_range *roles)
{
    const struct timeline_range *control = &roles[VYRE_KERNEL_ARG_CONTROL];
    const struct timeline_range *ring = &roles[VYRE_KERNEL_ARG_RING];
    if (control->buffer == TIMELINE_NONE || control->offset % 4 != 0 || control->bytes % 4 != 0 ||
        control->bytes < VYRE_CONTROL_WORDS_MIN * sizeof(uint32_t))
        return wrong(reading, entry, "has a control buffer that is none");
    if (control->bytes > CONTROL_BYTES_MAX)
        return wrong(reading, entry, "has a control buffer larger than a replay takes");
    if (ring->buffer == TIMELINE_NONE || ring->offset % VYRE_SLOT_BYTES != 0 ||
        ring->bytes % VYRE_SLOT_BYTES != 0)
        return wrong(reading, entry, "has a ring that is none");
    if (ring->bytes / VYRE_SLOT_BYTES > RING_SLOTS_MAX)
        return wrong(reading, entry, "has a ring larger than a replay takes");
    for (uint32_t i = 0; i < TIMELINE_ROLES; i++)
        for (uint32_t j = 0; j < i; j++)
            if (overlap(&roles[i], &roles[j]))
                return wrong(reading, entry, "has one memory for two of its buffers");
    return true;
}

static bool same_range(const struct timeline_range *one, const struct timeline_range *other)
{
    return one->buffer == other->buffer && one->offset == other->offset &&
           one->bytes == other->bytes;
}

static bool same_roles(const struct timeline_range *one, const struct timeline_range *other)
{
    bool same = true;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        same = same && same_range(&one[role], &other[role]);
    return same;
}

static bool decode_kernel(struct reading *reading, const struct raw_entry *entry,
                          struct timeline_kernel *kernel,
                          struct timeline_range roles[TIMELINE_ROLES])
{
    struct session_kernel_view view;
    if (!session_kernel_read(entry->payload, entry->head.bytes, &view))
        return wrong(reading, entry, "is no kernel");
    char *name = timeline_allocate(reading->timeline, view.name.bytes + 1);
    if (name == NULL)
        return replay_fail_memory(reading->error);
    memcpy(name, view.name.text, view.name.bytes);
    name[view.name.bytes] = '\0';
    *kernel = (struct timeline_kernel){.entry = entry->head.number, .name = name};
    if (!read_program(reading, view.head.program, &kernel->program) ||
        !read_arguments(reading, entry, &view, kernel))
        return false;
    find_roles(kernel, &view.head, roles);
    return check_roles(reading, entry, roles);
}

static bool read_kernel(struct reading *reading, struct raw_entry *entry)
{
    struct timeline *timeline = reading->timeline;
    struct timeline_kernel kernel;
    struct timeline_range roles[TIMELINE_ROLES] = {0};
    if (!decode_kernel(reading, entry, &kernel, roles))
        return false;
    if (timeline->kernels_len == 0)
        memcpy(timeline->roles, roles, sizeof(roles));
    else if (!same_roles(timeline->roles, roles))
        return wrong(reading, entry, "has other buffers than the ring's first launch");
    entry->made = timeline->kernels_len;
    return timeline_append_32(&timeline->kernels, &timeline->kernels_len, sizeof(kernel),
                              &kernel) ||
           replay_fail_memory(reading->error);
}

/** Read each kernel that the ring was launched with. */
static bool read_kernels(struct reading *reading)
{
    const struct raw_journal *submits = &reading->journals->of[JOURNAL_SUBMITS];
    for (size_t i = 0; i < submits->len; i++) {
        const struct raw_entry *entry = &submits->entries[i];
        struct session_submit submit;
        if (entry->head.type != SESSION_ENTRY_SUBMIT ||
            entry->head.ring != reading->timeline->excerpt.ring)
            continue;
        if (!session_submit_read(entry->payload, entry->head.bytes, &submit))
            return raw_entry_wrong(reading->journals, JOURNAL_SUBMITS, entry, "is no submit",
                                   reading->error);
        struct raw_entry *kernel =
            raw_entry_find(reading->journals, JOURNAL_PROGRAMS, submit.kernel);
        if (submit.kernel == 0)
            return raw_entry_wrong(reading->journals, JOURNAL_SUBMITS, entry,
                                   "has no kernel, as there was no room for it", reading->error);
        if (kernel != NULL && kernel->made != TIMELINE_NONE)
            continue;
        if (kernel == NULL || kernel->head.type != SESSION_ENTRY_KERNEL)
            return raw_entry_wrong(reading->journals, JOURNAL_SUBMITS, entry,
                                   "names a kernel that is not there", reading->error);
        if (!read_kernel(reading, kernel))
            return false;
    }
    return true;
}

/** Mark the rings that were launched. */
static void find_launched(const struct raw_journals *journals,
                          bool launched[SESSION_RINGS_OF_RUN_MAX])
{
    const struct raw_journal *submits = &journals->of[JOURNAL_SUBMITS];
    for (size_t i = 0; i < submits->len; i++) {
        const struct journal_entry *entry = &submits->entries[i].head;
        if (entry->type == SESSION_ENTRY_SUBMIT && entry->ring < SESSION_RINGS_OF_RUN_MAX)
            launched[entry->ring] = true;
    }
}

/** What other rings' launches write into the same control buffer or debug log cannot be replayed
 *  with one ring. */
static bool check_others(struct reading *reading)
{
    struct timeline *timeline = reading->timeline;
    const struct raw_journal *programs = &reading->journals->of[JOURNAL_PROGRAMS];
    uint32_t buffers_len = timeline->buffers_len;
    uint32_t programs_len = timeline->programs_len;
    bool launched[SESSION_RINGS_OF_RUN_MAX] = {false};
    bool good = true;
    find_launched(reading->journals, launched);
    for (size_t i = 0; good && i < programs->len; i++) {
        const struct raw_entry *entry = &programs->entries[i];
        struct timeline_kernel kernel;
        struct timeline_range roles[TIMELINE_ROLES] = {0};
        if (entry->head.type != SESSION_ENTRY_KERNEL ||
            entry->head.ring == timeline->excerpt.ring ||
            entry->head.ring >= SESSION_RINGS_OF_RUN_MAX || !launched[entry->head.ring])
            continue;
        good = decode_kernel(reading, entry, &kernel, roles);
        for (uint32_t role = 0; good && role <= VYRE_KERNEL_ARG_DEBUG_LOG; role++)
            if (overlap(&roles[role], &timeline->roles[role]))
                good = replay_fail(
                    reading->error,
                    "%s: rings %u and %u of run %u share their %s, and neither can be replayed "
                    "by itself. Fix: give each ring its own, or replay the bare log.",
                    reading->journals->path, timeline->excerpt.ring, entry->head.ring,
                    timeline->excerpt.run,
                    role == VYRE_KERNEL_ARG_CONTROL ? "control buffer"
                    : role == VYRE_KERNEL_ARG_RING  ? "memory"
                                                    : "debug log");
    }
    /* The others' are not launched here. */
    timeline->buffers_len = buffers_len;
    timeline->programs_len = programs_len;
    return good;
}

bool timeline_read_launched(struct timeline *timeline, const struct raw_journals *journals,
                            struct replay_error *error)
{
    struct reading reading = {.timeline = timeline, .journals = journals, .error = error};
    if (!read_kernels(&reading) || !check_others(&reading) ||
        !timeline_read_first_contents(timeline, journals, error))
        return false;
    timeline->control_words =
        (uint32_t)(timeline->roles[VYRE_KERNEL_ARG_CONTROL].bytes / sizeof(uint32_t));
    timeline->ring_slots =
        (uint32_t)(timeline->roles[VYRE_KERNEL_ARG_RING].bytes / VYRE_SLOT_BYTES);
    return true;
}
