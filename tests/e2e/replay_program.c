#include <stdlib.h>
#include <string.h>

#define CL_TARGET_OPENCL_VERSION 210
#include "replay_program.h"

#define OPTIONS "-cl-std=CL1.2"

static cl_program built(cl_program program, cl_device_id device)
{
    return program != NULL && clBuildProgram(program, 1, &device, OPTIONS, NULL, NULL) == CL_SUCCESS
               ? program
               : NULL;
}

static cl_program from_source(cl_context context, const char *text)
{
    return clCreateProgramWithSource(context, 1, &text, NULL, NULL);
}

static cl_program from_binary(cl_context context, cl_device_id device, const char *text)
{
    cl_program source = built(from_source(context, text), device);
    cl_program program = NULL;
    size_t bytes;
    if (source == NULL || clGetProgramInfo(source, CL_PROGRAM_BINARY_SIZES, sizeof(bytes), &bytes,
                                           NULL) != CL_SUCCESS)
        return NULL;
    unsigned char *binary = malloc(bytes);
    const unsigned char *from = binary;
    if (binary != NULL &&
        clGetProgramInfo(source, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL) == CL_SUCCESS)
        program = clCreateProgramWithBinary(context, 1, &device, &bytes, &from, NULL, NULL);
    clReleaseProgram(source);
    free(binary);
    return built(program, device);
}

static cl_program linked(cl_context context, cl_device_id device, const char *text)
{
    cl_program source = from_source(context, text);
    if (source == NULL ||
        clCompileProgram(source, 1, &device, OPTIONS, 0, NULL, NULL, NULL, NULL) != CL_SUCCESS)
        return NULL;
    cl_program program = clLinkProgram(context, 1, &device, NULL, 1, &source, NULL, NULL, NULL);
    clReleaseProgram(source);
    return program;
}

cl_program program_of(cl_context context, cl_device_id device, const char *text, const char *how)
{
    if (strcmp(how, "binary") == 0)
        return from_binary(context, device, text);
    if (strcmp(how, "linked") == 0)
        return linked(context, device, text);
    if (strcmp(how, "il") == 0)
        return built(clCreateProgramWithIL(context, text, strlen(text), NULL), device);
    return built(from_source(context, text), device);
}
