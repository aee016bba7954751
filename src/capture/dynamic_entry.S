/*
 * dlsym and dlvsym: ask dynamic_asked(handle, name, return address), and return its answer, or
 * jump to the dynamic linker's function with everything as the host left it.
 */
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

#elif defined(__aarch64__)

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
    .section .note.GNU-stack, "", %progbits
