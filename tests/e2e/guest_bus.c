/* A guest_host that meets SIGBUS. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_host.h"

static uint8_t *broken_page(void)
{
    char name[] = "/tmp/vrrl-guest.XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    if (ftruncate(file, 4096) != 0)
        exit(EXIT_FAILURE);
    uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (ftruncate(file, 0) != 0)
        exit(EXIT_FAILURE);
    close(file);
    return page;
}

static void *volatile broken;

static volatile sig_atomic_t bus_seen;
static volatile sig_atomic_t bus_at_page;

/* mmap() is a system call and no more.  NOLINTBEGIN(bugprone-signal-handler) */
static void mend_page(void)
{
    (void)!mmap(broken, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
    (void)context;
    bus_seen = number;
    bus_at_page = info->si_addr == broken;
    mend_page();
}

static void on_plain_bus(int number)
{
    bus_seen = -number;
    mend_page();
}
/* NOLINTEND(bugprone-signal-handler) */

void break_page(void)
{
    broken = broken_page();
    *(volatile uint8_t *)broken = 1;
    printf("SIGBUS %d at the page: %d\n", (int)bus_seen, (int)bus_at_page);
}

void bus(void)
{
    const struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    sigaction(SIGBUS, &action, NULL);
    publish(1);
    sigaction(SIGBUS, NULL, &before);
    printf("own handler: %d, flags %x\n", before.sa_sigaction == on_bus, before.sa_flags);
    break_page();
    printf("signal gives own handler: %d\n",
           signal(SIGBUS, on_plain_bus) == (__sighandler_t)(void (*)(void))on_bus);
    break_page();
    signal(SIGBUS, SIG_IGN);
    raise(SIGBUS);
    printf("ignored, %d\n", signal(SIGBUS, SIG_DFL) == SIG_IGN);
    publish(1);
}
