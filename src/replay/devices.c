#include "config.h"

#include "replay/devices.h"

#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>

/** Platforms and devices of each that are looked at. */
#define PLATFORMS_MAX 64
#define DEVICES_MAX 64

static const char *type_name(cl_device_type type)
{
    if (type & CL_DEVICE_TYPE_GPU)
        return "GPU";
    if (type & CL_DEVICE_TYPE_CPU)
        return "CPU";
    if (type & CL_DEVICE_TYPE_ACCELERATOR)
        return "accelerator";
    return "other";
}

static void device_text(cl_device_id id, cl_device_info what, char *out, size_t size)
{
    char text[1024] = "";
    if (clGetDeviceInfo(id, what, sizeof(text) - 1, text, NULL) != CL_SUCCESS)
        strcpy(text, "?");
    const char *begin = text + strspn(text, " ");
    size_t len = strnlen(begin, size - 1);
    memcpy(out, begin, len);
    out[len] = '\0';
}

static void describe(cl_platform_id platform, cl_device_id id, struct replay_device *device)
{
    memset(device, 0, sizeof(*device));
    device->id = id;
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(device->platform) - 1,
                          device->platform, NULL) != CL_SUCCESS)
        strcpy(device->platform, "?");
    device_text(id, CL_DEVICE_NAME, device->name, sizeof(device->name));
    device_text(id, CL_DEVICE_VERSION, device->version, sizeof(device->version));

    cl_device_type type = 0;
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    device->type = type_name(type);
    cl_ulong memory = 0;
    clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(memory), &memory, NULL);
    device->memory_bytes = memory;
}

bool devices_list(struct replay_device **devices, size_t *len, struct replay_error *error)
{
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_uint platforms_len = 0;
    /* The loader answers an empty list with an error of its own. */
    if (clGetPlatformIDs(PLATFORMS_MAX, platforms, &platforms_len) != CL_SUCCESS ||
        platforms_len == 0)
        return replay_fail(error,
                           "no OpenCL platform was found. "
                           "Fix: install an OpenCL driver, e.g. the package pocl-opencl-icd.");
    if (platforms_len > PLATFORMS_MAX)
        platforms_len = PLATFORMS_MAX;

    struct replay_device *list = NULL;
    size_t found = 0;
    for (cl_uint i = 0; i < platforms_len; i++) {
        cl_device_id ids[DEVICES_MAX];
        cl_uint ids_len = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, DEVICES_MAX, ids, &ids_len) !=
                CL_SUCCESS ||
            ids_len == 0)
            continue;
        if (ids_len > DEVICES_MAX)
            ids_len = DEVICES_MAX;
        struct replay_device *grown = realloc(list, (found + ids_len) * sizeof(*list));
        if (grown == NULL) {
            free(list);
            return replay_fail_memory(error);
        }
        list = grown;
        for (cl_uint j = 0; j < ids_len; j++)
            describe(platforms[i], ids[j], &list[found++]);
    }
    if (found == 0)
        return replay_fail(error, "no OpenCL platform has a device. "
                                  "Fix: check the driver and the permissions of its device files.");
    *devices = list;
    *len = found;
    return true;
}

const struct replay_device *devices_find(const struct replay_device *devices, size_t len,
                                         const char *choice, struct replay_error *error)
{
    if (choice == NULL)
        return &devices[0];
    if (choice[0] != '\0' && strspn(choice, "0123456789") == strlen(choice)) {
        unsigned long number = strtoul(choice, NULL, 10);
        if (number < len)
            return &devices[number];
        replay_fail(error,
                    "there is no device %s, the last is %zu. "
                    "Fix: choose one that 'vrrl devices' lists.",
                    choice, len - 1);
        return NULL;
    }

    const struct replay_device *found = NULL;
    for (size_t i = 0; i < len && choice[0] != '\0'; i++) {
        if (strcasestr(devices[i].name, choice) == NULL &&
            strcasestr(devices[i].platform, choice) == NULL)
            continue;
        if (found != NULL) {
            replay_fail(error,
                        "'%s' names more than one device. "
                        "Fix: choose one by its number, as 'vrrl devices' lists them.",
                        choice);
            return NULL;
        }
        found = &devices[i];
    }
    if (found == NULL)
        replay_fail(error,
                    "no device has '%s' in its name. "
                    "Fix: choose one that 'vrrl devices' lists.",
                    choice);
    return found;
}
