/* How fast indexes search, and how much of the exact answer they find: one line a setting. Beside it stands the bound, the time in
 * which one thread reads the vectors once and does nothing with them but add them up.
 *
 * Each index is built, saved, loaded, which shows its size in the file and in memory, and then asked. */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "base/plot.h"
#include "bench.h"
#include "index/kernels.h"
#include "measure.h"

enum { QUERIES = 1000, SMOKE_ROWS = 3000, SMOKE_QUERIES = 100 };

struct arguments {
    const char *cases, *kinds, *model, *dump, *reuse, *svg;
    int64_t repeats, rows, dim;
    bool json, smoke, one;
};

#define SETTINGS_MAX 20
struct plan {
    const char *kind;
    uint32_t parameters[SETTINGS_MAX], reranks[SETTINGS_MAX]; /* every pair of them; 0 ends a list */
};

#define GRAPH_EFFORTS                                                                                                              \
    {                                                                                                                              \
        10, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256                                                \
    }
static const struct plan plans_real[] = {
    {"Flat", {0}, {0}},
    {"HNSW32", GRAPH_EFFORTS, {0}},
    {"HNSW32,SQ8", GRAPH_EFFORTS, {10, 20}},
    {"PCA64,HNSW32,SQ8", GRAPH_EFFORTS, {10, 20, 40}},
    {"IVF64,Flat", {2, 4, 8, 16, 32}, {0}},
    {"IVF64,PQ20np", {8, 16, 32}, {400}},
    {"SQ8", {0}, {20}},
    {"SQfp16", {0}, {20}},
    {0},
};
static const struct plan plans_62k[] = {
    {"Flat", {0}, {0}},
    {"HNSW32", GRAPH_EFFORTS, {0}},
    {"HNSW32,SQ8", GRAPH_EFFORTS, {10, 20}},
    {"PCA64,HNSW32,SQ8", GRAPH_EFFORTS, {10, 20, 40}},
    {"IVF256,Flat", {4, 8, 16, 32, 64}, {0}},
    {"IVF256,PQ20np", {8, 16, 32, 64}, {400}},
    {"SQ8", {0}, {20}},
    {"SQfp16", {0}, {20}},
    {0},
};
static const struct plan plans_1m[] = {
    {"Flat", {0}, {0}},
    {"HNSW32", GRAPH_EFFORTS, {0}},
    {"HNSW32,SQ8", GRAPH_EFFORTS, {10, 20, 40}},
    {"IVF1024,Flat", {4, 8, 16, 32, 64}, {0}},
    {"IVF1024,PQ16np", {8, 16, 32, 64}, {400}},
    {"SQ8", {0}, {20}},
    {"SQfp16", {0}, {20}},
    {0},
};
static const struct plan plans_smoke[] = {
    {"Flat", {0}, {0}},
    {"HNSW32", {64}, {0}},
    {"HNSW32,SQ8", {64}, {40}},
    {"PCA64,HNSW32,SQ8", {64}, {40}},
    {"IVF16,Flat", {8}, {0}},
    {"IVF16,PQ8np", {8}, {100}},
    {"SQ8", {0}, {40}},
    {"SQfp16", {0}, {40}},
    {0},
};

/* What is known of an index before it is asked. */
struct index_facts {
    double build_seconds, build_cpu; /* NaN: not built in this run */
    double file_bytes, memory_bytes;
};

/* One kind's settings in the picture. */
#define CURVES_MAX 9
struct curve {
    const char *kind;
    uint32_t n;
    double recall[SETTINGS_MAX * SETTINGS_MAX], rate[SETTINGS_MAX * SETTINGS_MAX];
};

/* A case while it runs. */
struct work {
    const struct arguments *a;
    const mrq_bench_vectors *v;
    double read; /* seconds of a bare read */
    struct curve curve[CURVES_MAX];
    uint32_t n_curves;
};

