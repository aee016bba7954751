/*
 * Launches: what the session keeps of them, and of the programs behind them.
 */
#include <errno.h>
#include <string.h>

#include "capture/gpu_state.h"
#include "session/entries.h"

struct journal *gpu_journal(struct recording *recording, enum journal_kind kind)
{
    struct journal *journal = &recording->journals[kind];
    return journal->header == NULL ? NULL : journal;
}

/** Only a process that launches megakernels has journals. */
static void open_journals(struct gpu_state *state, struct recording *recording)
{
    if (state->journals_tried)
        return;
    state->journals_tried = true;
    int error = recording_open_journals(recording);
    if (error != 0)
        recorder_say("vrrl: the session has no submits and observations: %s\n",
                     session_strerror(error));
}

static uint8_t *add_bytes(uint8_t *to, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(to, bytes, count);
    return to + count;
}

struct taker {
    struct recording *recording;
    uint64_t entry;
};

static void take_program(void *opaque, const struct gpu_program *program)
{
    struct taker *taker = opaque;
    struct journal *journal = gpu_journal(taker->recording, JOURNAL_PROGRAMS);
    bool kept = program->code_bytes <= SESSION_PROGRAM_BYTES_MAX;
    struct session_program told = {
        .form = kept ? program->form : SESSION_PROGRAM_UNKNOWN,
        .api_bytes = (uint32_t)strlen(program->api),
        .platform_bytes = (uint32_t)strlen(program->platform),
        .device_bytes = (uint32_t)strlen(program->device),
        .driver_bytes = (uint32_t)strlen(program->driver),
        .options_bytes = (uint32_t)strlen(program->options),
        .code_bytes = kept ? program->code_bytes : 0,
    };
    uint64_t bytes = sizeof(told) + told.api_bytes + told.platform_bytes + told.device_bytes +
                     told.driver_bytes + told.options_bytes + told.code_bytes;
    uint8_t *at = journal_begin(journal, bytes);
    if (at == NULL)
        return;
    at = add_bytes(at, &told, sizeof(told));
    at = add_bytes(at, program->api, told.api_bytes);
    at = add_bytes(at, program->platform, told.platform_bytes);
    at = add_bytes(at, program->device, told.device_bytes);
    at = add_bytes(at, program->driver, told.driver_bytes);
    at = add_bytes(at, program->options, told.options_bytes);
    add_bytes(at, program->code, told.code_bytes);
    struct journal_entry entry =
        gpu_entry_now(taker->recording, SESSION_ENTRY_PROGRAM, SESSION_RING_UNKNOWN);
    taker->entry = journal_commit(journal, &entry);
}

static uint64_t hash_arguments(const struct gpu_launch *launch)
{
    uint64_t hash = launch->arguments_len;
    for (unsigned i = 0; i < launch->arguments_len; i++) {
        const struct gpu_argument *argument = &launch->arguments[i];
        hash = gpu_mix(hash, (uint64_t)argument->kind);
        hash = gpu_mix(hash, argument->buffer);
        hash = gpu_mix(hash, argument->offset);
        hash = gpu_mix(hash, argument->bytes);
        const uint8_t *value = argument->value;
        for (size_t at = 0; argument->kind == GPU_ARGUMENT_VALUE && at < argument->bytes; at++)
            hash = gpu_mix(hash, value[at]);
    }
    return hash;
}

static uint64_t value_bytes(const struct gpu_argument *argument)
{
    return argument->kind == GPU_ARGUMENT_VALUE ? argument->bytes : 0;
}

static uint64_t write_kernel(struct gpu_state *state, struct recording *recording, uint32_t ring,
                             const struct gpu_launch *launch, uint64_t program)
{
    struct session_kernel told = {
        .program = program,
        .name_bytes = (uint32_t)strlen(launch->kernel_name),
        .arguments = launch->arguments_len,
        .control_argument = state->settings->control_argument,
        .ring_argument = state->settings->ring_argument,
    };
    uint64_t name_room = (told.name_bytes + 7u) & ~UINT64_C(7);
    uint64_t values = 0;
    for (unsigned i = 0; i < launch->arguments_len; i++)
        values += value_bytes(&launch->arguments[i]);
    struct journal *journal = gpu_journal(recording, JOURNAL_PROGRAMS);
    uint64_t bytes =
        sizeof(told) + name_room + launch->arguments_len * sizeof(struct session_argument) + values;
    uint8_t *at = journal_begin(journal, bytes);
    if (at == NULL)
        return 0;
    memset(at, 0, bytes);
    memcpy(at, &told, sizeof(told));
    memcpy(at + sizeof(told), launch->kernel_name, told.name_bytes);
    at += sizeof(told) + name_room;
    uint8_t *value = at + launch->arguments_len * sizeof(struct session_argument);
    for (unsigned i = 0; i < launch->arguments_len; i++) {
        const struct gpu_argument *argument = &launch->arguments[i];
        const struct buffer *buffer = gpu_find_buffer(state, argument->buffer);
        /* The kinds have the same numbers. */
        struct session_argument one = {
            .kind = (uint32_t)argument->kind,
            .value_bytes = (uint32_t)value_bytes(argument),
            .buffer = argument->kind == GPU_ARGUMENT_BUFFER && buffer != NULL ? buffer->number : 0,
            .offset = argument->offset,
            .bytes = argument->kind == GPU_ARGUMENT_VALUE ? 0 : argument->bytes,
        };
        memcpy(at + i * sizeof(one), &one, sizeof(one));
        if (one.value_bytes > 0)
            memcpy(value, argument->value, one.value_bytes);
        value += one.value_bytes;
    }
    struct journal_entry entry = gpu_entry_now(recording, SESSION_ENTRY_KERNEL, ring);
    return journal_commit(journal, &entry);
}

