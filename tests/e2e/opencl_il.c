/*
 * Stands for a driver that takes programs in an intermediate language, which none does that is at
 * hand: preloaded before libOpenCL, it takes the source behind a mark for one.
 */
#define CL_TARGET_OPENCL_VERSION 300
#define _GNU_SOURCE
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define MARK "intermediate "
#define VERSION "MARK_1.0"

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static cl_program program;
static char *language;
static size_t language_bytes;

static cl_int answer(const void *from, size_t bytes, size_t room, void *to, size_t *bytes_out)
{
    if (bytes_out != NULL)
        *bytes_out = bytes;
    if (to != NULL && room < bytes)
        return CL_INVALID_VALUE;
    if (to != NULL)
        memcpy(to, from, bytes);
    return CL_SUCCESS;
}

CL_API_ENTRY cl_program CL_API_CALL clCreateProgramWithIL(cl_context context, const void *il,
                                                          size_t bytes, cl_int *code)
{
    const char *source = (const char *)il + strlen(MARK);
    size_t source_bytes = bytes - strlen(MARK);
    if (bytes <= strlen(MARK) || memcmp(il, MARK, strlen(MARK)) != 0) {
        if (code != NULL)
            *code = CL_INVALID_VALUE;
        return NULL;
    }
    language = malloc(bytes);
    language_bytes = bytes;
    memcpy(language, il, bytes);
    program = NEXT(clCreateProgramWithSource)(context, 1, &source, &source_bytes, code);
    return program;
}

CL_API_ENTRY cl_int CL_API_CALL clGetProgramInfo(cl_program of, cl_program_info what, size_t room,
                                                 void *to, size_t *bytes_out)
{
    if (of == program && what == CL_PROGRAM_IL)
        return answer(language, language_bytes, room, to, bytes_out);
    if (of == program && what == CL_PROGRAM_SOURCE)
        return answer("", 1, room, to, bytes_out);
    return NEXT(clGetProgramInfo)(of, what, room, to, bytes_out);
}

CL_API_ENTRY cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info what,
                                                size_t room, void *to, size_t *bytes_out)
{
    if (what == CL_DEVICE_IL_VERSION)
        return answer(VERSION, sizeof(VERSION), room, to, bytes_out);
    return NEXT(clGetDeviceInfo)(device, what, room, to, bytes_out);
}
