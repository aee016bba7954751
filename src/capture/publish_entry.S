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

#elif defined(__aarch64__)

/* The frame: x29 and x30 (16), x0…7 (64), x8 and number (16), q0…7 (128), state (512). */
#define FRAME 736
#define REGISTERS 16
#define RESULT_ADDRESS 80
#define VECTORS 96
#define STATE 224
#define STACK_WORDS 32

.macro stub number
    .globl publish_stub_\number
    .hidden publish_stub_\number
    .type publish_stub_\number, %function
publish_stub_\number:
    hint #34 /* bti c */
    mov w16, #\number
    b publish_stub
    .size publish_stub_\number, . - publish_stub_\number
.endm

.macro each_vector instruction
    \instruction q0, q1, [sp, #VECTORS]
    \instruction q2, q3, [sp, #VECTORS + 32]
    \instruction q4, q5, [sp, #VECTORS + 64]
    \instruction q6, q7, [sp, #VECTORS + 96]
.endm

    .text
    .type publish_stub, %function
publish_stub:
    .cfi_startproc
    sub sp, sp, #FRAME
    .cfi_def_cfa_offset FRAME
    stp x29, x30, [sp]
    .cfi_offset 29, -FRAME
    .cfi_offset 30, -FRAME + 8
    mov x29, sp
    .cfi_def_cfa_register 29
    stp x0, x1, [sp, #REGISTERS]
    stp x2, x3, [sp, #REGISTERS + 16]
    stp x4, x5, [sp, #REGISTERS + 32]
    stp x6, x7, [sp, #REGISTERS + 48]
    stp x8, x16, [sp, #RESULT_ADDRESS]
    each_vector stp
    mov x0, x16
    add x1, sp, #REGISTERS
    add x2, sp, #FRAME
    add x3, sp, #STATE
    bl publish_symbol_before
    mov x16, x0
    each_vector ldp
    sub sp, sp, #(8 * STACK_WORDS)
    add x9, x29, #FRAME
    mov x10, sp
    mov w11, #(STACK_WORDS / 2)
1:
    ldp x12, x13, [x9], #16
    stp x12, x13, [x10], #16
    subs w11, w11, #1
    b.ne 1b
    ldp x0, x1, [x29, #REGISTERS]
    ldp x2, x3, [x29, #REGISTERS + 16]
    ldp x4, x5, [x29, #REGISTERS + 32]
    ldp x6, x7, [x29, #REGISTERS + 48]
    ldr x8, [x29, #RESULT_ADDRESS]
    blr x16
    mov sp, x29
    stp x0, x1, [sp, #REGISTERS]
    each_vector stp
    add x1, sp, #STATE
    bl publish_symbol_after
    ldp x0, x1, [sp, #REGISTERS]
    each_vector ldp
    ldp x29, x30, [sp]
    add sp, sp, #FRAME
    .cfi_def_cfa 31, 0
    ret
    .cfi_endproc
    .size publish_stub, . - publish_stub

#endif

    stub 0
    stub 1
    stub 2
    stub 3
    stub 4
    stub 5
    stub 6
    stub 7

    .section .note.GNU-stack, "", %progbits
