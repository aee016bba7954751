/* See stub.h. */
#include "attach/stub.h"

#include <asm/unistd.h>

#define SIG_SETMASK 2
#define SIGNALS_BYTES 8

/* Of memfd_create() and fcntl(). */
#define CLOSE_ON_EXEC 1
/* Since Linux 6.3. It may be mapped as code like any other, and be made also where files in memory
 * may not be executed. */
#define NO_EXEC_SEAL 8
#define DUPLICATE_CLOSE_ON_EXEC 1030
#define INVALID 22

    .section .rodata
    .balign 16
    .globl stub_begin
    .hidden stub_begin
stub_begin:
parameters:
    .fill STUB_PARAMETERS_BYTES

#if defined(__x86_64__)
#include "attach/stub_x86_64.S"
#elif defined(__aarch64__)
#include "attach/stub_aarch64.S"
#else
#error "attaching is known on x86-64 and AArch64"
#endif

    .globl stub_end
    .hidden stub_end
stub_end:
    .section .note.GNU-stack, "", %progbits
