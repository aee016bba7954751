/*
 * Asks for functions of OpenCL in every way that dlsym() has, before and after libOpenCL is there,
 * and says who gave them: dlsym_host [global].
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void tell(const char *how, void *address)
{
    Dl_info info;
    const char *file = "nobody";
    if (address != NULL && dladdr(address, &info) != 0) {
        const char *slash = strrchr(info.dli_fname, '/');
        file = slash == NULL ? info.dli_fname : slash + 1;
    }
    printf("%s: %s\n", how, file);
}

static void ask(const char *when, void *program)
{
    printf("%s\n", when);
    tell("default", dlsym(RTLD_DEFAULT, "clFinish"));
    tell("next", dlsym(RTLD_NEXT, "clFinish"));
    tell("program", dlsym(program, "clFinish"));
    tell("default, not hooked", dlsym(RTLD_DEFAULT, "clGetPlatformIDs"));
    tell("default, no OpenCL", dlsym(RTLD_DEFAULT, "puts"));
    tell("next, no OpenCL", dlsym(RTLD_NEXT, "puts"));
}

int main(int argc, char **argv)
{
    (void)argv;
    void *program = dlopen(NULL, RTLD_LAZY);
    ask("before", program);
    printf("error: %s\n", dlerror() == NULL ? "none" : "some");
    void *library = dlopen("libOpenCL.so.1", RTLD_NOW | (argc > 1 ? RTLD_GLOBAL : 0));
    tell("library", dlsym(library, "clFinish"));
    tell("library, not hooked", dlsym(library, "clGetPlatformIDs"));
    tell("version", dlvsym(library, "clFinish", "OPENCL_1.0"));
    tell("other version", dlvsym(library, "clFinish", "OPENCL_9.9"));
    printf("error: %s\n", dlerror() == NULL ? "none" : "some");
    ask("after", program);
    return 0;
}
