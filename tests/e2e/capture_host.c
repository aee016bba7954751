/*
 * Hosts that make it hard for the recorder; the first argument says how.  Linked
 * to libvyre_runtime and to nothing of the recorder.  What they publish can be
 * checked by check_stress.c: args n, thread, a hash of both, ~n.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"
#include "vyre_runtime.h"

#define SLOTS 4096
#define THREADS_MAX 64

static _Alignas(64) uint8_t ring[SLOTS * VYRE_SLOT_BYTES];
static _Alignas(64) uint8_t control[VYRE_CONTROL_WORDS_MIN * 4];
static _Atomic int stop;

static void require(int result, const char *what)
{
    if (result != VYRE_OK) {
        fprintf(stderr, "capture_host: %s: %s\n", what, vyre_strerror(result));
        exit(EXIT_FAILURE);
    }
}

/** As a GPU would. */
static void drain(uint32_t slot)
{
    require(vyre_claim_slot(ring, sizeof(ring), slot), "claim");
    require(vyre_finish_slot(ring, sizeof(ring), slot), "finish");
}

static void publish(uint32_t slot, uint32_t thread, uint32_t n)
{
    const uint32_t args[] = {n, thread, stress_hash(n, thread), ~n};
    require(vyre_publish_slot(ring, sizeof(ring), slot, thread, VYRE_OP_ATOMIC_ADD, args, 4),
            "publish");
    drain(slot);
}

static void *publish_until_stopped(void *argument)
{
    uint32_t thread = *(uint32_t *)argument;
    for (uint32_t n = 0; !atomic_load_explicit(&stop, memory_order_relaxed); n++)
        publish(thread, thread, n);
    return NULL;
}

/** THREADS MILLISECONDS: publish from many threads, which begin at once. */
static void threads(unsigned count, long milliseconds)
{
    pthread_t started[THREADS_MAX];
    uint32_t numbers[THREADS_MAX];
    for (unsigned i = 0; i < count; i++) {
        numbers[i] = i;
        pthread_create(&started[i], NULL, publish_until_stopped, &numbers[i]);
    }
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
    atomic_store(&stop, 1);
    for (unsigned i = 0; i < count; i++)
        pthread_join(started[i], NULL);
}