static void print_line(const struct work *w, const mrq_index_settings *s, const struct index_facts *f, const mrq_bench_speed *speed)
{
    const mrq_bench_vectors *v = w->v;
    const double read = w->read;
    if (!w->a->json) {
        printf("%-6s %-16s %6u %5u  %6.4f %10.1f %10.1f %10.1f %10.1f %9.0f %9.0f %8.2f %8.1f %8.1f %8.1f\n", v->name, s->factory,
               s->parameter, s->rerank, speed->recall, speed->typical * 1e6, speed->p50 * 1e6, speed->p95 * 1e6, speed->p99 * 1e6,
               speed->rate[0], speed->rate[1], speed->typical / read, f->build_seconds, f->file_bytes / 1e6, f->memory_bytes / 1e6);
        fflush(stdout);
        return;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "case", v->name);
    cJSON_AddNumberToObject(line, "n", v->n);
    cJSON_AddNumberToObject(line, "dim", v->dim);
    cJSON_AddStringToObject(line, "kind", s->factory);
    cJSON_AddNumberToObject(line, "parameter", s->parameter);
    cJSON_AddNumberToObject(line, "rerank", s->rerank);
    cJSON_AddNumberToObject(line, "queries", speed->n_queries);
    cJSON_AddNumberToObject(line, "recall", speed->recall);
    cJSON_AddNumberToObject(line, "typical", speed->typical);
    cJSON_AddNumberToObject(line, "p50", speed->p50);
    cJSON_AddNumberToObject(line, "p95", speed->p95);
    cJSON_AddNumberToObject(line, "p99", speed->p99);
    cJSON_AddNumberToObject(line, "qps_1", speed->rate[0]);
    cJSON_AddNumberToObject(line, "qps_2", speed->rate[1]);
    cJSON_AddNumberToObject(line, "read_seconds", read);
    cJSON_AddNumberToObject(line, "build_seconds", f->build_seconds); /* null where it is NaN */
    cJSON_AddNumberToObject(line, "build_cpu", f->build_cpu);
    cJSON_AddNumberToObject(line, "file_bytes", f->file_bytes);
    cJSON_AddNumberToObject(line, "memory_bytes", f->memory_bytes);
    cJSON_AddStringToObject(line, "distances", mrq_distances_best()->name);
    mrq_bench_print(line);
}

/* Of all threads. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Builds the index into `path`, unless it is there already. */
static mrq_status make_file(const char *kind, const mrq_bench_vectors *v, const char *path, struct index_facts *facts,
                            mrq_error *err)
{
    facts->build_seconds = facts->build_cpu = NAN;
    if (mrq_file_exists(path))
        return MRQ_OK;
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    const double start = mrq_clock(), cpu = cpu_seconds();
    MRQ_TRY(mrq_index_build(kind, v->vector, v->n, v->dim, &index, err));
    facts->build_seconds = mrq_clock() - start;
    facts->build_cpu = cpu_seconds() - cpu;
    return mrq_index_save(index, path, err);
}

static mrq_status load(const char *kind, const mrq_bench_vectors *v, const char *path, mrq_index **out, struct index_facts *facts,
                       mrq_error *err)
{
    mrq_index_settings settings = {.parameter = strstr(kind, "HNSW") || strstr(kind, "IVF") ? 16 : 0};
    snprintf(settings.factory, sizeof settings.factory, "%s", kind);
    struct stat st;
    facts->file_bytes = stat(path, &st) == 0 ? (double)st.st_size : 0;
    malloc_trim(0);
    double before, after, files;
    mrq_bench_memory(&before, &files);
    mrq_map file = {0};
    MRQ_TRY(mrq_map_open(&file, path, err));
    const mrq_status status = mrq_index_load(&file, path, &settings, v->vector, v->n, v->dim, out, err);
    mrq_map_close(&file);
    MRQ_TRY(status);
    mrq_bench_memory(&after, &files);
    facts->memory_bytes = after - before;
    return MRQ_OK;
}

/* Keeps a setting that no other one beats in both recall and speed, in the order of recall. */
static void add_point(struct curve *c, double recall, double rate)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->recall[i] >= recall && c->rate[i] >= rate)
            return;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->recall[i] > recall || c->rate[i] > rate) {
            c->recall[n] = c->recall[i];
            c->rate[n++] = c->rate[i];
        }
    uint32_t at = n;
    for (; at > 0 && c->recall[at - 1] > recall; at--) {
        c->recall[at] = c->recall[at - 1];
        c->rate[at] = c->rate[at - 1];
    }
    c->recall[at] = recall;
    c->rate[at] = rate;
    c->n = n + 1;
}

static mrq_status draw(const struct work *w, mrq_error *err)
{
    mrq_plot_series series[CURVES_MAX];
    char title[128];
    snprintf(title, sizeof title, "%s: %u vectors of %u dimensions", w->v->name, w->v->n, w->v->dim);
    for (uint32_t i = 0; i < w->n_curves; i++)
        series[i] = (mrq_plot_series){.name = w->curve[i].kind,
                                      .x = w->curve[i].recall,
                                      .y = w->curve[i].rate,
                                      .n = w->curve[i].n,
                                      .points = w->curve[i].n == 1};
    const mrq_plot plot = {.title = title,
                           .about = "Recall of the best ten against queries a second, for each kind of index.",
                           .x_label = "recall@10",
                           .y_label = "queries a second, one thread",
                           .log_y = true,
                           .series = series,
                           .n_series = w->n_curves};
    return mrq_plot_save(&plot, w->a->svg, err);
}

