#include "attach/injection.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attach/carry.h"
#include "panel/panel.h"

#define MILLISECONDS_DEFAULT 2000u
#define REFERENCES_MAX 256u
/** The function of the shim that wakes it. */
#define WAKE "vrrl_preload_wake"
/** Hosts often wait in these, or call them often; of libvyre_runtime and of OpenCL. */
static const char *const hooked[] = {
    "vyre_publish_slot",       "vyre_batch_publish",
    "vyre_publish_work_items", "vyre_publish_packed_slot",
    "vyre_read_epoch",         "clEnqueueNDRangeKernel",
    "clEnqueueWriteBuffer",    "clSetKernelArg",
    "clEnqueueReadBuffer",     "clFinish",
    "clWaitForEvents",         "clGetEventInfo",
    "clEnqueueMapBuffer",      "clEnqueueUnmapMemObject",
    "clEnqueueSVMMemcpy",      "clEnqueueCopyBuffer",
    "clEnqueueFillBuffer",     "clCreateBuffer",
    "clReleaseMemObject",      "clCreateKernel",
};

#define HOOKED_LEN (sizeof(hooked) / sizeof(hooked[0]))
#define FUNCTIONS_MAX 16u

uint64_t injection_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void list_names(const struct attach_request *request,
                       const char *names[HOOKED_LEN + FUNCTIONS_MAX + 1])
{
    size_t len = 0;
    for (size_t i = 0; request->functions != NULL && request->functions[i] != NULL; i++)
        if (len < FUNCTIONS_MAX)
            names[len++] = request->functions[i];
    for (size_t i = 0; i < HOOKED_LEN; i++)
        names[len++] = hooked[i];
    names[len] = NULL;
}

static bool is_entry(const struct injection *injection, uint64_t value)
{
    uint64_t entries = injection->place.stub + STUB_PARAMETERS_BYTES;
    return value >= entries && value < entries + (uint64_t)STUB_ENTRIES * STUB_ENTRY_BYTES;
}

/** An entry for an original: one that has it, or one that never had any. */
static bool find_entry(struct injection *injection, uint64_t original, unsigned *entry)
{
    for (unsigned i = 0; i < STUB_ENTRIES; i++) {
        *entry = i;
        if (injection->parameters.originals[i] == original)
            return true;
        if (injection->parameters.originals[i] != 0)
            continue;
        injection->parameters.originals[i] = original;
        return true;
    }
    return false;
}

static void plan_trap(struct injection *injection, const struct reference *reference)
{
    const struct target *target = injection->target;
    struct trap *trap = &injection->traps[injection->traps_len];
    uint64_t value;
    if (injection->traps_len == STUB_ENTRIES || reference->object == target->shim ||
        !memory_read(&target->memory, reference->at, &value, sizeof(value)))
        return;
    *trap = (struct trap){.at = reference->at, .original = value};
    /* A tracer was killed before it could put it back. */
    if (is_entry(injection, value)) {
        trap->entry =
            (unsigned)((value - injection->place.stub - STUB_PARAMETERS_BYTES) / STUB_ENTRY_BYTES);
        trap->original = injection->parameters.originals[trap->entry];
        trap->is_set = true;
        injection->traps_len++;
        return;
    }
    const struct mapping *mapping = mappings_find(&target->mappings, value);
    if (mapping != NULL && mapping->executable && find_entry(injection, value, &trap->entry))
        injection->traps_len++;
}

static bool plan_call(struct injection *injection, struct attach_error *error)
{
    const struct target *target = injection->target;
    struct stub_parameters *parameters = &injection->parameters;
    stub_prepare(parameters);
    parameters->words = injection->place.words;
    parameters->path = injection->place.path;
    parameters->mode = RTLD_NOW;
    parameters->errno_location = target->errno_location;
    parameters->function = target->dlopen;
    parameters->explain = target->dlerror;
    parameters->find = target->dlsym;
    parameters->name = injection->place.path + strlen(injection->name) + 1;
    parameters->file_name = 0;
    if (target->shim == NULL && target->needs_carrying) {
        parameters->file_name = injection->place.path;
        parameters->path = injection->place.words + offsetof(struct stub_words, path);
    }
    if (target->shim == NULL)
        return true;
    parameters->function = object_function(target->shim, WAKE);
    parameters->explain = 0;
    parameters->find = 0;
    if (parameters->function == 0)
        target_fail(error, target->pid,
                    "the shim in it is of another version of vrrl. Fix: use "
                    "that version, or start the job anew.");
    return parameters->function != 0;
}

