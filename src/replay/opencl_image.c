#include "replay/opencl_image.h"

#include <stdlib.h>
#include <string.h>

#include "replay/opencl_device.h"
#include "replay/program_cache.h"

static bool text_is(struct session_text text, const char *other)
{
    return text.bytes == strlen(other) && memcmp(text.text, other, text.bytes) == 0;
}

static bool is_of_device(const struct timeline_program *program, cl_device_id device)
{
    char name[256] = "";
    char driver[256] = "";
    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof(name) - 1, name, NULL);
    clGetDeviceInfo(device, CL_DRIVER_VERSION, sizeof(driver) - 1, driver, NULL);
    return text_is(program->device, name) && text_is(program->driver, driver);
}

static bool takes_il(cl_device_id device)
{
    char version[256] = "";
    return clGetDeviceInfo(device, CL_DEVICE_IL_VERSION, sizeof(version) - 1, version, NULL) ==
               CL_SUCCESS &&
           version[0] != '\0';
}

#define FIX_BUILTIN                                                                                \
    "Fix: choose that device with --device, or replay on the built-in megakernel with --kernel "   \
    "builtin, which need not do what the recorded one did."

/** Create a program that is no source. */
static bool create_program(const struct opencl_image *loaded,
                           const struct timeline_program *program, cl_program *created,
                           struct replay_error *error)
{
    const unsigned char *code = program->code;
    size_t bytes = program->code_bytes;
    int device_bytes = (int)(program->device.bytes < 200 ? program->device.bytes : 200);
    cl_int result = CL_SUCCESS;
    cl_int status = CL_SUCCESS;
    switch (program->form) {
    case SESSION_PROGRAM_IL:
        if (!takes_il(loaded->device))
            return replay_fail(error, "the program was recorded in an intermediate language "
                                      "(SPIR-V), which this device does not take. " FIX_BUILTIN);
        *created = clCreateProgramWithIL(loaded->context, code, bytes, &result);
        return opencl_check(result, "clCreateProgramWithIL", error);
    case SESSION_PROGRAM_BINARY:
        if (!is_of_device(program, loaded->device))
            return replay_fail(error,
                               "the program was recorded as a binary for %.*s, and this device "
                               "or its driver is another one. " FIX_BUILTIN,
                               device_bytes, program->device.text);
        *created = clCreateProgramWithBinary(loaded->context, 1, &loaded->device, &bytes, &code,
                                             &status, &result);
        return opencl_check(result, "clCreateProgramWithBinary", error);
    default:
        return replay_fail(error, "the session does not have the program, since the driver did not "
                                  "tell it or it was too large. " FIX_BUILTIN);
    }
}

static bool load_program(struct opencl_image *loaded, uint32_t index,
                         const struct timeline_program *program, struct replay_error *error)
{
    cl_program *created = &loaded->programs[index];
    char *options = strndup(program->options.text, program->options.bytes);
    if (options == NULL)
        return replay_fail_memory(error);
    cl_int code;
    if (program->form == SESSION_PROGRAM_SOURCE) {
        code = program_cache_build(loaded->context, loaded->device, program->code,
                                   program->code_bytes, options, created, NULL);
    } else if (create_program(loaded, program, created, error)) {
        code = clBuildProgram(*created, 1, &loaded->device, options, NULL, NULL);
    } else {
        free(options);
        return false;
    }
    free(options);
    return code == CL_SUCCESS || opencl_fail_build(loaded->device, *created, code, error);
}

static bool create_buffer(struct opencl_image *loaded, uint32_t index, uint64_t bytes,
                          cl_command_queue queue, struct replay_error *error)
{
    cl_ulong most = 0;
    cl_int code =
        clGetDeviceInfo(loaded->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(most), &most, NULL);
    if (!opencl_check(code, "clGetDeviceInfo", error))
        return false;
    if (bytes > most)
        return replay_fail(error,
                           "a buffer of this log is %llu bytes and the device takes %llu. "
                           "Fix: choose another device with --device.",
                           (unsigned long long)bytes, (unsigned long long)most);
    /* Filled as words. */
    size_t room = (size_t)(bytes + 3) / 4 * 4;
    loaded->buffers[index] = clCreateBuffer(loaded->context, CL_MEM_READ_WRITE, room, NULL, &code);
    if (code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES ||
        code == CL_OUT_OF_HOST_MEMORY)
        return replay_fail(error,
                           "the device has no room for a buffer of %llu bytes. "
                           "Fix: choose another device with --device.",
                           (unsigned long long)bytes);
    if (!opencl_check(code, "clCreateBuffer", error))
        return false;
    cl_uint zero = 0;
    code = clEnqueueFillBuffer(queue, loaded->buffers[index], &zero, sizeof(zero), 0, room, 0, NULL,
                               NULL);
    return opencl_check(code, "clEnqueueFillBuffer", error);
}

