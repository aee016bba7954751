#include "capture/opencl.h"

#define HOOKED(name) [OPENCL_##name] = {#name, name, NULL},
#define ASKED(name) [OPENCL_##name] = {#name, NULL, NULL},

struct hook opencl_functions[OPENCL_FUNCTIONS_LEN] = {OPENCL_HOOKS(HOOKED) OPENCL_QUERIES(ASKED)};

const struct hook_table opencl_hook_table = {opencl_functions, OPENCL_HOOKS_LEN};
