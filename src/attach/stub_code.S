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

/* r11 tells whose original: only it and the flags may change before a function. */
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    .balign STUB_ENTRY_BYTES
    endbr64
    leaq parameters + STUB_ORIGINALS + 8 * \n(%rip), %r11
    jmp common
    .endr

common:
    pushq %rax
    movq parameters + STUB_WORDS(%rip), %rax
    cmpl $STUB_ARMED, WORDS_STATE(%rax)
    popq %rax
    je ask
    jmpq *(%r11)

ask:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rax
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %r12
    subq $24, %rsp
    movq parameters + STUB_WORDS(%rip), %rbx
    movl $STUB_ARMED, %eax
    movl $STUB_ASKING, %ecx
    lock cmpxchgl %ecx, WORDS_STATE(%rbx)
    jne leave
    leaq 8(%rbp), %rax
    movq %rax, WORDS_STACK(%rbx)
    incl WORDS_ASKED(%rbx)
    movq $0, (%rsp)
    movq $STUB_LOOK_NS, 8(%rsp)
    movl $STUB_LOOKS, %r12d
look:
    movl parameters + STUB_ANSWER(%rip), %eax
    movl %eax, %ecx
    shrl $1, %ecx
    cmpl WORDS_ASKED(%rbx), %ecx
    je answered
    movl $__NR_nanosleep, %eax
    movq %rsp, %rdi
    xorl %esi, %esi
    syscall
    decl %r12d
    jnz look
    movl $STUB_OFF, WORDS_STATE(%rbx)
    jmp leave
answered:
    testl $1, %eax
    jnz yes
    movl $STUB_ARMED, WORDS_STATE(%rbx)
    jmp leave
yes:
    call load
leave:
    addq $24, %rsp
    popq %r12
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rax
    popq %rbp
    jmpq *(%r11)

/* Call the function and tell of it, before a signal can come again; rbx: the words, the stack
 * aligned at the call.  Saves what a function need not, but for general registers. */
load:
    movl $STUB_LOADING, WORDS_STATE(%rbx)
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %rbp
    subq $24, %rsp
    movl $__NR_rt_sigprocmask, %eax
    movl $SIG_SETMASK, %edi
    leaq parameters + STUB_SIGNALS(%rip), %rsi
    movq %rsp, %rdx
    movl $SIGNALS_BYTES, %r10d
    syscall
    movq %rsp, %rbp
    subq parameters + STUB_VECTOR_BYTES(%rip), %rsp
    andq $-64, %rsp
    movl parameters + STUB_VECTOR_MASK(%rip), %eax
    xorl %edx, %edx
    testl %eax, %eax
    jz 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movq $0, 512 + 8 * \n(%rsp)
    .endr
    xsave64 (%rsp)
    jmp 2f
1:
    fxsave64 (%rsp)
2:
    callq *parameters + STUB_ERRNO_LOCATION(%rip)
    movq %rax, %r13
    movl (%rax), %r14d
    movl $-1, %r12d
    cmpq $0, parameters + STUB_FILE_NAME(%rip)
    je 6f
    call make_file
    testl %eax, %eax
    jnz 6f
    call close_file
    movq $0, WORDS_ERROR(%rbx)
    movl $STUB_FAILED, %r12d
    jmp 3f
6:
    movq parameters + STUB_PATH(%rip), %rdi
    movq parameters + STUB_MODE(%rip), %rsi
    callq *parameters + STUB_FUNCTION(%rip)
    movq %rax, WORDS_RESULT(%rbx)
    call close_file
    movq WORDS_RESULT(%rbx), %rax
    testq %rax, %rax
    jz failed
    movl $STUB_LOADED, %r12d
    movq parameters + STUB_FIND(%rip), %rcx
    testq %rcx, %rcx
    jz 3f
    movq %rax, %rdi
    movq parameters + STUB_NAME(%rip), %rsi
    callq *%rcx
    testq %rax, %rax
    jz failed
    xorl %edi, %edi
    xorl %esi, %esi
    callq *%rax
    jmp 3f
