/* The stub on x86-64: a part of stub_code.S. */

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
