#include "base/parallel.h"

#include <sched.h>

#include <stdatomic.h>

void mrq_signals_block(sigset_t *before)
{
    /* If a thread blocks one of these and causes it, the program ends without a message. */
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

int mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    sigset_t before;
    mrq_signals_block(&before);
    const int failed = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static _Thread_local const volatile sig_atomic_t *stop_flag;

void mrq_parallel_stop(const volatile sig_atomic_t *stop)
{
    stop_flag = stop;
}

bool mrq_parallel_stopped(void)
{
    return stop_flag && *stop_flag;
}

struct job {
    const volatile sig_atomic_t *stop; /* or NULL */
    atomic_uint_least64_t next;
    uint64_t n;
    void (*work)(void *context, uint64_t i);
    void *context;
};

static void *take_pieces(void *argument)
{
    struct job *job = argument;
    for (uint64_t i; !(job->stop && *job->stop) && (i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < job->n;)
        job->work(job->context, i);
    return NULL;
}

void mrq_parallel(uint32_t threads, uint64_t n, void (*work)(void *context, uint64_t i), void *context)
{
    struct job job = {.stop = stop_flag, .n = n, .work = work, .context = context};
    pthread_t id[MRQ_THREADS_MAX];
    uint32_t started = 0, wanted = threads < MRQ_THREADS_MAX ? threads : MRQ_THREADS_MAX;
    while (started + 1 < wanted && started + 1 < n && mrq_thread_start(&id[started], take_pieces, &job) == 0)
        started++;
    take_pieces(&job);
    while (started > 0)
        pthread_join(id[--started], NULL);
}

uint32_t mrq_threads_default(void)
{
    cpu_set_t set;
    const int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return cpus > MRQ_THREADS_MAX ? MRQ_THREADS_MAX : (uint32_t)cpus;
}
