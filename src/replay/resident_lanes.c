#include "replay/resident_lanes.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/megakernel.h"

/** Groups that did not come for so long do not run beside those that came. */
#define MUSTER_NS 20000000

_Static_assert(RESIDENT_GROUP_LANES_MAX == OPENCL_GROUP_LANES, "a group has room for its lanes");

/** Looks, some microseconds, before the processor is offered to others; and offers before it is
 * left to them: a lane of a CPU device may wait for that. */
#define LOOKS 1000u
#define OFFERS 50u
#define PAUSE_NS 20000

/** A CPU driver may give several groups to one thread, one after another: with so many for each
 *  thread, all threads get some. */
#define GROUPS_PER_THREAD 4u

bool resident_lanes_open(const char *choice, char name[256], struct opencl_device *device,
                         cl_command_queue *feed, cl_command_queue *looking,
                         struct replay_error *error)
{
    cl_int code;
    if (!opencl_open(choice, name, device, error))
        return false;
    *feed = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (code == CL_SUCCESS)
        *looking = clCreateCommandQueue(device->context, device->id, 0, &code);
    return opencl_check(code, "clCreateCommandQueue", error);
}

void resident_lanes_words(const struct backend_image *image, size_t words[TIMELINE_ROLES])
{
    words[VYRE_KERNEL_ARG_CONTROL] = image->control_words;
    words[VYRE_KERNEL_ARG_RING] = (size_t)image->ring_slots * VYRE_SLOT_WORDS;
    words[VYRE_KERNEL_ARG_DEBUG_LOG] = VYRE_DEBUG_LOG_WORDS;
    words[VYRE_KERNEL_ARG_IO_QUEUE] = VYRE_IO_QUEUE_WORDS;
}

static unsigned major_version(const struct opencl_device *device)
{
    char version[128] = "";
    clGetDeviceInfo(device->id, CL_DEVICE_VERSION, sizeof(version) - 1, version, NULL);
    unsigned major = 1;
    sscanf(version, "OpenCL %u", &major);
    return major;
}

/** Options of the image, but for the version of the language, and ours. */
static void set_options(const struct timeline_program *program, const char *standard,
                        enum resident_meeting meeting, char *options, size_t size)
{
    static const char *const ours[] = {[RESIDENT_BY_COPIES] = "",
                                       [RESIDENT_SHARED] = " -DRESIDENT_ALL_DEVICES",
                                       [RESIDENT_IN_HOST] = " -DRESIDENT_REACHED"};
    char given[256];
    snprintf(given, sizeof(given), "%.*s", (int)program->options.bytes, program->options.text);
    const char *rest = strchr(given, ' ');
    snprintf(options, size, "-cl-std=%s%s%s", standard, rest != NULL ? rest : "", ours[meeting]);
}

static bool build(struct resident_lanes *lanes, const struct timeline_program *program,
                  enum resident_meeting meeting, struct replay_error *error)
{
    bool by_copies = meeting == RESIDENT_BY_COPIES;
    char options[512];
    unsigned major = major_version(lanes->device);
    size_t len = program->code_bytes + resident_source_len;
    char *source = malloc(len);
    if (source == NULL)
        return replay_fail_memory(error);
    memcpy(source, program->code, program->code_bytes);
    memcpy(source + program->code_bytes, resident_source, resident_source_len);
    set_options(program,
                major >= 3   ? "CL3.0"
                : !by_copies ? "CL2.0"
                             : "CL1.2",
                meeting, options, sizeof(options));
    bool built = opencl_build(lanes->device, source, len, options, &lanes->program, error);
    if (!built && major >= 3 && by_copies) {
        /* Of 3.0 all that is new is optional, and some of it may be there by name alone. */
        set_options(program, "CL1.2", meeting, options, sizeof(options));
        built = opencl_build(lanes->device, source, len, options, &lanes->program, error);
    }
    free(source);
    if (!built)
        return false;
    cl_int code;
    lanes->kernel = clCreateKernel(
        lanes->program, meeting == RESIDENT_IN_HOST ? "vyre_resident_reached" : "vyre_resident",
        &code);
    return opencl_check(code, "clCreateKernel", error);
}

