/*
 * Launches of kernels, and what OpenCL tells of the programs behind them.
 */
#include <string.h>
#include <sys/mman.h>

#include "capture/opencl_checkpoint.h"
#include "capture/opencl_launches.h"
#include "session/entries.h"

#define TEXT_BYTES 1024u
/** Devices of one program that are told apart. */
#define DEVICES_MAX 64u

/** Memory for the code of a program, while it is told. */
struct code {
    void *bytes;
    size_t count;
};

static struct code make_room(size_t count)
{
    struct code code = {.count = count};
    code.bytes = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code.bytes == MAP_FAILED)
        code = (struct code){0};
    return code;
}

static void release(struct code *code)
{
    if (code->bytes != NULL)
        munmap(code->bytes, code->count);
}

/** Source or IL.  \return nothing when the program has none */
static struct code ask_code(cl_program program, cl_program_info what)
{
    __typeof__(&clGetProgramInfo) get_info = OPENCL_ORIGINAL(clGetProgramInfo);
    size_t size = 0;
    if (get_info == NULL || get_info(program, what, 0, NULL, &size) != CL_SUCCESS || size <= 1 ||
        size > SESSION_PROGRAM_BYTES_MAX)
        return (struct code){0};
    struct code code = make_room(size);
    if (code.bytes != NULL && get_info(program, what, size, code.bytes, NULL) != CL_SUCCESS) {
        release(&code);
        return (struct code){0};
    }
    return code;
}

/** The binary of one device: OpenCL copies those of all, or of none whose address is NULL. */
static struct code ask_binary(cl_program program, cl_device_id device)
{
    __typeof__(&clGetProgramInfo) get_info = OPENCL_ORIGINAL(clGetProgramInfo);
    cl_device_id devices[DEVICES_MAX];
    size_t sizes[DEVICES_MAX];
    unsigned char *binaries[DEVICES_MAX] = {NULL};
    size_t size = 0;
    if (get_info == NULL ||
        get_info(program, CL_PROGRAM_DEVICES, sizeof(devices), devices, &size) != CL_SUCCESS ||
        get_info(program, CL_PROGRAM_BINARY_SIZES, sizeof(sizes), sizes, NULL) != CL_SUCCESS)
        return (struct code){0};
    for (size_t i = 0; i < size / sizeof(cl_device_id); i++) {
        if (devices[i] != device || sizes[i] == 0 || sizes[i] > SESSION_PROGRAM_BYTES_MAX)
            continue;
        struct code code = make_room(sizes[i]);
        binaries[i] = code.bytes;
        if (code.bytes != NULL && get_info(program, CL_PROGRAM_BINARIES,
                                           size / sizeof(cl_device_id) * sizeof(unsigned char *),
                                           binaries, NULL) != CL_SUCCESS) {
            release(&code);
            return (struct code){0};
        }
        return code;
    }
    return (struct code){0};
}

