/*
 * A host that does what hosts do to their process: guest_host MODE [ARGUMENT].
 *
 * It prints what it sees: results, errno, descriptors.  All of that must be the same with the
 * recorder and without it; how many publishes it made is known to guest.sh.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_host.h"
#include "vyre_runtime.h"

#define SLOTS 64u
#define THREADS 64

static const char *self;

static int publish_into(uint8_t *ring, uint32_t n)
{
    uint8_t *slot = ring + (size_t)(n % SLOTS) * VYRE_SLOT_BYTES;
    memset(slot, 0, VYRE_SLOT_BYTES);
    return vyre_publish_slot(ring, SLOTS * VYRE_SLOT_BYTES, n % SLOTS, 1, VYRE_OP_NOP, &n, 1);
}

void publish(uint32_t count)
{
    static _Thread_local _Alignas(64) uint8_t ring[SLOTS * VYRE_SLOT_BYTES];
    for (uint32_t n = 0; n < count; n++)
        if (publish_into(ring, n) != VYRE_OK)
            printf("refused\n");
}

static void print_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    unsigned count = 0;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    if (folder != NULL)
        closedir(folder);
    printf("%u descriptors\n", count);
}

static pthread_barrier_t barrier;

static void *thread(void *argument)
{
    pthread_barrier_wait(&barrier);
    publish(100);
    if ((uintptr_t)argument % 2 == 0)
        pthread_exit(NULL);
    return NULL;
}

static void threads(void)
{
    pthread_t all[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&all[i], NULL, thread, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(all[i], NULL);
}

static void wait_for(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    printf("child ended with %d\n", status);
}

static void forks(void)
{
    publish(10);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        publish(5);
        _exit(3);
    }
    wait_for(child);
    publish(10);
}

/** Threads of a child publish first at once, again and again in a child of its own. */
static void forks_with_threads(void)
{
    publish(10);
    fflush(stdout);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            threads();
            _exit(3);
        }
        wait_for(child);
    }
    publish(10);
}

static void execs(void)
{
    char *const arguments[] = {(char *)self, "publish", NULL};
    publish(10);
    fflush(stdout);
    /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): it is what is tried. */
    pid_t child = vfork();
    if (child == 0) {
        execv(self, arguments);
        _exit(9);
    }
    wait_for(child);
    if (posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0)
        wait_for(child);
    publish(10);
}

/* Closes every descriptor, as daemons do; says that it is done by a file. */
static void daemonize(const char *done)
{
    publish(1);
    fflush(stdout);
    if (fork() != 0)
        _exit(0);
    setsid();
    if (fork() != 0)
        _exit(0);
    for (int i = 0; i < 1024; i++)
        close(i);
    publish(4);
    int first = open(done, O_WRONLY | O_CREAT, 0600);
    publish(4);
    _exit(first == 0 ? 0 : 1);
}

static void descriptors(void)
{
    int before = open("/dev/null", O_RDONLY);
    close(before);
    publish(1);
    int after = open("/dev/null", O_RDONLY);
    close(0);
    int lowest = open("/dev/null", O_RDONLY);
    publish(1);
    printf("%d %d %d\n", before, after, lowest);
}

static _Alignas(64) uint8_t handlers_ring[SLOTS * VYRE_SLOT_BYTES];
static volatile uint32_t handled;

static void on_alarm(int number)
{
    (void)number;
    if (handled < 1000)
        publish_into(handlers_ring, handled++);
}

static void signals(void)
{
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 50}, {0, 50}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    /* Fewer than a log holds, so that none of the handler's is overwritten. */
    for (uint32_t published = 0; handled < 1000;) {
        if (published < 40 * (handled + 1)) {
            publish(1);
            published++;
        }
    }
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    puts("handled 1000");
}

static void errors(void)
{
    for (int i = 0; i < 3; i++) {
        errno = 77;
        publish(1);
        printf("errno %d\n", errno);
    }
}

static void limit(int resource, rlim_t most)
{
    const struct rlimit limits = {most, most};
    if (setrlimit(resource, &limits) != 0)
        printf("setrlimit: %s\n", strerror(errno));
    publish(5);
    puts("went on");
}

/* Nothing but write and exit, or the kernel kills. */
static void confine(int by_prctl)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    long result;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (by_prctl)
        result = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
    else
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    if (result != 0)
        _exit(8);
}

static void confined(int first, int by_prctl)
{
    static const char done[] = "went on\n";
    publish((uint32_t)first);
    confine(by_prctl);
    publish(1000);
    if (write(STDOUT_FILENO, done, sizeof(done) - 1) < 0)
        _exit(7);
    _exit(0);
}

static void change_log(const char *how, const char *log)
{
    char other[4096];
    publish(10);
    snprintf(other, sizeof(other), "%s.d/slots", log);
    if (strcmp(how, "truncate") == 0 && truncate(log, 0) != 0 && errno != ENOENT)
        puts("truncate failed");
    if (strcmp(how, "truncate-slots") == 0 && truncate(other, 100) != 0 && errno != ENOENT)
        puts("truncate failed");
    if (strcmp(how, "delete") == 0)
        unlink(log);
    if (strcmp(how, "replace") == 0) {
        unlink(log);
        fclose(fopen(log, "w"));
    }
    publish(1000);
    puts("went on");
}

static int early;

__attribute__((constructor)) static void construct(void)
{
    early = getenv("GUEST_EARLY") != NULL;
    if (early)
        publish(3);
}

__attribute__((destructor)) static void destruct(void)
{
    if (early)
        publish(3);
}

static void at_exit(void)
{
    publish(4);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    const char *argument = argc > 2 ? argv[2] : "";
    self = argv[0];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(mode, "publish") == 0)
        publish(3);
    else if (strcmp(mode, "threads") == 0)
        threads();
    else if (strcmp(mode, "fork") == 0)
        forks();
    else if (strcmp(mode, "fork-threads") == 0)
        forks_with_threads();
    else if (strcmp(mode, "exec") == 0)
        execs();
    else if (strcmp(mode, "daemon") == 0)
        daemonize(argument);
    else if (strcmp(mode, "descriptors") == 0)
        descriptors();
    else if (strcmp(mode, "signals") == 0)
        signals();
    else if (strcmp(mode, "errno") == 0)
        errors();
    else if (strcmp(mode, "fsize") == 0)
        limit(RLIMIT_FSIZE, 4096);
    else if (strcmp(mode, "nofile") == 0)
        limit(RLIMIT_NOFILE, 0);
    else if (strcmp(mode, "as") == 0)
        limit(RLIMIT_AS, 1 << 20);
    else if (strcmp(mode, "confined-after") == 0)
        confined(1, argument[0] == 'p');
    else if (strcmp(mode, "confined-before") == 0)
        confined(0, argument[0] == 'p');
    else if (strcmp(mode, "bus") == 0)
        bus();
    else if (strcmp(mode, "bus-dies") == 0) {
        publish(1);
        break_page();
    } else if (strcmp(mode, "atexit") == 0) {
        publish(2);
        atexit(at_exit);
    } else if (strcmp(mode, "_exit") == 0) {
        publish(2);
        _exit(5);
    } else if (strcmp(mode, "abort") == 0) {
        publish(2);
        abort();
    } else if (strcmp(mode, "segv") == 0) {
        publish(2);
        raise(SIGSEGV);
    } else {
        change_log(mode, argument);
    }
    print_descriptors();
    return 0;
}