failed:
    movl $STUB_FAILED, %r12d
    cmpq $0, parameters + STUB_EXPLAIN(%rip)
    je 3f
    callq *parameters + STUB_EXPLAIN(%rip)
    movq %rax, WORDS_ERROR(%rbx)
    movl $STUB_EXPLAINING, %eax
    call wait
3:
    movl %r14d, (%r13)
    movl parameters + STUB_VECTOR_MASK(%rip), %eax
    xorl %edx, %edx
    testl %eax, %eax
    jz 4f
    xrstor64 (%rsp)
    jmp 5f
4:
    fxrstor64 (%rsp)
5:
    movq %rbp, %rsp
    movl %r12d, WORDS_STATE(%rbx)
    movl $__NR_rt_sigprocmask, %eax
    movl $SIG_SETMASK, %edi
    movq %rsp, %rsi
    xorl %edx, %edx
    movl $SIGNALS_BYTES, %r10d
    syscall
    addq $24, %rsp
    popq %rbp
    popq %r14
    popq %r13
    popq %r12
    ret

/* The file in memory as r12d, negative when there is none, and whether it was filled as eax. Here and
 * below 16 bytes from 8(%rbp) on are free. */
make_file:
    movl $CLOSE_ON_EXEC | NO_EXEC_SEAL, %esi
1:
    movl $__NR_memfd_create, %eax
    movq parameters + STUB_FILE_NAME(%rip), %rdi
    syscall
    movl %eax, %r12d
    cmpl $-INVALID, %eax
    jne 2f
    cmpl $CLOSE_ON_EXEC, %esi
    movl $CLOSE_ON_EXEC, %esi
    jne 1b
2:
    testl %r12d, %r12d
    js 4f
    movl $__NR_fcntl, %eax
    movl %r12d, %edi
    movl $DUPLICATE_CLOSE_ON_EXEC, %esi
    movl $STUB_FILE_LEAST, %edx
    syscall
    testl %eax, %eax
    js 4f
    xchgl %eax, %r12d
    movl %eax, %edi
    movl $__NR_close, %eax
    syscall
4:
    movl %r12d, WORDS_FILE(%rbx)
    xorl %eax, %eax
    testl %r12d, %r12d
    js 5f
    movl $STUB_FILLING, %eax
    jmp wait
5:
    ret

/* Tell the state of eax until the tracer has done what that asks for; whether it has as eax. */
wait:
    movl $0, WORDS_SERVED(%rbx)
    movl %eax, WORDS_STATE(%rbx)
    movq $0, 8(%rbp)
    movq $STUB_LOOK_NS, 16(%rbp)
    pushq $STUB_SERVED_LOOKS
1:
    movl WORDS_SERVED(%rbx), %eax
    testl %eax, %eax
    jnz 2f
    movl $__NR_nanosleep, %eax
    leaq 8(%rbp), %rdi
    xorl %esi, %esi
    syscall
    decl (%rsp)
    jnz 1b
    xorl %eax, %eax
2:
    popq %rcx
    movl $STUB_LOADING, WORDS_STATE(%rbx)
    ret

close_file:
    testl %r12d, %r12d
    js 1f
    movl %r12d, %edi
    movl $__NR_close, %eax
    syscall
1:
    ret

/* From anywhere in the job's own code: nothing may change, nor the 128 bytes below the stack.  It
 * begins with the stack lower by these and the address to go on at, which the tracer put there. */
    .balign 16
    .globl stub_detour
    .hidden stub_detour
stub_detour:
    pushfq
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    pushq %\register
    .endr
    movq %rsp, %rbp
    andq $-16, %rsp
    cld
    movq parameters + STUB_WORDS(%rip), %rbx
    call load
    movq %rbp, %rsp
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq %\register
    .endr
    popfq
    .globl stub_resume
    .hidden stub_resume