static void ask_device(cl_device_id device, cl_device_info what, char text[TEXT_BYTES])
{
    __typeof__(&clGetDeviceInfo) get_info = OPENCL_ORIGINAL(clGetDeviceInfo);
    if (get_info == NULL || get_info(device, what, TEXT_BYTES, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
}

static void ask_platform(cl_device_id device, char text[TEXT_BYTES])
{
    __typeof__(&clGetDeviceInfo) get_device = OPENCL_ORIGINAL(clGetDeviceInfo);
    __typeof__(&clGetPlatformInfo) get_platform = OPENCL_ORIGINAL(clGetPlatformInfo);
    cl_platform_id platform;
    if (get_device == NULL || get_platform == NULL ||
        get_device(device, CL_DEVICE_PLATFORM, sizeof(cl_platform_id), &platform, NULL) !=
            CL_SUCCESS ||
        get_platform(platform, CL_PLATFORM_NAME, TEXT_BYTES, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
}

static void ask_options(cl_program program, cl_device_id device, char text[TEXT_BYTES])
{
    __typeof__(&clGetProgramBuildInfo) get_info = OPENCL_ORIGINAL(clGetProgramBuildInfo);
    if (get_info == NULL ||
        get_info(program, device, CL_PROGRAM_BUILD_OPTIONS, TEXT_BYTES, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
}

static void tell_program(const struct gpu_launch *launch,
                         void (*take)(void *taker, const struct gpu_program *program), void *taker)
{
    __typeof__(&clGetKernelInfo) get_kernel = OPENCL_ORIGINAL(clGetKernelInfo);
    __typeof__(&clGetCommandQueueInfo) get_queue = OPENCL_ORIGINAL(clGetCommandQueueInfo);
    char platform[TEXT_BYTES] = "";
    char device_name[TEXT_BYTES] = "";
    char driver[TEXT_BYTES] = "";
    char options[TEXT_BYTES] = "";
    struct gpu_program told = {.api = "OpenCL",
                               .platform = platform,
                               .device = device_name,
                               .driver = driver,
                               .options = options,
                               .form = SESSION_PROGRAM_UNKNOWN};
    cl_program program;
    cl_device_id device;
    struct code code = {0};
    if (get_kernel != NULL && get_queue != NULL &&
        get_kernel((cl_kernel)launch->kernel, CL_KERNEL_PROGRAM, sizeof(cl_program), &program,
                   NULL) == CL_SUCCESS &&
        get_queue((cl_command_queue)launch->queue, CL_QUEUE_DEVICE, sizeof(cl_device_id), &device,
                  NULL) == CL_SUCCESS) {
        ask_platform(device, platform);
        ask_device(device, CL_DEVICE_NAME, device_name);
        ask_device(device, CL_DRIVER_VERSION, driver);
        ask_options(program, device, options);
        told.form = SESSION_PROGRAM_SOURCE;
        code = ask_code(program, CL_PROGRAM_SOURCE);
        if (code.bytes == NULL) {
            told.form = SESSION_PROGRAM_IL;
            code = ask_code(program, CL_PROGRAM_IL);
        }
        if (code.bytes == NULL) {
            told.form = SESSION_PROGRAM_BINARY;
            code = ask_binary(program, device);
        }
        if (code.bytes == NULL)
            told.form = SESSION_PROGRAM_UNKNOWN;
    }
    told.code = code.bytes;
    told.code_bytes = code.count;
    /* A source is counted with the zero behind it. */
    if (told.form == SESSION_PROGRAM_SOURCE)
        told.code_bytes = strnlen(code.bytes, code.count);
    take(taker, &told);
    release(&code);
}

RECORDER_OFTEN bool opencl_describe_launch(struct opencl_launch *described, cl_command_queue queue,
                                           cl_kernel kernel, const struct opencl_lanes *lanes,
                                           uint64_t known)
{
    if (!opencl_copy_kernel(kernel, known, &described->kernel))
        return false;
    described->launch = (struct gpu_launch){
        .kernel = (uintptr_t)kernel,
        .kernel_name = described->kernel.name,
        .queue = (uintptr_t)queue,
        .arguments = described->kernel.arguments,
        .arguments_len = described->kernel.arguments_len,
        .dimensions = lanes->dimensions,
        .tell_program = tell_program,
    };
    opencl_copy_sizes(described->launch.global_offset, lanes->global_offset, lanes->dimensions);
    opencl_copy_sizes(described->launch.global_size, lanes->global_size, lanes->dimensions);
    opencl_copy_sizes(described->launch.local_size, lanes->local_size, lanes->dimensions);
    return true;
}

static bool is_argument(const struct opencl_kernel *kernel, uintptr_t buffer)
{
    for (unsigned i = 0; i < kernel->arguments_len; i++)
        if (kernel->arguments[i].kind == GPU_ARGUMENT_BUFFER &&
            kernel->arguments[i].buffer == buffer)
            return true;
    return false;
}

void opencl_launch_begin(struct gpu_submit *submit, const struct opencl_launch *described)
{
    gpu_launch_begin(submit, &described->launch);
    const struct opencl_kernel *kernel = &described->kernel;
    for (unsigned i = 0; i < kernel->indirect_len; i++)
        if (!is_argument(kernel, kernel->indirect[i]))
            gpu_bytes_lost(kernel->indirect[i], 0, SIZE_MAX);
}

/** A launch, from before the call until after it. */
struct launched {
    bool told;
    struct gpu_order order;
    struct gpu_submit submit;
    struct opencl_launch described;
};

RECORDER_OFTEN static void begin_launch(struct launched *launched, cl_command_queue queue,
                                        cl_kernel kernel, const struct opencl_lanes *lanes,
                                        cl_uint waits_len, const cl_event *waits)
{
    int saved = errno;
    opencl_order(queue, waits_len, waits, &launched->order);
    launched->told = gpu_is_watched() && opencl_describe_launch(&launched->described, queue, kernel,
                                                                lanes, gpu_known());
    if (launched->told) {
        opencl_checkpoint(&launched->described.launch, queue);
        opencl_launch_begin(&launched->submit, &launched->described);
        if (launched->submit.in_vain != 0)
            opencl_kernel_in_vain(kernel, launched->described.kernel.changes,
                                  launched->submit.in_vain);
    }
    errno = saved;
}

RECORDER_OFTEN static void end_launch(struct launched *launched, cl_int result,
                                      cl_command_queue queue, cl_kernel kernel,
                                      const struct opencl_lanes *lanes, const cl_event *event)
{
    int saved = errno;
    if (result == CL_SUCCESS)
        opencl_remember_launch(queue, kernel, lanes);
    if (launched->told) {
        gpu_launch_end(&launched->submit, &launched->described.launch, result == CL_SUCCESS);
        opencl_order_launch(queue, &launched->submit, &launched->order);
    }
    if (result == CL_SUCCESS)
        opencl_enqueued(queue, &launched->order, false, event);
    errno = saved;
}

RECORDER_OFTEN OPENCL_HOOK cl_int CL_API_CALL clEnqueueNDRangeKernel(
    cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *global_offset,
    const size_t *global_size, const size_t *local_size, cl_uint waits_len, const cl_event *waits,
    cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueNDRangeKernel, CL_INVALID_PLATFORM)
    struct launched launched;
    const struct opencl_lanes lanes = {dimensions, global_offset, global_size, local_size};
    begin_launch(&launched, queue, kernel, &lanes, waits_len, waits);
    cl_int result = original(queue, kernel, dimensions, global_offset, global_size, local_size,
                             waits_len, waits, event);
    end_launch(&launched, result, queue, kernel, &lanes, event);
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clEnqueueTask(cl_command_queue queue, cl_kernel kernel,
                                             cl_uint waits_len, const cl_event *waits,
                                             cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueTask, CL_INVALID_PLATFORM)
    struct launched launched;
    const size_t one = 1;
    const struct opencl_lanes lanes = {1, NULL, &one, &one};
    begin_launch(&launched, queue, kernel, &lanes, waits_len, waits);
    cl_int result = original(queue, kernel, waits_len, waits, event);
    end_launch(&launched, result, queue, kernel, &lanes, event);
    return result;
}
