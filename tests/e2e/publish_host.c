/*
 * A host that publishes what its arguments say, in their order:
 *
 *   threads T                  from now on, publish from T threads at once
 *   publish N                  each thread publishes N slots: ATOMIC_ADD, args n, thread
 *   slot INDEX TENANT OPCODE A B C D   publish one slot
 *   busy                       publish into a slot that is in use, which the runtime refuses
 *   epoch E                    see epoch E
 *   sleep MILLISECONDS
 *
 * It is linked to libvyre_runtime and to nothing of the recorder.  Slots are
 * drained at once, as a GPU would.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vyre_runtime.h"

#define SLOTS 64
#define THREADS_MAX 64

static _Alignas(64) uint8_t ring[SLOTS * 64];
static _Alignas(64) uint8_t control[160 * 4];
static unsigned long publishes;

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text == NULL ? "0" : text, NULL, 0);
}

static void require(int result, const char *what)
{
    if (result != 0) {
        fprintf(stderr, "publish_host: %s: %s\n", what, vyre_strerror(result));
        exit(EXIT_FAILURE);
    }
}

static void drain(uint32_t slot)
{
    require(vyre_claim_slot(ring, sizeof(ring), slot), "claim");
    require(vyre_finish_slot(ring, sizeof(ring), slot), "finish");
}

static void *publish_all(void *argument)
{
    uint32_t thread = *(uint32_t *)argument;
    for (unsigned long n = 0; n < publishes; n++) {
        uint32_t args[] = {(uint32_t)n, thread};
        require(vyre_publish_slot(ring, sizeof(ring), thread, thread, VYRE_OP_ATOMIC_ADD, args, 2),
                "publish");
        drain(thread);
    }
    return NULL;
}

static void publish(uint32_t threads)
{
    pthread_t ids[THREADS_MAX];
    uint32_t numbers[THREADS_MAX];
    for (uint32_t i = 0; i < threads; i++) {
        numbers[i] = i;
        require(pthread_create(&ids[i], NULL, publish_all, &numbers[i]), "thread");
    }
    for (uint32_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
}

static void publish_slot(char **arguments)
{
    uint32_t args[4];
    uint32_t slot = number(arguments[0]);
    for (int i = 0; i < 4; i++) {
        args[i] = number(arguments[3 + i]);
    }
    require(vyre_publish_slot(ring, sizeof(ring), slot, number(arguments[1]), number(arguments[2]),
                              args, 4),
            "slot");
    drain(slot);
}

static void publish_busy(void)
{
    const uint32_t args[] = {1, 2};
    require(vyre_publish_slot(ring, sizeof(ring), 0, 0, VYRE_OP_NOP, NULL, 0), "busy");
    if (vyre_publish_slot(ring, sizeof(ring), 0, 0, VYRE_OP_NOP, args, 2) != VYRE_E_SLOT_BUSY) {
        exit(EXIT_FAILURE);
    }
    drain(0);
}

static void see_epoch(uint32_t epoch)
{
    uint32_t seen;
    memcpy(control + sizeof(epoch) * VYRE_CONTROL_EPOCH, &epoch, sizeof(epoch));
    require(vyre_read_epoch(control, sizeof(control), &seen), "epoch");
}

static void sleep_milliseconds(uint32_t milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
    uint32_t threads = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "threads") == 0) {
            threads = number(argv[++i]);
        } else if (strcmp(argv[i], "publish") == 0) {
            publishes = number(argv[++i]);
            publish(threads);
        } else if (strcmp(argv[i], "slot") == 0 && i + 7 < argc) {
            publish_slot(argv + i + 1);
            i += 7;
        } else if (strcmp(argv[i], "busy") == 0) {
            publish_busy();
        } else if (strcmp(argv[i], "epoch") == 0) {
            see_epoch(number(argv[++i]));
        } else if (strcmp(argv[i], "sleep") == 0) {
            sleep_milliseconds(number(argv[++i]));
        } else {
            fprintf(stderr, "publish_host: %s?\n", argv[i]);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
