/*
 * attach_host WAY THREADS MILLISECONDS: a host that is busy with what an attach must not meet:
 * malloc(), qsort(), the dynamic linker and signals. It publishes meanwhile, checks that every
 * publish is made, and prints their number and the longest that a thread was held up, in
 * microseconds. SIGTERM ends it early.
 *
 *   calls     each thread publishes by calls
 *   callbacks from inside qsort()
 *   pointers  by a pointer that it got from dlsym(), so that there is no reference
 *   handlers  only in signal handlers, which interrupt malloc()
 *   waits     never, it sleeps
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vyre_runtime.h"

#define THREADS_MAX 64u
#define BLOCKS 64u
#define SORTED 8u
/** Rounds between two publishes of a thread. */
#define ROUNDS 20u

static _Alignas(64) uint8_t ring[THREADS_MAX * 64];
static volatile sig_atomic_t ended;
static const char *way;
static __typeof__(&vyre_publish_slot) by_pointer;

struct worker {
    pthread_t thread;
    uint32_t number;
    unsigned seed;
    uint64_t publishes;
    uint64_t worst_ns;
    uint64_t last_ns;
    void *blocks[BLOCKS];
};

static struct worker workers[THREADS_MAX];
static __thread struct worker *current;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void die(const char *what)
{
    static const char name[] = "attach_host: ";
    if (write(STDERR_FILENO, name, sizeof(name) - 1) < 0 ||
        write(STDERR_FILENO, what, strlen(what)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        _exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

static void publish(struct worker *worker)
{
    uint32_t slot = worker->number;
    const uint32_t args[] = {(uint32_t)worker->publishes, slot};
    int result =
        by_pointer != NULL
            ? by_pointer(ring, sizeof(ring), slot, slot, VYRE_OP_ATOMIC_ADD, args, 2)
            : vyre_publish_slot(ring, sizeof(ring), slot, slot, VYRE_OP_ATOMIC_ADD, args, 2);
    uint32_t words[6];
    memcpy(words, ring + (size_t)slot * 64, sizeof(words));
    if (result != 0 || words[0] != VYRE_STATUS_PUBLISHED || words[4] != args[0] || words[5] != slot)
        die("a publish was not made");
    if (vyre_claim_slot(ring, sizeof(ring), slot) != 0 ||
        vyre_finish_slot(ring, sizeof(ring), slot) != 0)
        die("a slot cannot be emptied");
    worker->publishes++;
}

/** Take and give back memory of all sizes, and see that nobody else had it. */
static void churn(struct worker *worker)
{
    unsigned index = (unsigned)rand_r(&worker->seed) % BLOCKS;
    size_t bytes = 16u << (rand_r(&worker->seed) % 12);
    unsigned char *block = worker->blocks[index];
    if (block != NULL && (block[0] != index || block[15] != worker->number))
        die("memory of a thread was changed");
    free(block);
    block = malloc(bytes);
    if (block == NULL)
        die("no memory");
    memset(block, 0, 16);
    block[0] = (unsigned char)index;
    block[15] = (unsigned char)worker->number;
    worker->blocks[index] = block;
}

static int compare(const void *one, const void *other)
{
    if (strcmp(way, "callbacks") == 0 && current->publishes % SORTED == 0)
        publish(current);
    return *(const int *)one - *(const int *)other;
}

static void sort(struct worker *worker)
{
    int numbers[SORTED];
    for (unsigned i = 0; i < SORTED; i++)
        numbers[i] = rand_r(&worker->seed);
    qsort(numbers, SORTED, sizeof(numbers[0]), compare);
    for (unsigned i = 1; i < SORTED; i++)
        if (numbers[i - 1] > numbers[i])
            die("numbers are not sorted");
}

static void use_linker(void)
{
    void *library = dlopen("libm.so.6", RTLD_NOW);
    if (library == NULL || dlsym(library, "cos") == NULL)
        die("no library");
    dlclose(library);
}

static void measure(struct worker *worker)
{
    uint64_t now = now_ns();
    if (worker->last_ns != 0 && now - worker->last_ns > worker->worst_ns)
        worker->worst_ns = now - worker->last_ns;
    worker->last_ns = now;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    current = worker;
    bool calls = strcmp(way, "calls") == 0 || strcmp(way, "pointers") == 0;
    for (unsigned round = 0; !ended; round++) {
        churn(worker);
        if (round % ROUNDS != 0)
            continue;
        sort(worker);
        if (calls)
            publish(worker);
        if (strcmp(way, "callbacks") == 0)
            worker->publishes += worker->publishes % SORTED != 0;
        if (round % (ROUNDS * 64) == 0)
            use_linker();
        measure(worker);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(worker->blocks[i]);
    return NULL;
}

static void on_timer(int number)
{
    (void)number;
    publish(&workers[0]);
}

static void start_timer(void)
{
    const struct itimerspec every = {{0, 200000}, {0, 200000}};
    const struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_t timer;
    if (sigaction(SIGRTMIN, &action, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &every, NULL) != 0)
        die("no timer");
}

static void on_end(int number)
{
    (void)number;
    ended = 1;
}

static void wait_for_end(uint64_t milliseconds)
{
    uint64_t until = now_ns() + milliseconds * UINT64_C(1000000);
    const struct timespec pause = {0, 5000000};
    while (!ended && now_ns() < until)
        nanosleep(&pause, NULL);
    ended = 1;
}

static void *end_later(void *argument)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    wait_for_end(*(uint64_t *)argument);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return EXIT_FAILURE;
    way = argv[1];
    uint32_t threads = (uint32_t)strtoul(argv[2], NULL, 10) % (THREADS_MAX + 1);
    uint64_t milliseconds = strtoull(argv[3], NULL, 10);
    const struct sigaction end = {.sa_handler = on_end, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &end, NULL);
    if (strcmp(way, "pointers") == 0)
        by_pointer = (__typeof__(by_pointer))(uintptr_t)dlsym(RTLD_DEFAULT, "vyre_publish_slot");
    if (strcmp(way, "waits") == 0) {
        wait_for_end(milliseconds);
        return EXIT_SUCCESS;
    }
    pthread_t clock;
    if (pthread_create(&clock, NULL, end_later, &milliseconds) != 0)
        die("no thread");
    /* Of all threads the first handles it. */
    sigset_t timer_signal;
    sigemptyset(&timer_signal);
    sigaddset(&timer_signal, SIGRTMIN);
    pthread_sigmask(SIG_BLOCK, &timer_signal, NULL);
    for (uint32_t i = 1; i < threads; i++) {
        workers[i] = (struct worker){.number = i, .seed = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            die("no thread");
    }
    pthread_sigmask(SIG_UNBLOCK, &timer_signal, NULL);
    if (strcmp(way, "handlers") == 0)
        start_timer();
    work(&workers[0]);
    uint64_t publishes = workers[0].publishes;
    uint64_t worst_ns = workers[0].worst_ns;
    for (uint32_t i = 1; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        publishes += workers[i].publishes;
        worst_ns = workers[i].worst_ns > worst_ns ? workers[i].worst_ns : worst_ns;
    }
    pthread_join(clock, NULL);
    printf("%llu %llu\n", (unsigned long long)publishes, (unsigned long long)worst_ns / 1000);
    return EXIT_SUCCESS;
}