_Static_assert((int)GPU_ARGUMENT_BUFFER == (int)SESSION_ARGUMENT_BUFFER &&
                   (int)GPU_ARGUMENT_VALUE == (int)SESSION_ARGUMENT_VALUE &&
                   (int)GPU_ARGUMENT_LOCAL == (int)SESSION_ARGUMENT_LOCAL &&
                   (int)GPU_ARGUMENT_OTHER == (int)SESSION_ARGUMENT_OTHER,
               "the session's kinds of arguments are the core's");

static uint64_t program_of(struct gpu_state *state, struct recording *recording,
                           const struct gpu_launch *launch)
{
    for (unsigned i = 0; i < KERNEL_ENTRIES; i++)
        if (state->kernel_entries[i].kernel == launch->kernel)
            return state->kernel_entries[i].program;
    struct taker taker = {.recording = recording};
    launch->tell_program(launch, take_program, &taker);
    return taker.entry;
}

/** The entry of a kernel with these arguments, written when they are new. */
static uint64_t kernel_entry(struct gpu_state *state, struct recording *recording, uint32_t ring,
                             const struct gpu_launch *launch)
{
    uint64_t hash = hash_arguments(launch);
    struct kernel_entry *known =
        &state->kernel_entries[gpu_mix(hash, launch->kernel) % KERNEL_ENTRIES];
    if (known->kernel == launch->kernel && known->arguments_hash == hash)
        return known->entry;
    uint64_t program = program_of(state, recording, launch);
    for (unsigned i = 0; i < launch->arguments_len; i++) {
        struct buffer *buffer = launch->arguments[i].kind == GPU_ARGUMENT_BUFFER
                                    ? gpu_find_buffer(state, launch->arguments[i].buffer)
                                    : NULL;
        if (buffer == NULL)
            continue;
        buffer->argument = true;
        gpu_record_first_contents(recording, buffer, ring);
    }
    *known = (struct kernel_entry){.kernel = launch->kernel,
                                   .arguments_hash = hash,
                                   .program = program,
                                   .entry = write_kernel(state, recording, ring, launch, program)};
    return known->entry;
}

void gpu_kernel_gone(uintptr_t kernel)
{
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    for (unsigned i = 0; i < KERNEL_ENTRIES; i++)
        if (state->kernel_entries[i].kernel == kernel)
            state->kernel_entries[i] = (struct kernel_entry){0};
    gpu_unlock(state);
}

/** A ring that the host writes without calls is looked at where it lies. */
static void look_at_shared_ring(struct gpu_state *state, struct megakernel *megakernel)
{
    const struct range *ring = &megakernel->buffers[VYRE_KERNEL_ARG_RING];
    struct buffer *buffer = gpu_find_buffer(state, ring->buffer);
    const uint8_t *host = buffer->memory == GPU_MEMORY_SHARED ? buffer->host : buffer->mapped;
    if (host == NULL)
        return;
    if (!state->told_shared) {
        state->told_shared = true;
        recorder_say("vrrl: the ring is in memory that the GPU shares with the host: of what is "
                     "published there only what lies there at a launch is recorded. Fix: publish "
                     "through a function, and name it with --publish-symbol.\n");
    }
    struct gpu_upload upload;
    gpu_upload_to_ring(state, &upload, buffer, NULL,
                       &(struct gpu_piece){ring->offset, host + ring->offset, ring->bytes}, 1);
    gpu_finish_publishes(state, ring->buffer, &upload.publishes, true);
    gpu_record_upload(state, &upload);
}

/** What a kernel may have written is not known any more; a ring has rules of its own.
 *  \param lost  it is no megakernel: what it writes is in no record */
static void forget_contents(struct gpu_state *state, const struct gpu_launch *launch, bool lost)
{
    for (unsigned i = 0; i < launch->arguments_len; i++) {
        const struct gpu_argument *argument = &launch->arguments[i];
        struct buffer *buffer =
            argument->kind == GPU_ARGUMENT_BUFFER ? gpu_find_buffer(state, argument->buffer) : NULL;
        if (buffer != NULL && !buffer->ring)
            gpu_forget(buffer, argument->offset, argument->bytes);
        if (buffer != NULL && lost)
            gpu_record_lost(state, buffer, argument->offset, argument->bytes);
    }
}

