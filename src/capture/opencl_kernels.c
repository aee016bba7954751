/*
 * Kernels: made, given arguments, and released.
 */
#include "capture/opencl_kernel_table.h"

#include <string.h>

static void ask_name(cl_kernel kernel, char name[OPENCL_NAME_BYTES])
{
    __typeof__(&clGetKernelInfo) get_info = OPENCL_ORIGINAL(clGetKernelInfo);
    size_t size = 0;
    if (get_info == NULL ||
        get_info(kernel, CL_KERNEL_FUNCTION_NAME, 0, NULL, &size) != CL_SUCCESS ||
        size > OPENCL_NAME_BYTES ||
        get_info(kernel, CL_KERNEL_FUNCTION_NAME, OPENCL_NAME_BYTES, name, NULL) != CL_SUCCESS)
        name[0] = '\0';
}

static void made(cl_kernel kernel)
{
    int saved = errno;
    char name[OPENCL_NAME_BYTES];
    ask_name(kernel, name);
    struct kernels *kernels = opencl_kernels_lock();
    if (kernels != NULL) {
        struct kernel *added = opencl_kernels_add(kernels, kernel);
        if (added != NULL)
            memcpy(added->name, name, sizeof(name));
        opencl_unlock(kernels);
    }
    errno = saved;
}

OPENCL_HOOK cl_kernel CL_API_CALL clCreateKernel(cl_program program, const char *name,
                                                 cl_int *error)
{
    OPENCL_PASS_ON(clCreateKernel, NULL)
    cl_kernel kernel = original(program, name, error);
    if (kernel != NULL && gpu_is_remembered())
        made(kernel);
    return kernel;
}

OPENCL_HOOK cl_int CL_API_CALL clCreateKernelsInProgram(cl_program program, cl_uint kernels_len,
                                                        cl_kernel *kernels, cl_uint *made_len)
{
    OPENCL_PASS_ON(clCreateKernelsInProgram, CL_INVALID_PLATFORM)
    cl_uint count = 0;
    cl_int result = original(program, kernels_len, kernels, &count);
    if (result == CL_SUCCESS && made_len != NULL)
        *made_len = count;
    for (cl_uint i = 0; result == CL_SUCCESS && kernels != NULL && i < count && i < kernels_len;
         i++)
        if (gpu_is_remembered())
            made(kernels[i]);
    return result;
}

OPENCL_HOOK cl_kernel CL_API_CALL clCloneKernel(cl_kernel source, cl_int *error)
{
    OPENCL_PASS_ON(clCloneKernel, NULL)
    cl_kernel kernel = original(source, error);
    int saved = errno;
    struct kernels *kernels = kernel != NULL && gpu_is_remembered() ? opencl_kernels_lock() : NULL;
    if (kernels != NULL) {
        struct kernel *clone = opencl_kernels_add(kernels, kernel);
        const struct kernel *cloned = opencl_kernels_find(kernels, source);
        if (clone != NULL && cloned != NULL) {
            *clone = *cloned;
            clone->kernel = kernel;
            clone->references = 1;
        }
        opencl_unlock(kernels);
    }
    errno = saved;
    return kernel;
}

OPENCL_HOOK cl_int CL_API_CALL clRetainKernel(cl_kernel kernel)
{
    OPENCL_PASS_ON(clRetainKernel, CL_INVALID_PLATFORM)
    cl_int result = original(kernel);
    int saved = errno;
    struct kernels *kernels =
        result == CL_SUCCESS && gpu_is_remembered() ? opencl_kernels_lock() : NULL;
    if (kernels != NULL) {
        struct kernel *retained = opencl_kernels_find(kernels, kernel);
        if (retained != NULL)
            retained->references++;
        opencl_unlock(kernels);
    }
    errno = saved;
    return result;
}

/** \return whether the kernel is gone with this reference */
static bool release(cl_kernel kernel)
{
    struct kernels *kernels = opencl_kernels_lock();
    if (kernels == NULL)
        return false;
    struct kernel *released = opencl_kernels_find(kernels, kernel);
    bool gone = released != NULL && --released->references == 0;
    if (gone)
        opencl_kernels_forget(kernels, kernel);
    opencl_unlock(kernels);
    return gone;
}

OPENCL_HOOK cl_int CL_API_CALL clReleaseKernel(cl_kernel kernel)
{
    OPENCL_PASS_ON(clReleaseKernel, CL_INVALID_PLATFORM)
    int saved = errno;
    /* Before the call: its handle may be another's as soon as it is made. */
    if (kernel != NULL && gpu_is_remembered() && release(kernel))
        gpu_kernel_gone((uintptr_t)kernel);
    errno = saved;
    return original(kernel);
}

