/* See stub_harness.h. */
#include "stub_harness.h"

    .bss
    .balign 64
    .globl harness_captured, harness_wide, harness_target, harness_before, harness_after
harness_captured:
    .space 8 * HARNESS_INTEGERS + HARNESS_VECTORS * HARNESS_VECTOR_BYTES
    .balign 8
harness_wide:
    .space 8
harness_target:
    .space 8
harness_before:
    .space 8 * HARNESS_ALL
harness_after:
    .space 8 * HARNESS_ALL
harness_stack:
    .space 8

    .balign 65536
    .globl harness_code
harness_code:
    .space HARNESS_CODE_BYTES

    .text

#if defined(__x86_64__)

    .globl harness_call
    .type harness_call, @function
harness_call:
    pushq %rbx
    movq %rdi, %rbx
    movq %rsi, %r11
    cmpq $0, harness_wide(%rip)
    je 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    vmovdqu 8 * HARNESS_INTEGERS + HARNESS_VECTOR_BYTES * \n(%r11), %ymm\n
    .endr
    jmp 2f
1:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups 8 * HARNESS_INTEGERS + HARNESS_VECTOR_BYTES * \n(%r11), %xmm\n
    .endr
2:
    movq (%r11), %rdi
    movq 8(%r11), %rsi
    movq 16(%r11), %rdx
    movq 24(%r11), %rcx
    movq 32(%r11), %r8
    movq 40(%r11), %r9
    movq 48(%r11), %rax
    movq 56(%r11), %r10
    call *%rbx
    popq %rbx
    ret

    .globl harness_capture
    .type harness_capture, @function
harness_capture:
    leaq harness_captured(%rip), %r11
    movq %rdi, (%r11)
    movq %rsi, 8(%r11)
    movq %rdx, 16(%r11)
    movq %rcx, 24(%r11)
    movq %r8, 32(%r11)
    movq %r9, 40(%r11)
    movq %rax, 48(%r11)
    movq %r10, 56(%r11)
    cmpq $0, harness_wide(%rip)
    je 1f
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    vmovdqu %ymm\n, 8 * HARNESS_INTEGERS + HARNESS_VECTOR_BYTES * \n(%r11)
    .endr
    vzeroupper
    jmp 2f
1:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups %xmm\n, 8 * HARNESS_INTEGERS + HARNESS_VECTOR_BYTES * \n(%r11)
    .endr
2:
    movl $77, %eax
    ret

/* harness_before: 15 registers, 16 words of the red zone. harness_after: the same, and the flags. */
    .globl harness_detour, harness_back
    .type harness_detour, @function
harness_detour:
    .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
    .endr
    movq %rsp, harness_stack(%rip)
    leaq harness_back(%rip), %rax
    leaq -136(%rsp), %rsp
    movq %rax, (%rsp)
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    movq harness_before + 8 * 14 + 8 * \n(%rip), %rax
    movq %rax, 136 - 8 * \n(%rsp)
    .endr
    movq harness_before(%rip), %rax
    movq harness_before + 8(%rip), %rbx
    movq harness_before + 16(%rip), %rcx
    movq harness_before + 24(%rip), %rdx
    movq harness_before + 32(%rip), %rsi
    movq harness_before + 40(%rip), %rdi
    movq harness_before + 48(%rip), %rbp
    movq harness_before + 56(%rip), %r8
    movq harness_before + 64(%rip), %r9
    movq harness_before + 72(%rip), %r10
    movq harness_before + 80(%rip), %r11
    movq harness_before + 88(%rip), %r12
    movq harness_before + 96(%rip), %r13
    movq harness_before + 104(%rip), %r14
    movq harness_before + 112(%rip), %r15
    stc
    jmpq *harness_target(%rip)
harness_back:
    movq %rax, harness_after(%rip)
    movq %rbx, harness_after + 8(%rip)
    movq %rcx, harness_after + 16(%rip)
    movq %rdx, harness_after + 24(%rip)
    movq %rsi, harness_after + 32(%rip)
    movq %rdi, harness_after + 40(%rip)
    movq %rbp, harness_after + 48(%rip)
    movq %r8, harness_after + 56(%rip)
    movq %r9, harness_after + 64(%rip)
    movq %r10, harness_after + 72(%rip)
    movq %r11, harness_after + 80(%rip)
    movq %r12, harness_after + 88(%rip)
    movq %r13, harness_after + 96(%rip)
    movq %r14, harness_after + 104(%rip)
    movq %r15, harness_after + 112(%rip)
    movq %rsp, %rax
    movq harness_stack(%rip), %rsp
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    movq -8 * \n(%rax), %rcx
    movq %rcx, harness_after + 8 * 14 + 8 * \n(%rip)
    .endr
    setc %cl
    movzbl %cl, %ecx
    movq %rcx, harness_after + 8 * 31(%rip)
    .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
    .endr
    ret

#elif defined(__aarch64__)

    .globl harness_call
    .type harness_call, %function
harness_call:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    str x19, [sp, #16]
    mov x19, x0
    mov x17, x1
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    ldr q\n, [x17, #(8 * HARNESS_INTEGERS + HARNESS_VECTOR_BYTES * \n)]
    ldr x\n, [x17, #(8 * \n)]
    .endr
    ldr x8, [x17, #64]
    ldr x16, [x17, #72]
    blr x19
    ldr x19, [sp, #16]
    ldp x29, x30, [sp], #32
    ret

    .globl harness_capture
    .type harness_capture, %function
harness_capture:
    adrp x17, harness_captured
    add x17, x17, #:lo12:harness_captured
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    str q\n, [x17, #(8 * HARNESS_INTEGERS + HARNESS_VECTOR_BYTES * \n)]
    str x\n, [x17, #(8 * \n)]
    .endr
    str x8, [x17, #64]
    str x16, [x17, #72]
    mov x0, #77
    ret

/* harness_before and _after: x0 … x30; _after: and the flags. */
    .globl harness_detour, harness_back
    .type harness_detour, %function
harness_detour:
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    adrp x17, harness_stack
    mov x16, sp
    str x16, [x17, #:lo12:harness_stack]
    adrp x30, harness_before
    add x30, x30, #:lo12:harness_before
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    ldr x\n, [x30, #(8 * \n)]
    .endr
    ldr x30, [x30, #(8 * 30)]
    cmp xzr, xzr
/* No register is free: the test writes a branch to harness_target here. */
    .globl harness_jump
harness_jump:
    b .
harness_back:
    stp x16, x17, [sp, #-16]!
    adrp x17, harness_after
    add x17, x17, #:lo12:harness_after
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    str x\n, [x17, #(8 * \n)]
    .endr
    cset x0, eq
    str x0, [x17, #(8 * 31)]
    ldp x0, x1, [sp], #16
    str x0, [x17, #(8 * 16)]
    str x1, [x17, #(8 * 17)]
    adrp x17, harness_stack
    ldr x16, [x17, #:lo12:harness_stack]
    mov sp, x16
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret

#endif
    .section .note.GNU-stack, "", %progbits
