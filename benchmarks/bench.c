#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "build.h"
#include "model/gemm.h"
#include "model/kernels.h"

static void cpu_name(char *out, size_t size)
{
    snprintf(out, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            snprintf(out, size, "%s", strchr(line, ':') + 2);
            out[strcspn(out, "\n")] = '\0';
            break;
        }
    if (file)
        fclose(file);
}

int mrq_bench_main(const char *name, mrq_log_level level, mrq_status run(int argc, char **argv, mrq_error *err), int argc,
                   char **argv)
{
    mrq_error err = {MRQ_OK, ""};
    mrq_log_open(stderr, level);
    const mrq_status status = run(argc, argv, &err);
    if (status != MRQ_OK)
        fprintf(stderr, "%s: %s\n", name, err.msg);
    return (int)status;
}

void mrq_bench_print(cJSON *line)
{
    char cpu[128];
    cpu_name(cpu, sizeof cpu);
    cJSON_AddStringToObject(line, "git", MRQ_GIT);
    cJSON_AddStringToObject(line, "cpu", cpu);
    cJSON_AddStringToObject(line, "compiler", __VERSION__);
    cJSON_AddStringToObject(line, "blas_core", mrq_blas_core());
    cJSON_AddStringToObject(line, "kernels", mrq_kernels_best()->name);
    char *text = cJSON_PrintUnformatted(line);
    puts(text ? text : "{}");
    fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(line);
}

enum { SIDE = 768 };

/* Multiplies for a third of a second; the best of the products counts. */
static void *multiply(void *result)
{
    const size_t n = (size_t)SIDE * SIDE;
    MRQ_AUTOFREE float *a = mrq_array(n, sizeof *a), *b = mrq_array(n, sizeof *b), *c = mrq_array(n, sizeof *c);
    if (!a || !b || !c)
        return NULL;
    const double end = mrq_clock() + 0.35;
    double best = 0;
    while (mrq_clock() < end) {
        const double start = mrq_clock();
        mrq_gemm(SIDE, SIDE, SIDE, a, SIDE, b, SIDE, 0, c, SIDE);
        const double rate = 2.0 * SIDE * SIDE * SIDE / (mrq_clock() - start) / 1e9;
        best = rate > best ? rate : best;
    }
    *(double *)result = best;
    return NULL;
}

double mrq_bench_sgemm(unsigned threads)
{
    enum { MOST = 64 };
    pthread_t id[MOST];
    double rate[MOST] = {0}, total = 0;
    unsigned started = 0;
    mrq_blas_alone();
    for (; started < threads && started < MOST; started++)
        if (pthread_create(&id[started], NULL, multiply, &rate[started]) != 0)
            break;
    for (unsigned i = 0; i < started; i++) {
        pthread_join(id[i], NULL);
        total += rate[i];
    }
    return total;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mrq_bench_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
