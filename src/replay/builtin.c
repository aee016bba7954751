#include "replay/builtin.h"

#include <stdlib.h>
#include <string.h>

#include "replay/megakernel.h"

static const char options[] = "-cl-std=CL1.2";
/** Asks the kernel's text to call the handlers. */
static const char handlers_options[] = "-cl-std=CL1.2 -DVYRE_HANDLERS";

static bool make_source(const struct handlers *handlers, struct builtin *builtin,
                        struct replay_error *error)
{
    bool handled = handlers != NULL && handlers->len > 0;
    size_t handlers_len = handled ? strlen(handlers->source) : 0;
    builtin->source = malloc(megakernel_source_len + handlers_len + 1);
    if (builtin->source == NULL)
        return replay_fail_memory(error);
    memcpy(builtin->source, megakernel_source, megakernel_source_len);
    if (handled)
        memcpy(builtin->source + megakernel_source_len, handlers->source, handlers_len);
    const char *how = handled ? handlers_options : options;
    builtin->program = (struct timeline_program){
        .form = SESSION_PROGRAM_SOURCE,
        .options = {how, strlen(how)},
        .code = builtin->source,
        .code_bytes = megakernel_source_len + handlers_len,
    };
    return true;
}

/** Buffers that the recorded kernel did without. */
static void complete(struct builtin *builtin, uint32_t role, uint64_t bytes)
{
    struct backend_image *image = &builtin->image;
    if (image->roles[role].buffer != TIMELINE_NONE)
        return;
    builtin->buffers[image->buffers_len] = (struct timeline_buffer){.bytes = bytes};
    image->roles[role] = (struct timeline_range){image->buffers_len++, 0, bytes};
}

bool builtin_make(const struct timeline *timeline, const struct handlers *handlers,
                  struct builtin *builtin, struct replay_error *error)
{
    *builtin = (struct builtin){.control_words = timeline->control_words,
                                .ring_slots = timeline->ring_slots};
    if (timeline->recorded)
        builtin->submit =
            (struct timeline_submit){.dimensions = 1, .global_size = {timeline->ring_slots}};
    if (!make_source(handlers, builtin, error))
        return false;
    struct backend_image *image = &builtin->image;
    uint32_t len = timeline->buffers_len;
    builtin->buffers = calloc(len + 2, sizeof(*builtin->buffers));
    if (builtin->buffers == NULL) {
        builtin_free(builtin);
        return replay_fail_memory(error);
    }
    memcpy(builtin->buffers, timeline->buffers, len * sizeof(*builtin->buffers));
    *image = (struct backend_image){.programs = &builtin->program,
                                    .programs_len = 1,
                                    .kernels = &builtin->kernel,
                                    .kernels_len = 1,
                                    .buffers = builtin->buffers,
                                    .buffers_len = len,
                                    .control_words = timeline->control_words,
                                    .ring_slots = timeline->ring_slots,
                                    .builtin = true};
    memcpy(image->roles, timeline->roles, sizeof(image->roles));
    complete(builtin, VYRE_KERNEL_ARG_DEBUG_LOG, VYRE_DEBUG_LOG_WORDS * sizeof(uint32_t));
    complete(builtin, VYRE_KERNEL_ARG_IO_QUEUE, VYRE_IO_QUEUE_WORDS * sizeof(uint32_t));
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++)
        builtin->arguments[role] = (struct timeline_argument){.kind = SESSION_ARGUMENT_BUFFER,
                                                              .range = image->roles[role]};
    const uint32_t *values[] = {&builtin->control_words, &builtin->ring_slots};
    for (uint32_t i = 0; i < 2; i++)
        builtin->arguments[TIMELINE_ROLES + i] = (struct timeline_argument){
            .kind = SESSION_ARGUMENT_VALUE, .bytes = sizeof(*values[i]), .value = values[i]};
    builtin->kernel = (struct timeline_kernel){.name = "vyre_megakernel",
                                               .arguments = builtin->arguments,
                                               .arguments_len = TIMELINE_ROLES + 2};
    return true;
}

void builtin_free(struct builtin *builtin)
{
    free(builtin->source);
    free(builtin->buffers);
    memset(builtin, 0, sizeof(*builtin));
}