static double read_once(const mrq_bench_vectors *v)
{
    return mrq_bench_read(v->vector, (size_t)v->n * v->dim);
}

static mrq_status try_settings(struct work *w, const struct plan *plan, mrq_index *index, const struct index_facts *facts,
                               mrq_error *err)
{
    const bool smoke = w->a->smoke, exact = strcmp(plan->kind, "Flat") == 0;
    struct curve *curve = &w->curve[w->n_curves++];
    *curve = (struct curve){.kind = plan->kind};
    for (int e = 0; e == 0 || (e < SETTINGS_MAX && plan->parameters[e]); e++)
        for (int d = 0; d == 0 || (d < SETTINGS_MAX && plan->reranks[d]); d++) {
            mrq_bench_speed speed;
            MRQ_TRY(mrq_index_tune(index, plan->parameters[e], plan->reranks[d], err));
            const double before = exact ? read_once(w->v) : 0;
            MRQ_TRY(mrq_bench_search(index, w->v, (uint32_t)w->a->repeats, smoke ? 0.01 : 1, &speed, err));
            if (exact) /* whose bound it is: both at the same time, as what a shared memory gives changes */
                w->read = (before + read_once(w->v)) / 2;
            print_line(w, mrq_index_settings_of(index), facts, &speed);
            add_point(curve, speed.recall, speed.rate[0]);
            if (smoke && speed.recall < (exact ? 0.999 : 0.8))
                return mrq_fail(err, MRQ_FAILED, "%s on %s: recall %.4f, want %s", plan->kind, w->v->name, speed.recall,
                                exact ? "1" : "0.8 or more");
        }
    return MRQ_OK;
}

/* The plan with one setting of it alone: the middle parameter, the last rerank. */
static struct plan middle_of(const struct plan *plan)
{
    struct plan one = {.kind = plan->kind};
    uint32_t parameters = 0, reranks = 0;
    while (parameters < SETTINGS_MAX && plan->parameters[parameters])
        parameters++;
    while (reranks < SETTINGS_MAX && plan->reranks[reranks])
        reranks++;
    one.parameters[0] = parameters ? plan->parameters[parameters / 2] : 0;
    one.reranks[0] = reranks ? plan->reranks[reranks - 1] : 0;
    return one;
}

/* Room for index files: the folder to reuse, or a temporary one. */
static mrq_status file_folder(const struct arguments *a, char *out, size_t size, mrq_error *err)
{
    const char *root = getenv("TMPDIR");
    if (a->reuse)
        snprintf(out, size, "%s", a->reuse);
    else
        snprintf(out, size, "%s/bench_index.XXXXXX", root ? root : "/tmp");
    return a->reuse || mkdtemp(out) ? MRQ_OK : mrq_fail_errno(err, "cannot make %s", out);
}

static mrq_status run_plan(struct work *w, const struct plan *plan, mrq_error *err)
{
    char folder[3000], path[4096];
    MRQ_TRY(file_folder(w->a, folder, sizeof folder, err));
    snprintf(path, sizeof path, "%s/%s.%s.faiss", folder, w->v->name, plan->kind);
    struct index_facts facts;
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    mrq_status status = make_file(plan->kind, w->v, path, &facts, err);
    if (status == MRQ_OK)
        status = load(plan->kind, w->v, path, &index, &facts, err);
    if (!w->a->reuse) {
        unlink(path);
        rmdir(folder);
    }
    return status == MRQ_OK ? try_settings(w, plan, index, &facts, err) : status;
}

/* Whether `name` is one of a list with blanks; NULL: all are. */
static bool wanted(const char *list, const char *name)
{
    const size_t size = strlen(name);
    for (const char *p = list; p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL)
        if (strncmp(p, name, size) == 0 && (p[size] == ' ' || !p[size]))
            return true;
    return !list;
}

struct bench_case {
    const char *name;
    uint32_t n, dim; /* 0: the model's */
    const struct plan *plans;
};

