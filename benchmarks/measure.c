/* The machine is shared, and a thread that loses its core loses 4 ms: the time of forty searches. So there are medians everywhere:
 * over passes for percentiles, over blocks of a hundred queries for the time that two programs are compared by. */
#include "measure.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "bench.h"

enum { WARM_UP = 20, LEAST_QUERIES = 50, REPEATS_MAX = 31, BLOCK = 100 };

/* One thread's part of a pass. */
struct part {
    const mrq_index *index;
    const mrq_bench_vectors *vectors;
    uint32_t first, last;
    double *seconds; /* (n_queries) of each query */
    uint64_t same;   /* rows found that are in the exact answer */
    double begin, end;
    pthread_barrier_t *start;
    mrq_status status;
    mrq_error err;
};

static int by_row(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static mrq_status ask(struct part *p, mrq_error *err)
{
    const mrq_bench_vectors *v = p->vectors;
    mrq_hit hit[MRQ_BENCH_K];
    p->same = 0;
    for (uint32_t q = p->first; q < p->last; q++) {
        uint32_t found = 0;
        const double start = mrq_clock();
        MRQ_TRY(mrq_index_search(p->index, v->query + (size_t)q * v->dim, MRQ_BENCH_K, NULL, hit, &found, err));
        p->seconds[q] = mrq_clock() - start;
        for (uint32_t j = 0; j < found; j++)
            p->same += bsearch(&hit[j].row, v->answer + (size_t)q * MRQ_BENCH_K, MRQ_BENCH_K, sizeof *v->answer, by_row) != NULL;
    }
    return MRQ_OK;
}

static void *run_part(void *context)
{
    struct part *p = context;
    pthread_barrier_wait(p->start);
    p->begin = mrq_clock();
    p->status = ask(p, &p->err);
    p->end = mrq_clock();
    return NULL;
}

/* Queries a second of two threads, each with half of the queries. */
static mrq_status two_threads(const struct part *whole, double *rate, mrq_error *err)
{
    pthread_t id[2];
    pthread_barrier_t start;
    struct part part[2] = {*whole, *whole};
    part[0].last = part[1].first = (whole->first + whole->last) / 2;
    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0; i < 2; i++) {
        part[i].start = &start;
        if (pthread_create(&id[i], NULL, run_part, &part[i]) != 0)
            abort(); /* the first thread already waits for this one */
    }
    for (int i = 0; i < 2; i++)
        pthread_join(id[i], NULL);
    const double begin = fmin(part[0].begin, part[1].begin), end = fmax(part[0].end, part[1].end);
    *rate = (whole->last - whole->first) / (end - begin);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < 2; i++)
        if (part[i].status != MRQ_OK)
            return mrq_fail(err, part[i].status, "%s", part[i].err.msg);
    return MRQ_OK;
}

/* The means of every BLOCK of queries; what is left behind the last counts for none. */
static uint32_t block_means(const double *seconds, uint32_t n, double *out)
{
    const uint32_t size = n < BLOCK ? n : BLOCK, blocks = n / size;
    for (uint32_t b = 0; b < blocks; b++) {
        out[b] = 0;
        for (uint32_t q = 0; q < size; q++)
            out[b] += seconds[b * size + q] / size;
    }
    return blocks;
}