/** Values keep the room that they were given first: an argument's size does not change. */
static bool keep_value(struct kernel *kernel, struct argument *argument, const void *value,
                       size_t bytes)
{
    if (argument->value_room < bytes) {
        if (bytes > OPENCL_VALUES_MAX - kernel->values_used)
            return false;
        argument->value_at = kernel->values_used;
        argument->value_room = (uint32_t)bytes;
        kernel->values_used += (uint32_t)((bytes + 7) & ~(size_t)7);
        if (kernel->values_used > OPENCL_VALUES_MAX)
            kernel->values_used = OPENCL_VALUES_MAX;
    }
    memcpy(kernel->values + argument->value_at, value, bytes);
    return true;
}

/** The kernel, also one that was made before anyone looked. */
static struct kernel *find_or_learn(struct kernels *kernels, cl_kernel handle)
{
    struct kernel *kernel = opencl_kernels_find(kernels, handle);
    if (kernel == NULL && recorder_is_late()) {
        kernel = opencl_kernels_add(kernels, handle);
        if (kernel != NULL)
            ask_name(handle, kernel->name);
    }
    return kernel;
}

static void set_argument(cl_kernel handle, cl_uint index, enum gpu_argument_kind kind,
                         const struct opencl_place *place, const void *value, size_t bytes)
{
    struct kernels *kernels = index < OPENCL_ARGUMENTS_MAX ? opencl_kernels_lock() : NULL;
    if (kernels == NULL)
        return;
    struct kernel *kernel = find_or_learn(kernels, handle);
    if (kernel != NULL) {
        struct argument *argument = &kernel->arguments[index];
        kernel->buffers_len +=
            (kind == GPU_ARGUMENT_BUFFER) - (argument->kind == GPU_ARGUMENT_BUFFER);
        kernel->changes++;
        kernel->in_vain = 0;
        argument->kind = kind;
        argument->bytes = (uint32_t)bytes;
        if (kind == GPU_ARGUMENT_BUFFER)
            argument->place = *place;
        if (kind == GPU_ARGUMENT_VALUE && !keep_value(kernel, argument, value, bytes))
            argument->kind = GPU_ARGUMENT_OTHER;
        if (index >= kernel->arguments_len)
            kernel->arguments_len = index + 1;
    }
    opencl_unlock(kernels);
}

/** What an argument as long as a handle is, of a recorder that may have missed the making of its
 *  object: as far as OpenCL tells, which it does of few programs. */
static enum gpu_argument_kind ask_kind(cl_kernel kernel, cl_uint index)
{
    __typeof__(&clGetKernelArgInfo) get_info = OPENCL_ORIGINAL(clGetKernelArgInfo);
    cl_kernel_arg_address_qualifier space;
    if (get_info == NULL || get_info(kernel, index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof(space),
                                     &space, NULL) != CL_SUCCESS)
        return GPU_ARGUMENT_OTHER;
    return space == CL_KERNEL_ARG_ADDRESS_GLOBAL || space == CL_KERNEL_ARG_ADDRESS_CONSTANT
               ? GPU_ARGUMENT_BUFFER
               : GPU_ARGUMENT_VALUE;
}

static void set_value(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    enum gpu_argument_kind kind = GPU_ARGUMENT_VALUE;
    struct opencl_place place = {0};
    if (size == sizeof(cl_mem)) {
        if (opencl_find_known_memory(*(const cl_mem *)value, &place))
            kind = GPU_ARGUMENT_BUFFER;
        else if (recorder_is_late())
            kind = ask_kind(kernel, index);
        if (kind == GPU_ARGUMENT_BUFFER && place.buffer == 0 &&
            !opencl_find_memory(*(const cl_mem *)value, &place))
            kind = GPU_ARGUMENT_OTHER;
    }
    set_argument(kernel, index, kind, &place, value, kind == GPU_ARGUMENT_VALUE ? size : 0);
}