bool injection_plan(struct target *target, const struct attach_request *request,
                    struct injection *injection, struct attach_error *error)
{
    const char *names[HOOKED_LEN + FUNCTIONS_MAX + 1];
    struct reference references[REFERENCES_MAX];
    unsigned milliseconds =
        request->milliseconds == 0 ? MILLISECONDS_DEFAULT : request->milliseconds;
    *injection = (struct injection){
        .target = target,
        .shim = request->shim,
        .name = target->needs_carrying ? PANEL_SHIM : request->shim,
    };
    injection->deadline_ns = injection_now_ns() + milliseconds * UINT64_C(1000000);
    list_names(request, names);
    size_t len = objects_references(&target->objects, names, references, REFERENCES_MAX);
    struct place *place = &injection->place;
    if (!padding_find(target, references, len, injection->name, sizeof(WAKE), place)) {
        target_fail(
            error, target->pid,
            "behind the text or the data of its program, C library and dynamic linker is not room "
            "enough for %zu bytes. Fix: start the job with 'vrrl record'.",
            (size_t)(stub_end - stub_begin));
        return false;
    }
    if (place->is_there && !memory_read(&target->memory, place->stub, &injection->parameters,
                                        sizeof(injection->parameters))) {
        target_fail(error, target->pid, "it has just ended. Fix: give a process that runs.");
        return false;
    }
    for (size_t i = 0; i < len; i++)
        plan_trap(injection, &references[i]);
    return plan_call(injection, error);
}

/** The code before what leads to it; what is there already stays. */
static bool write_code(const struct injection *injection)
{
    const struct memory *memory = &injection->target->memory;
    return injection->place.is_there ||
           memory_write(memory, injection->place.stub + STUB_PARAMETERS_BYTES,
                        stub_begin + STUB_PARAMETERS_BYTES,
                        (size_t)(stub_end - stub_begin) - STUB_PARAMETERS_BYTES);
}

/** The path of the shim, and the name of what is called in it. */
static bool write_texts(const struct injection *injection)
{
    const struct memory *memory = &injection->target->memory;
    size_t bytes = strlen(injection->name) + 1;
    return memory_write(memory, injection->place.path, injection->name, bytes) &&
           memory_write(memory, injection->place.path + bytes, WAKE, sizeof(WAKE));
}

bool injection_write(struct injection *injection)
{
    const struct target *target = injection->target;
    const struct stub_words none = {.state = STUB_OFF};
    return write_code(injection) && write_texts(injection) &&
           (injection->place.is_there ||
            memory_write(&target->memory, injection->place.words, &none, sizeof(none))) &&
           memory_write(&target->memory, injection->place.stub, &injection->parameters,
                        sizeof(injection->parameters));
}

/** What a thread waits for in some of the states. */
static void serve(struct injection *injection, const struct stub_words *words)
{
    const struct memory *memory = &injection->target->memory;
    const uint32_t served = 1;
    bool done = true;
    if (words->state == STUB_EXPLAINING &&
        !memory_read_string(memory, words->error, injection->reason, sizeof(injection->reason)))
        injection->reason[0] = '\0';
    if (words->state == STUB_FILLING)
        done = carry_fill(injection, words);
    if (done)
        memory_write(memory, injection->place.words + WORDS_SERVED, &served, sizeof(served));
}

bool injection_read(struct injection *injection, struct stub_words *words)
{
    if (!memory_read(&injection->target->memory, injection->place.words, words, sizeof(*words)))
        return false;
    if ((words->state == STUB_FILLING || words->state == STUB_EXPLAINING) && words->served == 0)
        serve(injection, words);
    return true;
}

bool injection_set_state(const struct injection *injection, uint32_t state)
{
    return memory_write(&injection->target->memory, injection->place.words, &state, sizeof(state));
}

int injection_finish(const struct injection *injection, const struct stub_words *words,
                     struct attach_error *error)
{
    bool was_carried = injection->parameters.file_name != 0;
    if (words->state == STUB_LOADED)
        return 0;
    const char *fault = was_carried ? carry_fault(words) : NULL;
    if (fault != NULL)
        target_fail(error, injection->target->pid,
                    "it cannot open the shim's file, and it could not be handed one in memory: %s. "
                    "Fix: see to that, then attach again; the job runs on as before.",
                    fault);
    else
        target_fail(error, injection->target->pid,
                    "the shim was not loaded: %s. Fix: see to that%s, then attach again; the job "
                    "runs on as before.",
                    injection->reason[0] == '\0' ? "it did not say why" : injection->reason,
                    was_carried ? ", or use a vrrl that was built for the C library in there" : "");
    return -1;
}
