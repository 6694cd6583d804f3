/* Chooses OpenBLAS's kernels. Debian's 0.3.21 recognises a CPU by its model number; a CPU that is newer than OpenBLAS, or renamed
 * by a virtual machine, is taken for a Prescott, at a fifth of the speed. So the core is chosen here by the CPU's features, before
 * OpenBLAS chooses. OpenBLAS reads OPENBLAS_CORETYPE in its constructor; our constructor, linked into the same program or library,
 * has an earlier priority, sets the variable and calls OpenBLAS's. A value set by the user is kept. Afterwards the environment is
 * as before, because a program that loads libmarquee may load another OpenBLAS or start programs that do.
 *
 * Rejected: starting the program again with the variable set (slower, and impossible for a library); `.preinit_array` (the
 * environment does not exist yet). If OpenBLAS is a shared library, it has already chosen, and its choice stays. */
#include <cblas.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "base/cpu.h"
#include "base/parallel.h"
#include "model/gemm.h"

#define VARIABLE "OPENBLAS_CORETYPE"

_Thread_local double mrq_flops;

static const char *chosen_by = "OpenBLAS";

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* OpenBLAS silently chooses a core itself when it does not know the name. */
const char *mrq_blas_ignored(void)
{
    const char *value = getenv(VARIABLE);
    return is_set(VARIABLE) && strcasecmp(value, openblas_get_corename()) != 0 ? value : NULL;
}

static void note_choice(void)
{
    if (is_set(VARIABLE) && !mrq_blas_ignored())
        chosen_by = VARIABLE;
}

#ifdef __x86_64__
void gotoblas_init(void); /* OpenBLAS's constructor; a second call does nothing */

struct variable {
    const char *name;
    bool set, empty; /* `empty`: it existed with an empty value, which OpenBLAS takes for an unknown core */
};

static struct variable set_variable(const char *name, const char *value)
{
    const bool empty = getenv(name);
    return (struct variable){name, !is_set(name) && setenv(name, value, 1) == 0, empty};
}

static void restore_variable(const struct variable *variable)
{
    if (variable->set && variable->empty)
        setenv(variable->name, "", 1);
    else if (variable->set)
        unsetenv(variable->name);
}

__attribute__((constructor(101))) static void choose_core(void)
{
    const mrq_cpu cpu = mrq_cpu_best();
    const char *const wide = __builtin_cpu_supports("avx512bf16") ? "COOPERLAKE" : "SKYLAKEX";
    const bool ours = cpu != MRQ_CPU_PLAIN && strcmp(openblas_get_corename(), "Unknown") == 0; /* OpenBLAS has not chosen yet */
    struct variable core = {0};
    if (ours && (core = set_variable(VARIABLE, cpu >= MRQ_CPU_AVX512 ? wide : "HASWELL")).set)
        chosen_by = "cpu";
    const struct variable threads =
        set_variable("OPENBLAS_NUM_THREADS", "1"); /* each product uses one thread; OpenBLAS starts faster
                                                      without a pool */
    gotoblas_init();
    if (!core.set)
        note_choice();
    restore_variable(&core);
    restore_variable(&threads);
}
#else
__attribute__((constructor)) static void look(void)
{
    note_choice();
}
#endif

const char *mrq_blas_core(void)
{
    return openblas_get_corename();
}

const char *mrq_blas_chosen_by(void)
{
    return chosen_by;
}

void *blas_memory_alloc(int);
void blas_memory_free(void *);

/* Whether `size` bytes of address space are free. */
static bool has_addresses(size_t size)
{
    void *trial = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return trial != MAP_FAILED && munmap(trial, size) == 0;
}

mrq_status mrq_blas_reserve(uint32_t products, mrq_error *err)
{
    enum { MOST = 2 * MRQ_THREADS_MAX, WORK = 145 << 20 }; /* our threads and BLAS's own; 128 MB of work memory, and a stack */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint32_t ready;
    void *buffer[MOST];
    products = products < MOST ? products : MOST;
    pthread_mutex_lock(&lock);
    const size_t size = products > ready ? (size_t)(products - ready) * WORK : 0;
    const bool enough = !size || has_addresses(size);
    if (size && enough) {
        for (uint32_t i = 0; i < products; i++) /* OpenBLAS keeps these buffers */
            buffer[i] = blas_memory_alloc(0);
        for (uint32_t i = 0; i < products; i++)
            blas_memory_free(buffer[i]);
        ready = products;
    }
    pthread_mutex_unlock(&lock);
    return enough ? MRQ_OK
                  : mrq_fail(err, MRQ_FAILED, "out of memory: matrix products need %zu MB of address space; use fewer threads",
                             size >> 20);
}

static void *wait_for(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

/* Whether the system lets us start `threads` threads. When OpenBLAS cannot start one, it raises SIGINT and then waits forever. */
static bool can_start(uint32_t threads)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t id[MRQ_THREADS_MAX];
    uint32_t n = 0;
    pthread_mutex_lock(&mutex);
    while (n < threads && mrq_thread_start(&id[n], wait_for, &mutex) == 0)
        n++;
    pthread_mutex_unlock(&mutex);
    for (uint32_t i = 0; i < n; i++)
        pthread_join(id[i], NULL);
    return n == threads;
}

mrq_status mrq_blas_share(uint32_t threads, mrq_error *err)
{
    const uint32_t n = threads < MRQ_THREADS_MAX ? threads : MRQ_THREADS_MAX;
    if (!can_start(n - 1))
        return mrq_fail(err, MRQ_FAILED, "cannot start %u threads: use fewer (--threads)", n - 1);
    sigset_t before;
    mrq_signals_block(&before); /* for the threads that OpenBLAS starts */
    openblas_set_num_threads((int)n);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return MRQ_OK;
}

void mrq_blas_alone(void)
{
    openblas_set_num_threads(1);
}
