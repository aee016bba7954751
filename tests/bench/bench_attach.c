/*
 * bench_attach SHIM RUNS THREADS [gdb]: how long a thread of a job is held up when the shim is
 * loaded into it while it runs, and when it is let go.
 *
 * Each run starts a job of its own, whose threads publish every millisecond and note by how much
 * they are late at worst. Prints, in microseconds, median and worst of that: with nothing done,
 * when the shim is loaded, when the log is opened, and when it is let go; with `gdb`, of gdb's
 * calling dlopen() in the job instead.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/attach.h"
#include "bench_support.h"
#include "panel/remote.h"
#include "session/writer.h"
#include "vyre_runtime.h"

#define THREADS_MAX 64u
#define RUNS_MAX 1000u
#define PERIOD_NS 1000000
#define SETTLE_US 20000
#define WAIT_MS 2000

/** Between the job and who measures. */
struct shared {
    _Atomic unsigned running;
    _Atomic uint64_t worst_ns[THREADS_MAX];
};

static struct shared *shared;
static _Alignas(64) uint8_t ring[THREADS_MAX * 64];

static void *publish(void *argument)
{
    uint32_t slot = (uint32_t)(uintptr_t)argument;
    const struct timespec period = {0, PERIOD_NS};
    shared->running++;
    for (uint64_t last = (uint64_t)bench_now_ns();;) {
        if (vyre_publish_slot(ring, sizeof(ring), slot, 0, VYRE_OP_NOP, NULL, 0) != 0 ||
            vyre_claim_slot(ring, sizeof(ring), slot) != 0 ||
            vyre_finish_slot(ring, sizeof(ring), slot) != 0)
            abort();
        uint64_t now = (uint64_t)bench_now_ns();
        uint64_t late = now - last > PERIOD_NS ? now - last - PERIOD_NS : 0;
        if (late > shared->worst_ns[slot])
            shared->worst_ns[slot] = late;
        last = now;
        nanosleep(&period, NULL);
    }
    return NULL;
}

static void run_job(unsigned threads)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uintptr_t i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, publish, (void *)i) != 0)
            abort();
    publish(NULL);
}

static pid_t start_job(unsigned threads)
{
    shared->running = 0;
    pid_t pid = fork();
    if (pid == 0)
        run_job(threads);
    while (shared->running < threads)
        usleep(1000);
    usleep(SETTLE_US);
    return pid;
}

static void end_job(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void begin_measuring(void)
{
    for (unsigned i = 0; i < THREADS_MAX; i++)
        shared->worst_ns[i] = 0;
}

/** In microseconds. */
static double end_measuring(void)
{
    uint64_t worst = 0;
    usleep(SETTLE_US);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        worst = shared->worst_ns[i] > worst ? shared->worst_ns[i] : worst;
    return (double)worst / 1000;
}

static void load_by_gdb(pid_t pid, const char *shim)
{
    char command[1024];
    snprintf(command, sizeof(command),
             "gdb -q -nx -batch -p %d -ex 'call (void *)dlopen(\"%s\", 2)' >/dev/null 2>&1",
             (int)pid, shim);
    if (system(command) != 0)
        bench_fail("attach", "gdb cannot attach");
}

static void load(pid_t pid, const char *shim)
{
    struct attach_error error;
    struct attach_result result;
    const struct attach_request request = {.pid = pid, .shim = shim};
    if (attach_load(&request, &result, &error) != 0)
        bench_fail("attach", error.text);
}

/** Have the log opened. */
static void record(pid_t pid, struct panel_remote *panel, const char *log)
{
    struct process process;
    struct panel_request request = {.capacity = VRRL_CAPACITY_DEFAULT, .ring_argument = 1};
    snprintf(request.log, sizeof(request.log), "%s", log);
    /* As `vrrl attach` does. */
    if (recording_prepare(log, request.capacity, false) != 0)
        bench_fail("attach", "no log can be made");
    if (!process_look((uint32_t)pid, &process) || panel_open(&process, true, panel) != 0 ||
        !panel_lock(panel) || !panel_read(panel) || !panel_ask(panel, &request))
        bench_fail("attach", "there is no panel");
    panel_unlock(panel);
    if (!panel_wait(panel, WAIT_MS))
        bench_fail("attach", "the shim does not answer");
}

static void detach(struct panel_remote *panel)
{
    if (!panel_lock(panel) || !panel_read(panel) || !panel_ask(panel, NULL))
        bench_fail("attach", "there is no panel");
    panel_unlock(panel);
    if (!panel_wait_left(panel, WAIT_MS))
        bench_fail("attach", "the shim does not answer");
    for (unsigned waited = 0; panel_read(panel) && panel->seen.asleep == 0; waited++) {
        if (waited > WAIT_MS)
            bench_fail("attach", "the shim does not fall asleep");
        usleep(1000);
    }
    panel_close(panel);
}

static void print(const char *name, double *values, unsigned len)
{
    printf("%s_median %.0f\n", name, bench_median(values, len));
    printf("%s_worst %.0f\n", name, values[len - 1]);
}

struct results {
    double quiet[RUNS_MAX];
    double load[RUNS_MAX];
    double record[RUNS_MAX];
    double detach[RUNS_MAX];
};

static void run_ours(pid_t pid, const char *shim, unsigned run, struct results *results)
{
    struct panel_remote panel;
    char log[64];
    snprintf(log, sizeof(log), "/dev/shm/bench-attach-%d.vrrl", (int)pid);
    load(pid, shim);
    results->load[run] = end_measuring();
    begin_measuring();
    record(pid, &panel, log);
    results->record[run] = end_measuring();
    begin_measuring();
    detach(&panel);
    results->detach[run] = end_measuring();
    snprintf(log, sizeof(log), "rm -rf /dev/shm/bench-attach-%d.vrrl*", (int)pid);
    if (system(log) != 0)
        bench_fail("attach", "the log cannot be removed");
}

int main(int argc, char **argv)
{
    static struct results results;
    unsigned runs = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    bool by_gdb = argc > 4 && strcmp(argv[4], "gdb") == 0;
    if (runs == 0 || runs > RUNS_MAX || threads == 0 || threads > THREADS_MAX)
        bench_fail("attach", "usage: bench_attach SHIM RUNS THREADS [gdb]");
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        bench_fail("attach", "no memory");
    for (unsigned run = 0; run < runs; run++) {
        pid_t pid = start_job(threads);
        begin_measuring();
        results.quiet[run] = end_measuring();
        begin_measuring();
        if (by_gdb) {
            load_by_gdb(pid, argv[1]);
            results.load[run] = end_measuring();
        } else {
            run_ours(pid, argv[1], run, &results);
        }
        end_job(pid);
    }
    print("quiet", results.quiet, runs);
    print("load", results.load, runs);
    if (!by_gdb) {
        print("record", results.record, runs);
        print("detach", results.detach, runs);
    }
    return EXIT_SUCCESS;
}