/** Each way to publish once, and one refusal of each. */
static void every_way(void)
{
    const uint32_t args[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
    const struct vyre_packed_op packed[] = {{VYRE_OP_ATOMIC_ADD, args, 3},
                                            {VYRE_OP_STORE_U32, args + 3, 3}};
    const struct vyre_batch_item batch[] = {{VYRE_OP_NOP, NULL, 0}, {VYRE_OP_LOAD_U32, args, 2}};
    const struct vyre_work_item items[] = {{0x40000001, 7, 8, 9}, {0x40000002, 4, 5, 6}};
    uint32_t consumed = 0;
    uint32_t epoch;
    require(vyre_publish_slot(ring, sizeof(ring), 0, 1, VYRE_OP_PRINTF, args, 12), "slot");
    control[VYRE_CONTROL_EPOCH * 4] = 5;
    require(vyre_read_epoch(control, sizeof(control), &epoch), "epoch");
    require(vyre_publish_packed_slot(ring, sizeof(ring), 1, 2, packed, 2), "packed");
    require(vyre_batch_publish(ring, sizeof(ring), 2, 3, batch, 2, 77, &consumed), "batch");
    control[VYRE_CONTROL_EPOCH * 4] = 6;
    require(vyre_read_epoch(control, sizeof(control), &epoch), "epoch");
    require(vyre_publish_work_items(ring, sizeof(ring), 5, 4, items, 2), "work items");
    /* Refused: busy, and past the end. */
    for (int i = 0; i < 1000; i++) {
        vyre_publish_slot(ring, sizeof(ring), 0, 1, VYRE_OP_NOP, NULL, 0);
        vyre_publish_packed_slot(ring, sizeof(ring), 1, 2, packed, 2);
        vyre_batch_publish(ring, sizeof(ring), 2, 3, batch, 2, 77, &consumed);
        vyre_publish_work_items(ring, sizeof(ring), 5, 4, items, 2);
        vyre_batch_publish(ring, sizeof(ring), SLOTS - 1, 3, batch, 2, 77, &consumed);
        vyre_publish_slot(NULL, 0, 0, 1, VYRE_OP_NOP, NULL, 0);
    }
}

/** COUNT: refusals that cannot be foreseen by looking at the slot, and then as many publishes. */
static void refused_late(uint32_t count)
{
    const uint32_t args[13] = {0};
    for (uint32_t n = 0; n < count; n++)
        if (vyre_publish_slot(ring, sizeof(ring), 0, 1, VYRE_OP_NOP, args, 13) == VYRE_OK)
            exit(EXIT_FAILURE);
    for (uint32_t n = 0; n < count; n++)
        publish(0, 0, n);
}

/** COUNT: one batch of many slots. */
static void batch_of(uint32_t count)
{
    static uint32_t args[SLOTS][4];
    static struct vyre_batch_item items[SLOTS];
    for (uint32_t n = 0; n < count; n++) {
        const uint32_t all[] = {n, 0, stress_hash(n, 0), ~n};
        memcpy(args[n], all, sizeof(all));
        items[n] = (struct vyre_batch_item){VYRE_OP_ATOMIC_ADD, args[n], 4};
    }
    require(vyre_batch_publish(ring, sizeof(ring), 0, 0, items, count, 1, NULL), "batch");
}

/** A child of fork publishes too, and so does a child of that; all end well. */
static void forks(void)
{
    publish(0, 0, 0);
    for (uint32_t child = 1; child <= 2; child++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (uint32_t n = 0; n < 10 * child; n++)
                publish(child, child, n);
            _exit(EXIT_SUCCESS);
        }
        int status;
        if (waitpid(pid, &status, 0) != pid || status != 0)
            exit(EXIT_FAILURE);
    }
    publish(0, 0, 1);
}

#define HANDLED 2000u

static volatile uint32_t published_by_handler;

/* TSan hands on signals late: one may come when all is printed. */
static void publish_in_handler(int signal)
{
    (void)signal;
    if (published_by_handler < HANDLED)
        publish(1, 1, published_by_handler++);
}

/** A signal handler publishes while the thread that it interrupts does. */
static void handler(void)
{
    struct sigaction action = {.sa_handler = publish_in_handler};
    struct timespec interval = {0, 50000};
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    sigaction(SIGALRM, &action, NULL);
    publish(0, 0, 0);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &(struct itimerspec){interval, interval}, NULL);
    uint32_t n = 1;
    while (published_by_handler < HANDLED)
        publish(0, 0, n++);
    timer_delete(timer);
    printf("%u %u\n", n, published_by_handler);
}

/** What the host finds in errno and among its descriptors is its own. */
static void guest(void)
{
    int before = dup(0);
    close(before);
    errno = 4242;
    const uint32_t args[] = {0, 0, stress_hash(0, 0), ~0u};
    int result = vyre_publish_slot(ring, sizeof(ring), 0, 0, VYRE_OP_ATOMIC_ADD, args, 4);
    int kept = errno;
    require(result, "publish");
    int after = dup(0);
    printf("errno %d descriptors %s\n", kept, before == after ? "same" : "different");
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    long first = argc > 2 ? strtol(argv[2], NULL, 0) : 0;
    long second = argc > 3 ? strtol(argv[3], NULL, 0) : 0;
    if (strcmp(how, "threads") == 0 && first <= THREADS_MAX)
        threads((unsigned)first, second);
    else if (strcmp(how, "every-way") == 0)
        every_way();
    else if (strcmp(how, "batch") == 0 && first < SLOTS)
        batch_of((uint32_t)first);
    else if (strcmp(how, "refused-late") == 0)
        refused_late((uint32_t)first);
    else if (strcmp(how, "fork") == 0)
        forks();
    else if (strcmp(how, "handler") == 0)
        handler();
    else if (strcmp(how, "guest") == 0)
        guest();
    else
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