/** The memory of an argument: a whole buffer, or a part of one. */
static bool find_memory(struct opencl_image *loaded, const struct timeline_range *range,
                        uint64_t buffer_bytes, cl_mem *memory, struct replay_error *error)
{
    *memory = loaded->buffers[range->buffer];
    if (range->offset == 0 && range->bytes == buffer_bytes)
        return true;
    cl_buffer_region region = {(size_t)range->offset, (size_t)range->bytes};
    cl_int code;
    cl_mem part =
        clCreateSubBuffer(*memory, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (code == CL_MISALIGNED_SUB_BUFFER_OFFSET)
        return replay_fail(error,
                           "an argument begins at byte %llu of its buffer, where none may begin on "
                           "this device. Fix: choose another device with --device.",
                           (unsigned long long)range->offset);
    if (!opencl_check(code, "clCreateSubBuffer", error))
        return false;
    loaded->parts[loaded->parts_len++] = part;
    *memory = part;
    return true;
}

static bool set_argument(struct opencl_image *loaded, const struct backend_image *image,
                         uint32_t kernel, uint32_t index, struct replay_error *error)
{
    const struct timeline_argument *argument = &image->kernels[kernel].arguments[index];
    cl_mem memory;
    cl_int code = CL_SUCCESS;
    switch (argument->kind) {
    case SESSION_ARGUMENT_BUFFER:
        if (!find_memory(loaded, &argument->range, image->buffers[argument->range.buffer].bytes,
                         &memory, error))
            return false;
        code = clSetKernelArg(loaded->kernels[kernel], index, sizeof(cl_mem), &memory);
        break;
    case SESSION_ARGUMENT_VALUE:
        code = clSetKernelArg(loaded->kernels[kernel], index, (size_t)argument->bytes,
                              argument->value);
        break;
    case SESSION_ARGUMENT_LOCAL:
        code = clSetKernelArg(loaded->kernels[kernel], index, (size_t)argument->bytes, NULL);
        break;
    default:
        return replay_fail(error,
                           "argument %u of kernel %.100s is an image, a sampler or the like, which "
                           "a session does not have. " FIX_BUILTIN,
                           index, image->kernels[kernel].name);
    }
    if (code == CL_SUCCESS)
        return true;
    return replay_fail(error,
                       "kernel %.100s does not take argument %u as it was recorded (OpenCL error "
                       "%d). Fix: use the session that was recorded with this log.",
                       image->kernels[kernel].name, index, code);
}

static bool load_kernel(struct opencl_image *loaded, const struct backend_image *image,
                        uint32_t index, struct replay_error *error)
{
    const struct timeline_kernel *kernel = &image->kernels[index];
    cl_int code;
    loaded->kernels[index] = clCreateKernel(loaded->programs[kernel->program], kernel->name, &code);
    if (code == CL_INVALID_KERNEL_NAME)
        return replay_fail(error,
                           "the program has no kernel %.100s. Fix: use the session that was "
                           "recorded with this log.",
                           kernel->name);
    if (!opencl_check(code, "clCreateKernel", error))
        return false;
    cl_uint arguments = 0;
    code = clGetKernelInfo(loaded->kernels[index], CL_KERNEL_NUM_ARGS, sizeof(arguments),
                           &arguments, NULL);
    if (!opencl_check(code, "clGetKernelInfo", error))
        return false;
    if (arguments != kernel->arguments_len)
        return replay_fail(error,
                           "kernel %.100s takes %u arguments, and %u were recorded. Fix: use the "
                           "session that was recorded with this log.",
                           kernel->name, arguments, kernel->arguments_len);
    for (uint32_t i = 0; i < kernel->arguments_len; i++)
        if (!set_argument(loaded, image, index, i, error))
            return false;
    return true;
}

static bool make_room(struct opencl_image *loaded, const struct backend_image *image)
{
    uint32_t parts = 0;
    for (uint32_t i = 0; i < image->kernels_len; i++)
        parts += image->kernels[i].arguments_len;
    loaded->programs = calloc(image->programs_len + 1, sizeof(cl_program));
    loaded->kernels = calloc(image->kernels_len + 1, sizeof(cl_kernel));
    loaded->buffers = calloc(image->buffers_len + 1, sizeof(cl_mem));
    loaded->parts = calloc(parts + 1, sizeof(cl_mem));
    loaded->programs_len = image->programs_len;
    loaded->kernels_len = image->kernels_len;
    loaded->buffers_len = image->buffers_len;
    return loaded->programs != NULL && loaded->kernels != NULL && loaded->buffers != NULL &&
           loaded->parts != NULL;
}

bool opencl_image_load(struct opencl_image *loaded, cl_context context, cl_device_id device,
                       cl_command_queue queue, const struct backend_image *image,
                       struct replay_error *error)
{
    *loaded = (struct opencl_image){.device = device, .context = context};
    if (!make_room(loaded, image)) {
        opencl_image_free(loaded);
        return replay_fail_memory(error);
    }
    for (uint32_t i = 0; i < image->programs_len; i++)
        if (!load_program(loaded, i, &image->programs[i], error))
            return false;
    for (uint32_t i = 0; i < image->buffers_len; i++)
        if (!create_buffer(loaded, i, image->buffers[i].bytes, queue, error))
            return false;
    for (uint32_t i = 0; i < image->kernels_len; i++)
        if (!load_kernel(loaded, image, i, error))
            return false;
    for (uint32_t role = 0; role < TIMELINE_ROLES; role++) {
        const struct timeline_range *range = &image->roles[role];
        loaded->roles[role] =
            range->buffer == TIMELINE_NONE ? NULL : loaded->buffers[range->buffer];
        loaded->role_offsets[role] = (size_t)range->offset;
    }
    return opencl_group_lanes(device, loaded->kernels[0], &loaded->group_lanes, error);
}

bool opencl_image_launch(const struct opencl_image *loaded, cl_command_queue queue,
                         const struct timeline_submit *submit, struct replay_error *error)
{
    size_t offset[3];
    size_t global[3];
    size_t local[3];
    for (uint32_t i = 0; i < 3; i++) {
        offset[i] = (size_t)submit->global_offset[i];
        global[i] = (size_t)submit->global_size[i];
        local[i] = (size_t)submit->local_size[i];
    }
    cl_int code =
        clEnqueueNDRangeKernel(queue, loaded->kernels[submit->kernel], submit->dimensions, offset,
                               global, local[0] == 0 ? NULL : local, 0, NULL, NULL);
    if (code == CL_INVALID_WORK_GROUP_SIZE || code == CL_INVALID_WORK_ITEM_SIZE)
        return replay_fail(error,
                           "launch %llu has work-groups of a size that this device does not take. "
                           "Fix: choose another device with --device.",
                           (unsigned long long)submit->launch);
    return opencl_check(code, "clEnqueueNDRangeKernel", error);
}

void opencl_image_free(struct opencl_image *loaded)
{
    for (uint32_t i = 0; i < loaded->parts_len; i++)
        clReleaseMemObject(loaded->parts[i]);
    for (uint32_t i = 0; loaded->buffers != NULL && i < loaded->buffers_len; i++)
        if (loaded->buffers[i] != NULL)
            clReleaseMemObject(loaded->buffers[i]);
    for (uint32_t i = 0; loaded->kernels != NULL && i < loaded->kernels_len; i++)
        if (loaded->kernels[i] != NULL)
            clReleaseKernel(loaded->kernels[i]);
    for (uint32_t i = 0; loaded->programs != NULL && i < loaded->programs_len; i++)
        if (loaded->programs[i] != NULL)
            clReleaseProgram(loaded->programs[i]);
    free(loaded->parts);
    free(loaded->buffers);
    free(loaded->kernels);
    free(loaded->programs);
    memset(loaded, 0, sizeof(*loaded));
}