stub_resume:
    ret $STUB_RED_ZONE

#elif defined(__aarch64__)

/* x17 tells whose original: only it and the flags may change before a function. x16 is what a PLT
 * tells the dynamic linker. */
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    .balign STUB_ENTRY_BYTES
    hint #34
    adr x17, parameters + STUB_ORIGINALS + 8 * \n
    b common
    .endr

common:
    stp x0, x1, [sp, #-16]!
    ldr x0, parameters + STUB_WORDS
    ldr w1, [x0, #WORDS_STATE]
    cmp w1, #STUB_ARMED
    ldp x0, x1, [sp], #16
    b.eq ask
go_on:
    dmb ishld
    ldr x17, [x17]
    br x17

ask:
    stp x29, x30, [sp, #-128]!
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x16, [sp, #80]
    stp x17, x19, [sp, #96]
    str x20, [sp, #112]
    sub sp, sp, #16
    ldr x19, parameters + STUB_WORDS
1:
    ldaxr w0, [x19]
    cmp w0, #STUB_ARMED
    b.ne leave
    mov w1, #STUB_ASKING
    stlxr w2, w1, [x19]
    cbnz w2, 1b
    add x0, x29, #128
    str x0, [x19, #WORDS_STACK]
    ldr w1, [x19, #WORDS_ASKED]
    add w1, w1, #1
    add x0, x19, #WORDS_ASKED
    stlr w1, [x0]
    mov x0, #STUB_LOOK_NS
    stp xzr, x0, [sp]
    mov w20, #STUB_LOOKS
look:
    adr x0, parameters + STUB_ANSWER
    ldar w1, [x0]
    ldr w2, [x19, #WORDS_ASKED]
    cmp w2, w1, lsr #1
    b.eq answered
    mov x0, sp
    mov x1, #0
    mov x8, #__NR_nanosleep
    svc #0
    subs w20, w20, #1
    b.ne look
    stlr wzr, [x19]
    b leave
answered:
    tbnz w1, #0, yes
    mov w1, #STUB_ARMED
    stlr w1, [x19]
    b leave
yes:
    bl load
leave:
    add sp, sp, #16
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x8, x16, [sp, #80]
    ldp x17, x19, [sp, #96]
    ldr x20, [sp, #112]
    ldp x29, x30, [sp], #128
    b go_on

/* Call the function and tell of it, before a signal can come again; x19: the words.  Saves what a
 * function need not, but for general registers. */
load:
    mov w0, #STUB_LOADING
    stlr w0, [x19]
    stp x29, x30, [sp, #-80]!
    mov x29, sp
    stp x20, x21, [sp, #16]
    str x22, [sp, #32]
    mov x0, #SIG_SETMASK
    adr x1, parameters + STUB_SIGNALS
    add x2, sp, #48
    mov x3, #SIGNALS_BYTES
    mov x8, #__NR_rt_sigprocmask
    svc #0
    sub sp, sp, #528
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    str q\n, [sp, #(16 + 16 * \n)]
    .endr
    mrs x0, fpsr
    mrs x1, fpcr
    stp x0, x1, [sp]
    ldr x0, parameters + STUB_ERRNO_LOCATION
    blr x0
    mov x20, x0
    ldr w21, [x0]
    mov w22, #-1
    ldr x0, parameters + STUB_FILE_NAME
    cbz x0, 2f
    bl make_file
    cbnz w0, 2f
    bl close_file
    str xzr, [x19, #WORDS_ERROR]
    mov w22, #STUB_FAILED
    b 1f
2:
    ldr x0, parameters + STUB_PATH
    ldr x1, parameters + STUB_MODE
    ldr x2, parameters + STUB_FUNCTION
    blr x2
    str x0, [x19, #WORDS_RESULT]
    bl close_file
    ldr x0, [x19, #WORDS_RESULT]
    cbz x0, failed
    mov w22, #STUB_LOADED
    ldr x2, parameters + STUB_FIND
    cbz x2, 1f
    ldr x1, parameters + STUB_NAME
    blr x2
    cbz x0, failed
    mov x2, x0
    mov x0, #0
    mov x1, #0
    blr x2
    b 1f
failed:
    mov w22, #STUB_FAILED
    ldr x0, parameters + STUB_EXPLAIN
    cbz x0, 1f
    blr x0
    str x0, [x19, #WORDS_ERROR]
    mov w0, #STUB_EXPLAINING
    bl wait
1:
    str w21, [x20]
    ldp x0, x1, [sp]
    msr fpsr, x0
    msr fpcr, x1
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ldr q\n, [sp, #(16 + 16 * \n)]
    .endr
    mov sp, x29
    stlr w22, [x19]
    mov x0, #SIG_SETMASK
    add x1, sp, #48
    mov x2, #0
    mov x3, #SIGNALS_BYTES
    mov x8, #__NR_rt_sigprocmask
    svc #0
    ldp x20, x21, [sp, #16]
    ldr x22, [sp, #32]
    ldp x29, x30, [sp], #80
    ret

/* The file in memory as w22, negative when there is none, and whether it was filled as w0. Here and
 * below 16 bytes from [x29, #64] on are free. */
make_file:
    ldr x0, parameters + STUB_FILE_NAME
    mov x1, #(CLOSE_ON_EXEC | NO_EXEC_SEAL)
    mov x8, #__NR_memfd_create
    svc #0
    cmn w0, #INVALID
    b.ne 1f
    ldr x0, parameters + STUB_FILE_NAME
    mov x1, #CLOSE_ON_EXEC
    svc #0
1:
    mov w22, w0
    tbnz w0, #31, 2f
    mov x1, #DUPLICATE_CLOSE_ON_EXEC
    mov x2, #STUB_FILE_LEAST
    mov x8, #__NR_fcntl
    svc #0
    tbnz w0, #31, 2f
    mov w1, w0
    mov w0, w22
    mov w22, w1
    mov x8, #__NR_close
    svc #0
2:
    str w22, [x19, #WORDS_FILE]
    mov w0, #0
    tbnz w22, #31, 3f
    mov w0, #STUB_FILLING
    b wait
3:
    ret

/* Tell the state of w0 until the tracer has done what that asks for; whether it has as w0. */
wait:
    str wzr, [x19, #WORDS_SERVED]
    stlr w0, [x19]
    mov x0, #STUB_LOOK_NS
    stp xzr, x0, [x29, #64]
    mov w3, #STUB_SERVED_LOOKS
1:
    add x1, x19, #WORDS_SERVED
    ldar w0, [x1]
    cbnz w0, 2f
    add x0, x29, #64
    mov x1, #0
    mov x8, #__NR_nanosleep
    svc #0
    subs w3, w3, #1
    b.ne 1b
    mov w0, #0
2:
    mov w1, #STUB_LOADING
    stlr w1, [x19]
    ret

close_file:
    tbnz w22, #31, 1f
    mov w0, w22
    mov x8, #__NR_close
    svc #0
1:
    ret

/* From anywhere in the job's own code: nothing may change.  No register is left to go on by, so the
 * tracer writes the branch at the end. */
    .balign 16
    .globl stub_detour
    .hidden stub_detour
stub_detour:
    sub sp, sp, #272
    stp x0, x1, [sp]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x29, x30, [sp, #176]
    mrs x0, nzcv
    str x0, [sp, #192]
    ldr x19, parameters + STUB_WORDS
    bl load
    ldr x0, [sp, #192]
    msr nzcv, x0
    ldp x0, x1, [sp]
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x29, x30, [sp, #176]
    add sp, sp, #272
    .globl stub_resume
    .hidden stub_resume
stub_resume:
    b .

#else
#error "attaching is known on x86-64 and AArch64"
#endif

    .globl stub_end
    .hidden stub_end
stub_end:
    .section .note.GNU-stack, "", %progbits