/** \return whether it is of a megakernel */
static bool begin(struct gpu_state *state, struct gpu_submit *submit,
                  const struct gpu_launch *launch)
{
    struct megakernel *megakernel = gpu_recognise(state, launch);
    if (megakernel != NULL) {
        /* Opened here, as its lanes may wait for what is published later. */
        struct recording *recording = gpu_recording_of(state, megakernel);
        look_at_shared_ring(state, megakernel);
        submit->megakernel = (unsigned)(megakernel - state->megakernels) + 1;
        submit->launch = ++megakernel->launches;
        megakernel->last_launch = submit->number = ++state->launches;
        megakernel->last_launches[submit->launch % LAUNCHES_REMEMBERED] =
            (struct launched){submit->number, false, launch->queue};
        if (recording != NULL && megakernel->numbered) {
            open_journals(state, recording);
            submit->position = log_total(recording->log);
            submit->time_ns = log_now(recording->log);
            submit->serial = recorder_serial(recording);
            if (gpu_journal(recording, JOURNAL_PROGRAMS) != NULL)
                submit->kernel_entry = kernel_entry(state, recording, megakernel->ring, launch);
            gpu_record_ring(state, recording, megakernel);
        }
    }
    forget_contents(state, launch, megakernel == NULL);
    return megakernel != NULL;
}

/** What a launch's buffers hold is known from what the API is told alone. */
static bool is_told_all(struct gpu_state *state, const struct gpu_launch *launch)
{
    for (unsigned i = 0; i < launch->arguments_len; i++) {
        const struct gpu_argument *argument = &launch->arguments[i];
        const struct buffer *buffer =
            argument->kind == GPU_ARGUMENT_BUFFER ? gpu_find_buffer(state, argument->buffer) : NULL;
        if (buffer != NULL &&
            (buffer->memory == GPU_MEMORY_SHARED || buffer->host != NULL || buffer->mapped != NULL))
            return false;
    }
    return true;
}

void gpu_launch_begin(struct gpu_submit *submit, const struct gpu_launch *launch)
{
    *submit = (struct gpu_submit){0};
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    if (begin(state, submit, launch)) {
        gpu_unlock(state);
    } else {
        if (state->launches == 0 && is_told_all(state, launch))
            submit->in_vain = gpu_known();
        gpu_unlock_as_it_was(state);
    }
    errno = saved;
}

static void write_submit(struct recording *recording, struct journal *journal,
                         struct megakernel *megakernel)
{
    const struct session_submit *submit = &megakernel->submit;
    struct journal_entry entry = megakernel->submit_entry;
    struct session_submit *told = journal_begin(journal, sizeof(*told));
    if (told == NULL)
        return;
    *told = *submit;
    megakernel->submit_at = journal->header->head;
    entry.type = SESSION_ENTRY_SUBMIT;
    entry.run = recording->run;
    entry.ring = megakernel->ring;
    journal_commit(journal, &entry);
}

static void record_submit(struct gpu_state *state, const struct gpu_submit *submit,
                          const struct gpu_launch *launch)
{
    struct recording *recording = recorder_opened();
    bool same = recording != NULL && recorder_serial(recording) == submit->serial;
    struct journal *journal = same ? gpu_journal(recording, JOURNAL_SUBMITS) : NULL;
    if (journal == NULL)
        return;
    struct megakernel *megakernel = &state->megakernels[submit->megakernel - 1];
    struct session_submit *told = &megakernel->submit;
    *told = (struct session_submit){.kernel = submit->kernel_entry,
                                    .launch = submit->launch,
                                    .queue = launch->queue,
                                    .dimensions = launch->dimensions};
    for (unsigned i = 0; i < launch->dimensions && i < 3; i++) {
        told->global_offset[i] = launch->global_offset[i];
        told->global_size[i] = launch->global_size[i];
        told->local_size[i] = launch->local_size[i];
    }
    megakernel->submit_entry =
        (struct journal_entry){.position = submit->position, .time_ns = submit->time_ns};
    write_submit(recording, journal, megakernel);
}

void gpu_keep_submit(struct recording *recording, struct megakernel *megakernel)
{
    struct journal *journal = gpu_journal(recording, JOURNAL_SUBMITS);
    if (journal != NULL && megakernel->submit.launch > megakernel->completed &&
        megakernel->submit_at < journal->header->tail) {
        megakernel->submit.done = megakernel->done;
        megakernel->submit_entry.flags = megakernel->done_known ? JOURNAL_ENTRY_COUNTED : 0;
        megakernel->submit_entry.position = log_total(recording->log);
        megakernel->submit_entry.time_ns = log_now(recording->log);
        write_submit(recording, journal, megakernel);
    }
}

void gpu_launch_end(struct gpu_submit *submit, const struct gpu_launch *launch, bool made)
{
    if (submit->number == 0 || (submit->time_ns == 0 && made))
        return;
    int saved = errno;
    struct gpu_state *state = gpu_lock_known();
    if (state == NULL)
        return;
    if (made)
        record_submit(state, submit, launch);
    else
        gpu_complete(state,
                     &(struct gpu_order){1, {{launch->queue, submit->number, submit->number}}});
    gpu_unlock(state);
    errno = saved;
}