static mrq_status run_case(const struct arguments *a, const struct bench_case *c, mrq_error *err)
{
    MRQ_CLEANUP(mrq_bench_vectors_free) mrq_bench_vectors *v = NULL;
    const uint32_t queries = a->smoke ? SMOKE_QUERIES : QUERIES;
    if (c->n)
        MRQ_TRY(mrq_bench_vectors_like_real(c->name, a->smoke ? SMOKE_ROWS : c->n, c->dim, queries, &v, err));
    else
        MRQ_TRY(mrq_bench_vectors_of_model(a->model, queries, &v, err));
    if (a->dump)
        MRQ_TRY(mrq_bench_vectors_dump(v, a->dump, err));
    MRQ_AUTOFREE struct work *w = mrq_array(1, sizeof *w);
    if (!w)
        return mrq_fail_memory(err, "measuring indexes");
    w->a = a;
    w->v = v;
    w->read = read_once(v);
    if (!a->json)
        printf("%s: %u vectors of %u dimensions; one thread reads them once in %.1f us, %.1f GB/s\n", v->name, v->n, v->dim,
               w->read * 1e6, (double)v->n * v->dim * sizeof(float) / w->read / 1e9);
    for (const struct plan *plan = a->smoke ? plans_smoke : c->plans; plan->kind; plan++)
        if (wanted(a->kinds, plan->kind)) {
            const struct plan one = middle_of(plan);
            MRQ_TRY(run_plan(w, a->one ? &one : plan, err));
        }
    return a->svg ? draw(w, err) : MRQ_OK;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.repeats = 3};
    const mrq_option options[] = {
        {"case", 'c', MRQ_OPT_TEXT, &a.cases, 0, 0, "LIST", "of ml-1m, 62k, 1m, with blanks [all]"},
        {"kind", 'k', MRQ_OPT_TEXT, &a.kinds, 0, 0, "LIST", "kinds of index, with blanks [all of the case]"},
        {"model", 'm', MRQ_OPT_TEXT, &a.model, 0, 0, "FILE.mrq", "trained on MovieLens 1M, for ml-1m"},
        {"repeats", 'n', MRQ_OPT_INT, &a.repeats, 1, 31, "N", "passes over the queries; the middle one counts"},
        {"rows", 0, MRQ_OPT_INT, &a.rows, 1000, 100000000, "N", "vectors in 62k and 1m"},
        {"dim", 0, MRQ_OPT_INT, &a.dim, 34, 1024, "N", "their dimensions"},
        {"one", 0, MRQ_OPT_FLAG, &a.one, 0, 0, NULL, "one setting a kind"},
        {"dump", 0, MRQ_OPT_TEXT, &a.dump, 0, 0, "DIR", "write vectors, queries and exact answers there, for peers"},
        {"reuse", 0, MRQ_OPT_TEXT, &a.reuse, 0, 0, "DIR", "keep the indexes there, and build none that is there already"},
        {"svg", 0, MRQ_OPT_TEXT, &a.svg, 0, 0, "FILE", "draw recall against queries a second, of one case"},
        {"json", 'j', MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "a JSON document a line"},
        {"smoke", 0, MRQ_OPT_FLAG, &a.smoke, 0, 0, NULL, "tiny sizes, to see that it runs"},
        {0},
    };
    const mrq_command command = {"bench_index",
                                 "[option...]",
                                 "Measures how fast indexes search, and what they find.",
                                 options,
                                 0,
                                 0,
                                 "  bench_index --case 62k --kind 'Flat HNSW32,SQ8'\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    a.repeats = a.smoke ? 1 : a.repeats;
    if (a.svg && (!a.cases || strchr(a.cases, ' ')))
        return mrq_fail(err, MRQ_USAGE, "--svg draws one case, want --case with one of ml-1m, 62k, 1m");
    if (!a.json)
        printf("distances %s; times in us; x read: how many times as long as reading the vectors once\n"
               "%-6s %-16s %6s %5s  %6s %10s %10s %10s %10s %9s %9s %8s %8s %8s %8s\n",
               mrq_distances_best()->name, "case", "kind", "parameter", "rerank", "recall", "typical", "p50", "p95", "p99", "QPS",
               "QPS of 2", "x read", "build s", "file MB", "RSS MB");
    static const struct bench_case cases[] = {
        {"ml-1m", 0, 0, plans_real}, {"62k", 62000, 200, plans_62k}, {"1m", 1000000, 64, plans_1m}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!wanted(a.cases, cases[i].name))
            continue;
        struct bench_case c = cases[i];
        if (c.n) {
            c.n = a.rows ? (uint32_t)a.rows : c.n;
            c.dim = a.dim ? (uint32_t)a.dim : c.dim;
        }
        if (c.n || a.model)
            MRQ_TRY(run_case(&a, &c, err));
        else
            fprintf(stderr, "bench_index: ml-1m is skipped: give a model with --model, made by "
                            "marquee train --data DIR/ml-1m --model fusion --out FILE.mrq\n");
    }
    return MRQ_OK;
}

int main(int argc, char **argv)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* so that memory given back shows, and what an index takes is not hidden by it */
    return mrq_bench_main("bench_index", MRQ_LOG_ERROR, run, argc, argv);
}