RECORDER_OFTEN OPENCL_HOOK cl_int CL_API_CALL clSetKernelArg(cl_kernel kernel, cl_uint index,
                                                             size_t size, const void *value)
{
    OPENCL_PASS_ON(clSetKernelArg, CL_INVALID_PLATFORM)
    cl_int result = original(kernel, index, size, value);
    if (result != CL_SUCCESS || !gpu_is_remembered())
        return result;
    int saved = errno;
    if (value == NULL)
        set_argument(kernel, index, GPU_ARGUMENT_LOCAL, NULL, NULL, size);
    else
        set_value(kernel, index, size, value);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint index,
                                                        const void *address)
{
    OPENCL_PASS_ON(clSetKernelArgSVMPointer, CL_INVALID_PLATFORM)
    cl_int result = original(kernel, index, address);
    if (result != CL_SUCCESS || !gpu_is_remembered())
        return result;
    int saved = errno;
    struct opencl_place place;
    if (opencl_find_svm(address, &place))
        set_argument(kernel, index, GPU_ARGUMENT_BUFFER, &place, NULL, 0);
    else
        set_argument(kernel, index, GPU_ARGUMENT_OTHER, NULL, NULL, 0);
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clSetKernelExecInfo(cl_kernel handle, cl_kernel_exec_info what,
                                                   size_t size, const void *value)
{
    OPENCL_PASS_ON(clSetKernelExecInfo, CL_INVALID_PLATFORM)
    cl_int result = original(handle, what, size, value);
    if (result != CL_SUCCESS || what != CL_KERNEL_EXEC_INFO_SVM_PTRS || !gpu_is_remembered())
        return result;
    int saved = errno;
    const void *const *addresses = value;
    uintptr_t indirect[OPENCL_INDIRECT_MAX];
    unsigned len = 0;
    struct opencl_place place;
    for (size_t i = 0; i < size / sizeof(void *) && len < OPENCL_INDIRECT_MAX; i++)
        if (opencl_find_svm(addresses[i], &place))
            indirect[len++] = place.buffer;
    struct kernels *kernels = opencl_kernels_lock();
    struct kernel *kernel = kernels == NULL ? NULL : opencl_kernels_find(kernels, handle);
    if (kernel != NULL) {
        kernel->in_vain = 0;
        kernel->indirect_len = len;
        memcpy(kernel->indirect, indirect, len * sizeof(indirect[0]));
    }
    if (kernels != NULL)
        opencl_unlock(kernels);
    errno = saved;
    return result;
}

RECORDER_OFTEN bool opencl_kernel_changes(cl_kernel handle, unsigned buffers, uint32_t *changes)
{
    struct kernels *kernels = opencl_kernels_lock();
    if (kernels == NULL)
        return false;
    const struct kernel *kernel = opencl_kernels_find(kernels, handle);
    bool found = kernel != NULL && kernel->arguments_len >= buffers;
    for (unsigned i = 0; i < buffers && found; i++)
        found = kernel->arguments[i].kind == GPU_ARGUMENT_BUFFER;
    if (found)
        *changes = kernel->changes;
    opencl_unlock(kernels);
    return found;
}

void opencl_kernel_in_vain(cl_kernel handle, uint32_t changes, uint64_t in_vain)
{
    struct kernels *kernels = opencl_kernels_lock();
    if (kernels == NULL)
        return;
    struct kernel *kernel = opencl_kernels_find(kernels, handle);
    if (kernel != NULL && kernel->changes == changes)
        kernel->in_vain = in_vain;
    opencl_unlock(kernels);
}

RECORDER_OFTEN bool opencl_copy_kernel(cl_kernel handle, uint64_t known, struct opencl_kernel *copy)
{
    struct kernels *kernels = opencl_kernels_lock();
    if (kernels == NULL)
        return false;
    const struct kernel *kernel = opencl_kernels_find(kernels, handle);
    bool wanted = kernel != NULL && (kernel->buffers_len > 0 || kernel->indirect_len > 0) &&
                  (known == 0 || kernel->in_vain != known);
    if (wanted) {
        /* No more than there is: every launch of any kernel comes by here. */
        memcpy(copy->name, kernel->name, strlen(kernel->name) + 1);
        copy->changes = kernel->changes;
        copy->arguments_len = kernel->arguments_len;
        memcpy(copy->values, kernel->values, kernel->values_used);
        copy->indirect_len = kernel->indirect_len;
        memcpy(copy->indirect, kernel->indirect, kernel->indirect_len * sizeof(copy->indirect[0]));
        for (unsigned i = 0; i < kernel->arguments_len; i++) {
            const struct argument *from = &kernel->arguments[i];
            bool buffer = from->kind == GPU_ARGUMENT_BUFFER;
            copy->arguments[i] = (struct gpu_argument){
                .kind = from->kind,
                .buffer = buffer ? from->place.buffer : 0,
                .offset = buffer ? from->place.offset : 0,
                .bytes = buffer ? from->place.bytes : from->bytes,
                .value = copy->values + from->value_at,
            };
        }
    }
    opencl_unlock(kernels);
    return wanted;
}
