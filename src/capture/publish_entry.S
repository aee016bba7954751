/*
 * Stubs of publish functions that the user names: ask publish_symbol_before(), call the original
 * with all registers and a copy of the stack's parameters, tell publish_symbol_after().
 */
#if defined(__x86_64__)

/* The frame: integer registers (48), rax (8), number (8), xmm0…7 (128), state (512). */
#define FRAME 704
#define NUMBER 56
#define VECTORS 64
#define STATE 192
#define STACK_WORDS 32

.macro stub number
    .globl publish_stub_\number
    .hidden publish_stub_\number
    .type publish_stub_\number, @function
publish_stub_\number:
#ifdef __CET__
    endbr64
#endif
    movl $\number, %r11d
    jmp publish_stub
    .size publish_stub_\number, . - publish_stub_\number
.endm

    .text
    .type publish_stub, @function
publish_stub:
    .cfi_startproc
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    subq $FRAME, %rsp
    movq %rdi, 0(%rsp)
    movq %rsi, 8(%rsp)
    movq %rdx, 16(%rsp)
    movq %rcx, 24(%rsp)
    movq %r8, 32(%rsp)
    movq %r9, 40(%rsp)
    movq %rax, 48(%rsp)
    movq %r11, NUMBER(%rsp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups %xmm\n, VECTORS + 16 * \n(%rsp)
    .endr
    movq %r11, %rdi
    movq %rsp, %rsi
    leaq 16(%rbp), %rdx
    leaq STATE(%rsp), %rcx
    call publish_symbol_before
    movq %rax, %r11
    subq $(8 * STACK_WORDS), %rsp
    leaq 16(%rbp), %rsi
    movq %rsp, %rdi
    movl $STACK_WORDS, %ecx
    rep movsq
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups 8 * STACK_WORDS + VECTORS + 16 * \n(%rsp), %xmm\n
    .endr
    movq 8 * STACK_WORDS + 0(%rsp), %rdi
    movq 8 * STACK_WORDS + 8(%rsp), %rsi
    movq 8 * STACK_WORDS + 16(%rsp), %rdx
    movq 8 * STACK_WORDS + 24(%rsp), %rcx
    movq 8 * STACK_WORDS + 32(%rsp), %r8
    movq 8 * STACK_WORDS + 40(%rsp), %r9
    movq 8 * STACK_WORDS + 48(%rsp), %rax
    call *%r11
    addq $(8 * STACK_WORDS), %rsp
    movq %rax, 0(%rsp)
    movq %rdx, 8(%rsp)
    movups %xmm0, VECTORS(%rsp)
    movups %xmm1, VECTORS + 16(%rsp)
    movq %rax, %rdi
    leaq STATE(%rsp), %rsi
    call publish_symbol_after
    movq 0(%rsp), %rax
    movq 8(%rsp), %rdx
    movups VECTORS(%rsp), %xmm0
    movups VECTORS + 16(%rsp), %xmm1
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size publish_stub, . - publish_stub

    stub 0
    stub 1
    stub 2
    stub 3
    stub 4
    stub 5
    stub 6
    stub 7

#endif
    .section .note.GNU-stack, "", %progbits
