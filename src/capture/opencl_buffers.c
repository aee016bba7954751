/*
 * Buffers, parts of buffers, and shared virtual memory: made and released.
 */

#include "capture/opencl.h"
#include "capture/opencl_memory.h"

#define SVM_MAX 1024u
#define OBJECTS_MAX 16384u

struct object {
    cl_mem memory;
    /** The object that it is a part of; NULL: of none. */
    cl_mem whole;
    /** The host's own, and one for each of its parts.  What OpenCL counts has the driver's in it.
     */
    uint32_t references;
    struct opencl_place place;
};

static _Atomic(void *) remembered;

struct memories {
    struct opencl_memory memory;
    /** Buffers and parts of them, by their handles. */
    struct object objects[OBJECTS_MAX];
    unsigned objects_len;
    /** Shared virtual memory, in no order. */
    struct opencl_place svm[SVM_MAX];
    unsigned svm_len;
};

static struct memories *lock(void)
{
    return opencl_lock(&remembered, sizeof(struct memories));
}

static unsigned home_of(cl_mem memory)
{
    return (unsigned)((uint64_t)(uintptr_t)memory * UINT64_C(0x9E3779B97F4A7C15) >> 50) %
           OBJECTS_MAX;
}

static struct object *find(struct memories *memories, cl_mem memory)
{
    unsigned at = home_of(memory);
    while (memories->objects[at].memory != NULL && memories->objects[at].memory != memory)
        at = (at + 1) % OBJECTS_MAX;
    return &memories->objects[at];
}

static void remember(cl_mem memory, cl_mem whole, const struct opencl_place *place)
{
    struct memories *memories = lock();
    if (memories == NULL)
        return;
    struct object *object = find(memories, memory);
    bool is_new = object->memory == NULL;
    if (!is_new || memories->objects_len < OBJECTS_MAX / 4 * 3) {
        memories->objects_len += is_new;
        *object = (struct object){memory, whole, 1, *place};
        if (whole != NULL)
            find(memories, whole)->references++;
    }
    opencl_unlock(memories);
}

static void forget(struct memories *memories, const struct object *object)
{
    unsigned gap = (unsigned)(object - memories->objects);
    for (unsigned at = (gap + 1) % OBJECTS_MAX; memories->objects[at].memory != NULL;
         at = (at + 1) % OBJECTS_MAX) {
        unsigned home = home_of(memories->objects[at].memory);
        bool stays = gap <= at ? gap < home && home <= at : gap < home || home <= at;
        if (stays)
            continue;
        memories->objects[gap] = memories->objects[at];
        gap = at;
    }
    memories->objects[gap] = (struct object){0};
    memories->objects_len--;
}

/** \return the buffer that is gone with this reference; 0: none */
static uintptr_t release(cl_mem memory)
{
    struct memories *memories = lock();
    uintptr_t gone = 0;
    while (memories != NULL && memory != NULL) {
        struct object *object = find(memories, memory);
        if (object->memory == NULL || --object->references > 0)
            break;
        memory = object->whole;
        gone = memory == NULL ? object->place.buffer : 0;
        forget(memories, object);
    }
    if (memories != NULL)
        opencl_unlock(memories);
    return gone;
}

bool opencl_find_known_memory(cl_mem memory, struct opencl_place *place)
{
    if (memory == NULL || atomic_load_explicit(&remembered, memory_order_acquire) == NULL)
        return false;
    struct memories *memories = lock();
    const struct object *object = find(memories, memory);
    bool found = object->memory != NULL;
    if (found)
        *place = object->place;
    opencl_unlock(memories);
    return found;
}

bool opencl_find_svm(const void *address, struct opencl_place *place)
{
    if (address == NULL || atomic_load_explicit(&remembered, memory_order_acquire) == NULL)
        return false;
    struct memories *memories = lock();
    bool found = false;
    for (unsigned i = 0; i < memories->svm_len && !found; i++) {
        size_t offset = (uintptr_t)address - memories->svm[i].buffer;
        if ((uintptr_t)address >= memories->svm[i].buffer && offset < memories->svm[i].bytes) {
            *place = (struct opencl_place){memories->svm[i].buffer, offset,
                                           memories->svm[i].bytes - offset};
            found = true;
        }
    }
    opencl_unlock(memories);
    return found;
}

