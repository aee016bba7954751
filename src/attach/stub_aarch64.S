/* The stub on AArch64: a part of stub_code.S. */

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
