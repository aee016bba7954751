/*
 * under_filter ACTION CALL PROGRAM [ARGUMENT...]: run a program under a filter that does something
 * to one system call and allows all others.
 *
 *   errno     refuses it, as the filters of containers do
 *   kill      ends the process
 *   trap      sends a signal
 *   argument  ends the process if its third argument is 4660
 *
 * under_filter strict: read standard input to its end, in strict mode.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint32_t number;
} calls[] = {
    {"memfd_create", SYS_memfd_create},
    {"membarrier", SYS_membarrier},
    {"mmap", SYS_mmap},
    {"flock", SYS_flock},
    {"ptrace", SYS_ptrace},
};

static int be_strict(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        return EXIT_FAILURE;
    for (char byte; read(STDIN_FILENO, &byte, 1) > 0;)
        ;
    return (int)syscall(SYS_exit, EXIT_SUCCESS);
}

static uint32_t action_of(const char *name)
{
    if (strcmp(name, "errno") == 0)
        return SECCOMP_RET_ERRNO | 1;
    return strcmp(name, "trap") == 0 ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return be_strict();
    if (argc < 4)
        return EXIT_FAILURE;
    uint32_t number = UINT32_MAX;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].name, argv[2]) == 0)
            number = calls[i].number;
    const size_t looked_at = strcmp(argv[1], "argument") == 0
                                 ? offsetof(struct seccomp_data, args[2])
                                 : offsetof(struct seccomp_data, nr);
    const uint32_t wanted = strcmp(argv[1], "argument") == 0 ? 4660 : number;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)looked_at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, action_of(argv[1])),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return EXIT_FAILURE;
    execv(argv[3], argv + 3);
    return EXIT_FAILURE;
}