static void buffer_made(cl_mem memory, cl_mem_flags flags, size_t bytes, void *host)
{
    int saved = errno;
    uintptr_t buffer = (uintptr_t)memory;
    remember(memory, NULL, &(struct opencl_place){buffer, 0, bytes});
    gpu_buffer_made(buffer, bytes, GPU_MEMORY_DEVICE,
                    (flags & CL_MEM_USE_HOST_PTR) != 0 ? host : NULL);
    if (host != NULL && (flags & (CL_MEM_COPY_HOST_PTR | CL_MEM_USE_HOST_PTR)) != 0) {
        struct gpu_upload upload;
        gpu_upload_begin(&upload, buffer, NULL, &(struct gpu_piece){0, host, bytes}, 1);
        gpu_upload_end(&upload, true);
    }
    errno = saved;
}

static bool ask(cl_mem memory, cl_mem_info what, size_t size, void *value)
{
    __typeof__(&clGetMemObjectInfo) get_info = OPENCL_ORIGINAL(clGetMemObjectInfo);
    return get_info != NULL && get_info(memory, what, size, value, NULL) == CL_SUCCESS;
}

/** Remember a buffer, or part of one, that was made before anyone looked. */
static bool learn(cl_mem memory)
{
    cl_mem_object_type type;
    cl_mem_flags flags;
    cl_mem whole = NULL;
    size_t bytes;
    size_t offset;
    void *host = NULL;
    if (!ask(memory, CL_MEM_TYPE, sizeof(type), &type) || type != CL_MEM_OBJECT_BUFFER ||
        !ask(memory, CL_MEM_SIZE, sizeof(bytes), &bytes) ||
        !ask(memory, CL_MEM_FLAGS, sizeof(flags), &flags) ||
        !ask(memory, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(cl_mem), &whole))
        return false;
    struct opencl_place place = {(uintptr_t)memory, 0, bytes};
    if (whole != NULL) {
        if (!ask(memory, CL_MEM_OFFSET, sizeof(offset), &offset) ||
            !opencl_find_memory(whole, &place))
            return false;
        place.offset += offset;
        place.bytes = bytes;
    } else {
        if ((flags & CL_MEM_USE_HOST_PTR) != 0)
            ask(memory, CL_MEM_HOST_PTR, sizeof(host), &host);
        gpu_buffer_made((uintptr_t)memory, bytes, GPU_MEMORY_DEVICE, host);
    }
    remember(memory, whole, &place);
    return true;
}

bool opencl_find_memory(cl_mem memory, struct opencl_place *place)
{
    if (opencl_find_known_memory(memory, place))
        return true;
    int saved = errno;
    bool found = memory != NULL && recorder_is_late() && learn(memory) &&
                 opencl_find_known_memory(memory, place);
    errno = saved;
    return found;
}

OPENCL_HOOK cl_mem CL_API_CALL clCreateBuffer(cl_context context, cl_mem_flags flags, size_t bytes,
                                              void *host, cl_int *error)
{
    OPENCL_PASS_ON(clCreateBuffer, NULL)
    cl_mem memory = original(context, flags, bytes, host, error);
    if (memory != NULL && gpu_is_remembered())
        buffer_made(memory, flags, bytes, host);
    return memory;
}

OPENCL_HOOK cl_mem CL_API_CALL clCreateBufferWithProperties(cl_context context,
                                                            const cl_mem_properties *properties,
                                                            cl_mem_flags flags, size_t bytes,
                                                            void *host, cl_int *error)
{
    OPENCL_PASS_ON(clCreateBufferWithProperties, NULL)
    cl_mem memory = original(context, properties, flags, bytes, host, error);
    if (memory != NULL && gpu_is_remembered())
        buffer_made(memory, flags, bytes, host);
    return memory;
}