mrq_status mrq_bench_search(const mrq_index *index, const mrq_bench_vectors *vectors, uint32_t repeats, double seconds,
                            mrq_bench_speed *out, mrq_error *err)
{
    double p50[REPEATS_MAX], p95[REPEATS_MAX], p99[REPEATS_MAX], rate[REPEATS_MAX];
    repeats = repeats > REPEATS_MAX ? REPEATS_MAX : repeats;
    MRQ_AUTOFREE double *each = mrq_array(vectors->n_queries, sizeof *each);
    MRQ_AUTOFREE double *mean = mrq_array((size_t)vectors->n_queries * repeats, sizeof *mean);
    if (!each || !mean)
        return mrq_fail_memory(err, "measuring an index");
    struct part part = {.index = index, .vectors = vectors, .last = WARM_UP, .seconds = each};
    part.last = part.last > vectors->n_queries ? vectors->n_queries : part.last;
    MRQ_TRY(ask(&part, err));
    const double fit = seconds / mrq_bench_median(each, part.last);
    const uint32_t most = fit < LEAST_QUERIES ? LEAST_QUERIES : fit > UINT32_MAX ? UINT32_MAX : (uint32_t)fit;
    const uint32_t n = part.last = most < vectors->n_queries ? most : vectors->n_queries;
    uint32_t n_means = 0;
    for (uint32_t r = 0; r < repeats; r++) {
        MRQ_TRY(ask(&part, err));
        n_means += block_means(each, n, mean + n_means);
        p50[r] = mrq_bench_median(each, n); /* which sorts */
        p95[r] = each[n * 95 / 100];
        p99[r] = each[n * 99 / 100];
    }
    const double recall = (double)part.same / ((double)n * MRQ_BENCH_K);
    for (uint32_t r = 0; r < repeats; r++)
        MRQ_TRY(two_threads(&part, &rate[r], err));
    const double typical = mrq_bench_median(mean, n_means);
    *out = (mrq_bench_speed){.n_queries = n,
                             .recall = recall,
                             .typical = typical,
                             .p50 = mrq_bench_median(p50, repeats),
                             .p95 = mrq_bench_median(p95, repeats),
                             .p99 = mrq_bench_median(p99, repeats),
                             .rate = {1 / typical, mrq_bench_median(rate, repeats)}};
    return MRQ_OK;
}

/* Eight sums in vectors of 64 bytes; the compiler splits them where the registers are shorter. */
typedef float wide __attribute__((vector_size(64), aligned(4)));
enum { LANES = sizeof(wide) / sizeof(float), SUMS = 8 };

#define DEFINE_READ(name, attributes)                                                                                              \
    attributes static float name(const float *x, size_t n)                                                                         \
    {                                                                                                                              \
        wide sum[SUMS] = {{0}};                                                                                                    \
        size_t i = 0;                                                                                                              \
        for (; i + LANES * SUMS <= n; i += LANES * SUMS)                                                                           \
            for (size_t s = 0; s < SUMS; s++)                                                                                      \
                sum[s] += *(const wide *)(const void *)(x + i + s * LANES);                                                        \
        float total = 0;                                                                                                           \
        for (; i < n; i++)                                                                                                         \
            total += x[i];                                                                                                         \
        for (size_t s = 0; s < SUMS; s++)                                                                                          \
            for (size_t l = 0; l < LANES; l++)                                                                                     \
                total += sum[s][l];                                                                                                \
        return total;                                                                                                              \
    }

DEFINE_READ(read_plain, )
#ifdef __x86_64__
DEFINE_READ(read_avx2, __attribute__((target("avx2"))))
DEFINE_READ(read_avx512, __attribute__((target("avx512f"))))
#endif

static double time_read(float (*read)(const float *, size_t), const float *x, size_t n)
{
    enum { MOST = 1001, LEAST = 5 };
    double seconds[MOST];
    volatile float sum = read(x, n);
    size_t times = 0;
    for (const double end = mrq_clock() + 0.2; times < MOST && (times < LEAST || mrq_clock() < end); times++) {
        const double start = mrq_clock();
        sum = sum + read(x, n);
        seconds[times] = mrq_clock() - start;
    }
    return mrq_bench_median(seconds, times);
}

double mrq_bench_read(const float *x, size_t n)
{
    double least = time_read(read_plain, x, n);
#ifdef __x86_64__
    if (mrq_cpu_best() >= MRQ_CPU_AVX2)
        least = fmin(least, time_read(read_avx2, x, n));
    if (mrq_cpu_best() >= MRQ_CPU_AVX512)
        least = fmin(least, time_read(read_avx512, x, n));
#endif
    return least;
}

void mrq_bench_memory(double *own, double *files)
{
    *own = *files = 0;
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "RssAnon: %lf", own);
        sscanf(line, "RssFile: %lf", files);
    }
    if (file)
        fclose(file);
    *own *= 1024;
    *files *= 1024;
}
