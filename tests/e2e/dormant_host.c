/*
 * A host that does what it is told, a line at a time, and answers each with a line; or one that
 * publishes from many threads until a file is there.  Linked to libvyre_runtime and to nothing of
 * the recorder.  What it publishes can be checked by check_stress.c.
 *
 *     dormant_host obey        publish N | fork FIFO | exec | close | filter
 *     dormant_host threads N FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"
#include "vyre_runtime.h"

#define SLOTS 64
#define THREADS_MAX 64

static _Alignas(64) uint8_t ring[SLOTS * VYRE_SLOT_BYTES];
static _Atomic int stop;

static void require(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "dormant_host: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

/** Publish, and look what came of it as a GPU would. */
static void publish(uint32_t slot, uint32_t thread, uint32_t n)
{
    const uint32_t args[] = {n, thread, stress_hash(n, thread), ~n};
    errno = 4242;
    require(vyre_publish_slot(ring, sizeof(ring), slot, thread, VYRE_OP_ATOMIC_ADD, args, 4) ==
                VYRE_OK,
            "a publish failed");
    require(errno == 4242, "errno was changed");
    require(memcmp(ring + slot * VYRE_SLOT_BYTES + 4 * VYRE_SLOT_ARG0, args, sizeof(args)) == 0,
            "a slot is not what was published");
    require(vyre_claim_slot(ring, sizeof(ring), slot) == VYRE_OK &&
                vyre_finish_slot(ring, sizeof(ring), slot) == VYRE_OK,
            "a slot is not PUBLISHED");
}

static void *publish_until_stopped(void *argument)
{
    uint32_t thread = *(uint32_t *)argument;
    uint32_t n = 0;
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        publish(thread, thread, n++);
    *(uint32_t *)argument = n;
    return NULL;
}

static void threads(unsigned count, const char *file)
{
    pthread_t started[THREADS_MAX];
    uint32_t numbers[THREADS_MAX];
    uint64_t published = 0;
    for (unsigned i = 0; i < count; i++) {
        numbers[i] = i;
        pthread_create(&started[i], NULL, publish_until_stopped, &numbers[i]);
    }
    while (access(file, F_OK) != 0)
        usleep(20000);
    atomic_store(&stop, 1);
    for (unsigned i = 0; i < count; i++) {
        pthread_join(started[i], NULL);
        published += numbers[i];
    }
    printf("%s\n", published > 0 ? "all were published" : "nothing was published");
}

/** Any system call kills from now on, but those that this program needs to the end. */
static void filter(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(rules) / sizeof(rules[0]), rules};
    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
            "no filter can be installed");
}

/** A child that is told what to do by another file. */
static void fork_child(const char *fifo)
{
    if (fork() != 0)
        return;
    int file = open(fifo, O_RDONLY);
    dup2(file, STDIN_FILENO);
    close(file);
}

/** A line of stdin, read a byte at a time: a child has nothing of its parent's. */
static bool read_line(char *line, size_t size)
{
    for (size_t used = 0; used + 1 < size; used++) {
        if (read(STDIN_FILENO, &line[used], 1) != 1)
            return false;
        if (line[used] == '\n') {
            line[used] = '\0';
            return true;
        }
    }
    return false;
}

/** By one system call: stdio makes more. */
static void answer(const char *line)
{
    char text[300];
    int length = snprintf(text, sizeof(text), "%ld %s\n", (long)getpid(), line);
    require(write(STDOUT_FILENO, text, (size_t)length) == length, "nobody listens");
}

static void obey(char **argv)
{
    char line[256];
    uint32_t n = 0;
    while (read_line(line, sizeof(line))) {
        char what[16] = "";
        char name[128] = "";
        sscanf(line, "%15s %127s", what, name);
        if (strcmp(what, "publish") == 0)
            for (long count = strtol(name, NULL, 10); count > 0; count--)
                publish(0, 0, n++);
        else if (strcmp(what, "fork") == 0)
            fork_child(name);
        else if (strcmp(what, "exec") == 0)
            execv("/proc/self/exe", argv);
        else if (strcmp(what, "close") == 0)
            for (int file = 3; file < 1024; file++)
                close(file);
        else if (strcmp(what, "filter") == 0)
            filter();
        answer(line);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "threads") == 0)
        threads((unsigned)strtol(argv[2], NULL, 10), argv[3]);
    else if (argc == 2 && strcmp(argv[1], "obey") == 0)
        obey(argv);
    else
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
