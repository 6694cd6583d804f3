/* OpenBLAS on the right kernels. Debian's 0.3.21 knows a CPU by its model number, and takes one younger than itself, or one that a
 * virtual machine renames, for a Prescott: a fifth of its speed. So the core is chosen here by what the CPU can do, before
 * OpenBLAS looks: it reads OPENBLAS_CORETYPE in its own constructor, and ours, linked with it into one program or library, has an
 * earlier priority and calls it. What the user has set stays, and afterwards the environment is as it was: a program that loads
 * libmarquee may bring another OpenBLAS, or start others.
 *
 * Rejected: a second start of the program with the variable set (slower, and nothing for a library); `.preinit_array` (the
 * environment is not there yet). Where OpenBLAS is a shared library it has looked already, and its own choice holds. */
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

/* OpenBLAS takes a core of its own choice for a name that it does not know, and says nothing. */
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

struct loan {
    const char *name;
    bool lent, empty; /* `empty`: it was there, which OpenBLAS takes for a core that it does not know */
};

static struct loan lend(const char *name, const char *value)
{
    const bool empty = getenv(name);
    return (struct loan){name, !is_set(name) && setenv(name, value, 1) == 0, empty};
}

static void give_back(const struct loan *loan)
{
    if (loan->lent && loan->empty)
        setenv(loan->name, "", 1);
    else if (loan->lent)
        unsetenv(loan->name);
}

__attribute__((constructor(101))) static void choose_core(void)
{
    const mrq_cpu cpu = mrq_cpu_best();
    const char *const wide = __builtin_cpu_supports("avx512bf16") ? "COOPERLAKE" : "SKYLAKEX";
    const bool ours = cpu != MRQ_CPU_PLAIN && strcmp(openblas_get_corename(), "Unknown") == 0; /* it has not looked yet */
    struct loan core = {0};
    if (ours && (core = lend(VARIABLE, cpu >= MRQ_CPU_AVX512 ? wide : "HASWELL")).lent)
        chosen_by = "cpu";
    const struct loan threads = lend("OPENBLAS_NUM_THREADS", "1"); /* products are one thread's; without a pool it starts sooner */
    gotoblas_init();
    if (!core.lent)
        note_choice();
    give_back(&core);
    give_back(&threads);
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

/* Whether so many bytes of addresses are free. */
static bool has_room(size_t size)
{
    void *trial = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return trial != MAP_FAILED && munmap(trial, size) == 0;
}

mrq_status mrq_blas_reserve(uint32_t products, mrq_error *err)
{
    enum { MOST = 2 * MRQ_THREADS_MAX, WORK = 145 << 20 }; /* ours and BLAS's own; its 128 MB, and a stack */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint32_t ready;
    void *buffer[MOST];
    products = products < MOST ? products : MOST;
    pthread_mutex_lock(&lock);
    const size_t room = products > ready ? (size_t)(products - ready) * WORK : 0;
    const bool enough = !room || has_room(room);
    if (room && enough) {
        for (uint32_t i = 0; i < products; i++) /* it keeps what it has once taken */
            buffer[i] = blas_memory_alloc(0);
        for (uint32_t i = 0; i < products; i++)
            blas_memory_free(buffer[i]);
        ready = products;
    }
    pthread_mutex_unlock(&lock);
    return enough
               ? MRQ_OK
               : mrq_fail(err, MRQ_FAILED,
                          "out of memory: products of matrices take %zu MB of addresses, and fewer with fewer threads", room >> 20);
}

static void *wait_for(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

/* Whether the system has as many threads for us. OpenBLAS that is refused one raises SIGINT, and then waits for it for ever. */
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
        return mrq_fail(err, MRQ_FAILED, "cannot start %u threads: want fewer, by --threads", n - 1);
    sigset_t before;
    mrq_signals_block(&before); /* in the threads that it starts */
    openblas_set_num_threads((int)n);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return MRQ_OK;
}

void mrq_blas_alone(void)
{
    openblas_set_num_threads(1);
}