OPENCL_HOOK cl_mem CL_API_CALL clCreateSubBuffer(cl_mem whole, cl_mem_flags flags,
                                                 cl_buffer_create_type type, const void *region,
                                                 cl_int *error)
{
    OPENCL_PASS_ON(clCreateSubBuffer, NULL)
    cl_mem memory = original(whole, flags, type, region, error);
    struct opencl_place place;
    if (memory != NULL && type == CL_BUFFER_CREATE_TYPE_REGION && gpu_is_remembered() &&
        opencl_find_memory(whole, &place)) {
        const cl_buffer_region *part = region;
        int saved = errno;
        place.offset += part->origin;
        place.bytes = part->size;
        remember(memory, whole, &place);
        errno = saved;
    }
    return memory;
}

OPENCL_HOOK cl_int CL_API_CALL clRetainMemObject(cl_mem memory)
{
    OPENCL_PASS_ON(clRetainMemObject, CL_INVALID_PLATFORM)
    cl_int result = original(memory);
    int saved = errno;
    struct memories *memories = result == CL_SUCCESS && gpu_is_remembered() ? lock() : NULL;
    if (memories != NULL) {
        struct object *object = find(memories, memory);
        if (object->memory != NULL)
            object->references++;
        opencl_unlock(memories);
    }
    errno = saved;
    return result;
}

OPENCL_HOOK cl_int CL_API_CALL clReleaseMemObject(cl_mem memory)
{
    OPENCL_PASS_ON(clReleaseMemObject, CL_INVALID_PLATFORM)
    int saved = errno;
    /* Before the call: its handle may be another's as soon as it is made. */
    uintptr_t gone = gpu_is_remembered() ? release(memory) : 0;
    if (gone != 0)
        gpu_buffer_gone(gone);
    errno = saved;
    return original(memory);
}

OPENCL_HOOK void *CL_API_CALL clSVMAlloc(cl_context context, cl_svm_mem_flags flags, size_t bytes,
                                         cl_uint alignment)
{
    OPENCL_PASS_ON(clSVMAlloc, NULL)
    void *allocated = original(context, flags, bytes, alignment);
    struct memories *memories = NULL;
    int saved = errno;
    if (allocated != NULL && gpu_is_remembered())
        memories = lock();
    if (memories != NULL) {
        if (memories->svm_len < SVM_MAX)
            memories->svm[memories->svm_len++] =
                (struct opencl_place){(uintptr_t)allocated, 0, bytes};
        opencl_unlock(memories);
        bool shared = (flags & CL_MEM_SVM_FINE_GRAIN_BUFFER) != 0;
        gpu_buffer_made((uintptr_t)allocated, bytes, shared ? GPU_MEMORY_SHARED : GPU_MEMORY_DEVICE,
                        shared ? allocated : NULL);
    }
    errno = saved;
    return allocated;
}

static void svm_gone(const void *allocated)
{
    struct memories *memories = lock();
    if (memories == NULL || allocated == NULL)
        return;
    for (unsigned i = 0; i < memories->svm_len; i++) {
        if (memories->svm[i].buffer == (uintptr_t)allocated) {
            memories->svm[i] = memories->svm[--memories->svm_len];
            break;
        }
    }
    opencl_unlock(memories);
    gpu_buffer_gone((uintptr_t)allocated);
}

OPENCL_HOOK void CL_API_CALL clSVMFree(cl_context context, void *allocated)
{
    __typeof__(&clSVMFree) original = OPENCL_ORIGINAL(clSVMFree);
    int saved = errno;
    if (gpu_is_remembered() && allocated != NULL)
        svm_gone(allocated);
    errno = saved;
    if (original != NULL)
        original(context, allocated);
}

OPENCL_HOOK cl_int CL_API_CALL
clEnqueueSVMFree(cl_command_queue queue, cl_uint pointers_len, void *pointers[],
                 void(CL_CALLBACK *callback)(cl_command_queue, cl_uint, void *[], void *),
                 void *user_data, cl_uint waits_len, const cl_event *waits, cl_event *event)
{
    OPENCL_PASS_ON(clEnqueueSVMFree, CL_INVALID_PLATFORM)
    int saved = errno;
    for (cl_uint i = 0; gpu_is_remembered() && pointers != NULL && i < pointers_len; i++)
        svm_gone(pointers[i]);
    errno = saved;
    return original(queue, pointers_len, pointers, callback, user_data, waits_len, waits, event);
}
