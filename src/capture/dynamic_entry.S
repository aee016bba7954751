/*
 * dlsym and dlvsym: ask dynamic_asked(handle, name, return address), and return its answer, or
 * jump to the dynamic linker's function with everything as the host left it.
 *
 * syscall: tell of seccomp, and jump to the C library's function.  It is no function in C, since the
 * call may return twice, or on another stack.
 */
#include <asm/unistd.h>

#if defined(__x86_64__)

/* rdx is the version, and the third parameter of the question. */
.macro asked name, question, target
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
#ifdef __CET__
    endbr64
#endif
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    movq %rdx, %rcx
    movq 24(%rsp), %rdx
    call \question
    movq %rdx, %rcx
    popq %rdx
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    testq %rcx, %rcx
    jz 1f
    ret
1:
    jmpq *\target(%rip)
    .cfi_endproc
    .size \name, . - \name
.endm

.macro entry_of_syscall
    .globl syscall
    .type syscall, @function
syscall:
    .cfi_startproc
#ifdef __CET__
    endbr64
#endif
    cmpq $__NR_seccomp, %rdi
    je 2f
    cmpq $0, confinement_syscall(%rip)
    je 2f
1:
    jmpq *confinement_syscall(%rip)
2:
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    pushq %rcx
    .cfi_adjust_cfa_offset 8
    pushq %r8
    .cfi_adjust_cfa_offset 8
    pushq %r9
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    call confinement_find_syscall
    movq 40(%rsp), %rdi
    cmpq $__NR_seccomp, 48(%rsp)
    jne 3f
    call confinement_seccomp_asked
3:
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %r9
    .cfi_adjust_cfa_offset -8
    popq %r8
    .cfi_adjust_cfa_offset -8
    popq %rcx
    .cfi_adjust_cfa_offset -8
    popq %rdx
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    jmp 1b
    .cfi_endproc
    .size syscall, . - syscall
.endm

#elif defined(__aarch64__)

.macro entry_of_syscall
    .globl syscall
    .type syscall, %function
syscall:
    .cfi_startproc
    adrp x16, confinement_syscall
    ldr x16, [x16, #:lo12:confinement_syscall]
    cbz x16, 2f
    cmp x0, #__NR_seccomp
    b.eq 2f
    br x16
2:
    stp x29, x30, [sp, #-80]!
    .cfi_def_cfa_offset 80
    .cfi_offset 29, -80
    .cfi_offset 30, -72
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    str x6, [sp, #64]
    bl confinement_find_syscall
    ldp x1, x0, [sp, #16]
    cmp x1, #__NR_seccomp
    b.ne 3f
    bl confinement_seccomp_asked
3:
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldr x6, [sp, #64]
    ldp x29, x30, [sp], #80
    adrp x16, confinement_syscall
    ldr x16, [x16, #:lo12:confinement_syscall]
    br x16
    .cfi_endproc
    .size syscall, . - syscall
.endm

.macro asked name, question, target
    .globl \name
    .type \name, %function
\name:
    .cfi_startproc
    stp x29, x30, [sp, #-48]!
    .cfi_def_cfa_offset 48
    .cfi_offset 29, -48
    .cfi_offset 30, -40
    mov x29, sp
    stp x0, x1, [sp, #16]
    str x2, [sp, #32]
    mov x3, x2
    mov x2, x30
    bl \question
    cbz x1, 1f
    ldp x29, x30, [sp], #48
    ret
1:
    ldp x0, x1, [sp, #16]
    ldr x2, [sp, #32]
    ldp x29, x30, [sp], #48
    adrp x16, \target
    ldr x16, [x16, #:lo12:\target]
    br x16
    .cfi_endproc
    .size \name, . - \name
.endm

#else
#error "dlsym is passed on for x86-64 and AArch64"
#endif

    .text
    asked dlsym, dynamic_asked, dynamic_dlsym
    asked dlvsym, dynamic_asked_version, dynamic_dlvsym
    entry_of_syscall
    .section .note.GNU-stack, "", %progbits