static bool fit(struct resident_lanes *lanes, uint32_t ring_slots, struct replay_error *error)
{
    cl_device_type type = 0;
    cl_uint units = 1;
    cl_int code = clGetDeviceInfo(lanes->device->id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    if (code == CL_SUCCESS)
        code = clGetDeviceInfo(lanes->device->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(units),
                               &units, NULL);
    if (!opencl_check(code, "clGetDeviceInfo", error))
        return false;
    if (type & CL_DEVICE_TYPE_CPU) {
        /* A thread runs the lanes of a group one after another: a second lane would never begin. */
        lanes->group_lanes = 1;
        lanes->groups_wanted = units > 1 ? units - 1 : 1;
        lanes->groups = lanes->groups_wanted > 1 ? units * GROUPS_PER_THREAD : 1;
        return true;
    }
    if (!opencl_group_lanes(lanes->device->id, lanes->kernel, &lanes->group_lanes, error))
        return false;
    lanes->groups = (uint32_t)((ring_slots + lanes->group_lanes - 1) / lanes->group_lanes);
    lanes->groups_wanted = lanes->groups;
    return true;
}

bool resident_lanes_load(struct resident_lanes *lanes, const struct opencl_device *device,
                         const struct backend_image *image, enum resident_meeting meeting,
                         uint32_t patience, struct replay_error *error)
{
    if (!image->builtin)
        return replay_fail(error, "only the built-in megakernel can be made resident. Fix: add "
                                  "--kernel builtin, or use --mode batch.");
    lanes->device = device;
    cl_int code;
    lanes->queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (!opencl_check(code, "clCreateCommandQueue", error) ||
        !build(lanes, image->programs, meeting, error) || !fit(lanes, image->ring_slots, error))
        return false;
    const cl_uint words = image->control_words;
    const cl_uint slots = image->ring_slots;
    cl_int codes[] = {
        clSetKernelArg(lanes->kernel, RESIDENT_ARG_CONTROL_WORDS, sizeof(words), &words),
        clSetKernelArg(lanes->kernel, RESIDENT_ARG_RING_SLOTS, sizeof(slots), &slots),
        clSetKernelArg(lanes->kernel, RESIDENT_ARG_PATIENCE, sizeof(patience), &patience),
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (!opencl_check(codes[i], "clSetKernelArg", error))
            return false;
    }
    return true;
}

bool resident_lanes_launch(struct resident_lanes *lanes, struct replay_error *error)
{
    size_t all = lanes->groups * lanes->group_lanes;
    cl_int code = clEnqueueNDRangeKernel(lanes->queue, lanes->kernel, 1, NULL, &all,
                                         &lanes->group_lanes, 0, NULL, &lanes->launch);
    return opencl_check(code, "clEnqueueNDRangeKernel", error) &&
           opencl_check(clFlush(lanes->queue), "clFlush", error);
}

bool resident_lanes_ended(struct resident_lanes *lanes, bool *ended, struct replay_error *error)
{
    *ended = lanes->launch == NULL;
    if (*ended)
        return true;
    cl_int status;
    cl_int code = clGetEventInfo(lanes->launch, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status),
                                 &status, NULL);
    if (!opencl_check(code, "clGetEventInfo", error) ||
        (status < 0 && !opencl_check(status, "the resident kernel", error)))
        return false;
    if (status == CL_COMPLETE) {
        clReleaseEvent(lanes->launch);
        lanes->launch = NULL;
        *ended = true;
    }
    return true;
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

bool resident_lanes_muster(struct resident_lanes *lanes,
                           bool (*enlisted)(void *context, uint32_t *count,
                                            struct replay_error *error),
                           void *context, uint32_t *groups, struct replay_error *error)
{
    uint32_t before = 0;
    int64_t since = now_ns();
    for (bool ended = false;;) {
        uint32_t count;
        if (!enlisted(context, &count, error))
            return false;
        if (count >= lanes->groups_wanted) {
            *groups = lanes->groups_wanted;
            return true;
        }
        if (count != before) {
            before = count;
            since = now_ns();
        } else if (count > 0 && now_ns() - since > MUSTER_NS) {
            *groups = count;
            return true;
        }
        if (ended)
            return replay_fail(error, "the resident kernel ended before it had begun. "
                                      "Fix: use --mode batch, or choose another device with "
                                      "--device.");
        if (!resident_lanes_ended(lanes, &ended, error))
            return false;
        const struct timespec pause = {.tv_nsec = 20000};
        nanosleep(&pause, NULL);
    }
}

bool resident_lanes_pause(uint32_t looks)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    if (looks % LOOKS != 0)
        return false;
    if (looks <= LOOKS * OFFERS)
        sched_yield();
    else
        nanosleep(&pause, NULL);
    return true;
}

void resident_lanes_close(struct resident_lanes *lanes)
{
    if (lanes->launch != NULL) {
        clWaitForEvents(1, &lanes->launch);
        clReleaseEvent(lanes->launch);
    }
    if (lanes->kernel != NULL)
        clReleaseKernel(lanes->kernel);
    if (lanes->program != NULL)
        clReleaseProgram(lanes->program);
    if (lanes->queue != NULL)
        clReleaseCommandQueue(lanes->queue);
}
