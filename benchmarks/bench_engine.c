/* What an answer costs without HTTP: the library's calls on a store, from one thread and from two, and where the time of a computed
 * answer goes.
 *
 * Every case warms up, then asks for some seconds, each call timed by itself; a document is part of an answer, so it is asked for.
 * The steps are timed one by one inside the engine, over the same queries and without a cache; "the rest" is what the call as a
 * whole takes beyond them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "bench.h"
#include "engine/json.h"
#include "engine/options.h"
#include "engine/recommend.h"
#include "measure.h"
#include "queries.h"

enum { HOT = 1000, BATCH = 1000, THREADS_MAX = 64, PASSES = 5, CALLS_MAX = 1 << 20 };

struct bench {
    const char *store, *write;
    int64_t n_queries;
    double seconds;
    bool json, smoke;
    mrq_generation *generation;
    mrq_bench_queries *queries;
    mrq_query *item; /* (items) one for each id */
};

/* One kind of call: asks for the i-th thing. */
typedef mrq_status call(mrq_recommender *r, const struct bench *b, uint32_t i, mrq_answer **out, mrq_error *err);

static mrq_status call_recommend(mrq_recommender *r, const struct bench *b, uint32_t i, mrq_answer **out, mrq_error *err)
{
    return mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, &b->queries->query[i % b->queries->n], out, err);
}

static mrq_status call_hot(mrq_recommender *r, const struct bench *b, uint32_t i, mrq_answer **out, mrq_error *err)
{
    return mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, &b->queries->query[i % HOT % b->queries->n], out, err);
}

/* The i-th item, asked for with a query that was made before. */
static mrq_status call_item_by(mrq_recommender *r, const struct bench *b, mrq_ask what, uint32_t i, mrq_answer **out,
                               mrq_error *err)
{
    return mrq_recommender_ask(r, what, &b->item[i * 7919u % b->generation->items->rows], out, err);
}

static mrq_status call_similar(mrq_recommender *r, const struct bench *b, uint32_t i, mrq_answer **out, mrq_error *err)
{
    return call_item_by(r, b, MRQ_ASK_SIMILAR, i, out, err);
}

static mrq_status call_item(mrq_recommender *r, const struct bench *b, uint32_t i, mrq_answer **out, mrq_error *err)
{
    return call_item_by(r, b, MRQ_ASK_ITEM, i, out, err);
}

/* The first letters of a title, as one types them. */
static mrq_status call_search(mrq_recommender *r, const struct bench *b, uint32_t i, mrq_answer **out, mrq_error *err)
{
    char text[8] = "";
    const mrq_column *title = mrq_table_first(b->generation->items, MRQ_TEXT);
    if (title)
        snprintf(text, 2 + i % 6, "%s", mrq_strings_at(&title->text, i * 7919u % b->generation->items->rows));
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    MRQ_TRY(mrq_query_put(&query, MRQ_Q_TEXT, text, err));
    return mrq_recommender_ask(r, MRQ_ASK_SEARCH, &query, out, err);
}

/* One thread's part of a case. */
struct part {
    const struct bench *bench;
    mrq_recommender *recommender;
    call *call;
    uint32_t first, n_max;
    double seconds;
    double *latency; /* (n) */
    uint32_t n;
    double began, ended;
    mrq_status status;
    mrq_error err;
};

static void *run_part(void *context)
{
    struct part *p = context;
    p->n = 0;
    p->began = p->ended = mrq_clock();
    while (p->n < p->n_max && p->ended < p->began + p->seconds) {
        const double start = p->ended;
        mrq_answer *result = NULL;
        size_t size;
        p->status = p->call(p->recommender, p->bench, p->first + p->n, &result, &p->err);
        if (p->status != MRQ_OK)
            break;
        const bool whole = mrq_answer_json(result, &size) != NULL;
        mrq_answer_free(result);
        p->ended = mrq_clock();
        p->latency[p->n++] = p->ended - start;
        if (!whole) {
            p->status = mrq_fail_memory(&p->err, "answering");
            break;
        }
    }
    return NULL;
}

static void say(const struct bench *b, const char *name, unsigned threads, double rate, double *latency, size_t n)
{
    (void)mrq_bench_median(latency, n); /* sorts */
    const double p50 = latency[n / 2], p95 = latency[n * 95 / 100], p99 = latency[n * 99 / 100], p999 = latency[n * 999 / 1000];
    if (!b->json) {
        printf("%-24s %7u %12.0f %9.1f %9.1f %9.1f %9.1f\n", name, threads, rate, p50 * 1e6, p95 * 1e6, p99 * 1e6, p999 * 1e6);
        return;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "side", "engine");
    cJSON_AddStringToObject(line, "case", name);
    cJSON_AddNumberToObject(line, "workers", threads);
    cJSON_AddNumberToObject(line, "rate", rate);
    cJSON_AddNumberToObject(line, "p50", p50);
    cJSON_AddNumberToObject(line, "p95", p95);
    cJSON_AddNumberToObject(line, "p99", p99);
    cJSON_AddNumberToObject(line, "p999", p999);
    mrq_bench_print(line);
}

/* A case from so many threads at once, each of which begins elsewhere. */
static mrq_status run_case(const struct bench *b, mrq_recommender *r, const char *name, call *function, uint32_t threads,
                           mrq_error *err)
{
    struct part part[THREADS_MAX];
    pthread_t id[THREADS_MAX];
    const uint32_t room = CALLS_MAX / threads;
    MRQ_AUTOFREE double *latency = mrq_array(CALLS_MAX, sizeof *latency);
    if (!latency)
        return mrq_fail_memory(err, "measuring");
    uint32_t started = 0;
    for (; started < threads; started++) {
        part[started] = (struct part){.bench = b,
                                      .recommender = r,
                                      .call = function,
                                      .first = b->queries->n / threads * started,
                                      .n_max = room,
                                      .seconds = b->seconds,
                                      .latency = latency + (size_t)started * room};
        if (pthread_create(&id[started], NULL, run_part, &part[started]) != 0)
            break;
    }
    double rate = 0;
    size_t n = 0;
    mrq_status status = started == threads ? MRQ_OK : mrq_fail(err, MRQ_FAILED, "cannot start %u threads", threads);
    for (uint32_t t = 0; t < started; t++) {
        pthread_join(id[t], NULL);
        if (part[t].status != MRQ_OK && status == MRQ_OK)
            status = mrq_fail(err, part[t].status, "%s: %s", name, part[t].err.msg);
        rate += part[t].n / (part[t].ended - part[t].began);
        memmove(latency + n, part[t].latency, part[t].n * sizeof *latency);
        n += part[t].n;
    }
    if (status == MRQ_OK)
        say(b, name, threads, rate, latency, n);
    return status;
}

/* Batches of BATCH queries; latency is that of a batch, the rate that of its answers. */
static mrq_status run_batches(const struct bench *b, mrq_recommender *r, uint32_t threads, mrq_error *err)
{
    enum { MOST = 1000, LEAST = 5 };
    static mrq_answer *result[BATCH];
    static mrq_error error[BATCH];
    const mrq_query *query[BATCH];
    double latency[MOST], total = 0;
    const uint32_t size = b->queries->n < BATCH ? b->queries->n : BATCH;
    size_t n = 0;
    for (uint32_t first = 0; n < MOST && (n < LEAST || total < b->seconds); n++, first = (first + size) % b->queries->n) {
        first = first + size <= b->queries->n ? first : 0;
        for (uint32_t i = 0; i < size; i++)
            query[i] = &b->queries->query[first + i];
        const double start = mrq_clock();
        MRQ_TRY(mrq_recommender_batch(r, query, size, threads, result, error, err));
        for (uint32_t i = 0; i < size; i++) {
            size_t bytes;
            if (result[i] && !mrq_answer_json(result[i], &bytes))
                return mrq_fail_memory(err, "answering");
            mrq_answer_free(result[i]);
            if (error[i].status != MRQ_OK)
                return mrq_fail(err, error[i].status, "in a batch: %s", error[i].msg);
        }
        latency[n] = mrq_clock() - start;
        total += latency[n];
    }
    say(b, "batch", threads, (double)n * size / total, latency, n);
    return MRQ_OK;
}

static mrq_status run_cases(const struct bench *b, uint32_t threads, mrq_error *err)
{
    static const struct {
        const char *name;
        size_t memory;
        call *call;
    } cases[] = {{"computed", 0, call_recommend},
                 {"from memory", MRQ_MEMORY_DEFAULT, call_hot},
                 {"similar, computed", 0, call_similar},
                 {"item", 0, call_item},
                 {"search, computed", 0, call_search}};
    struct bench warm = *b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_recommender *r = NULL;
        MRQ_TRY(mrq_recommender_open(&(mrq_options){.store = b->store, .memory = cases[i].memory}, &r, err));
        mrq_status status = MRQ_OK;
        for (uint32_t q = 0; status == MRQ_OK && q < HOT; q++) {
            mrq_answer *result = NULL;
            status = cases[i].call(r, &warm, q, &result, err);
            mrq_answer_free(status == MRQ_OK ? result : NULL);
        }
        if (status == MRQ_OK)
            status = run_case(b, r, cases[i].name, cases[i].call, threads, err);
        if (status == MRQ_OK && i == 0)
            status = run_batches(b, r, threads, err);
        mrq_recommender_close(r);
        MRQ_TRY(status);
    }
    return MRQ_OK;
}

enum { RESOLVE, VECTOR, SEARCH, DOCUMENT, STEPS, WHOLE = STEPS, SCAN, CALL, TIMES };

/* Adds the seconds of each step of one query, of all of them together, and of the search by `plain`, which has no sketch. */
static mrq_status time_steps(const mrq_generation *g, const mrq_generation *plain, const mrq_query *query, double seconds[TIMES],
                             mrq_error *err)
{
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    __attribute__((cleanup(mrq_content_clear))) mrq_content answer = {0};
    MRQ_AUTOFREE float *vector = NULL;
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    MRQ_AUTOFREE mrq_hit *scanned = NULL;
    mrq_line line;
    uint32_t n;
    const double t0 = mrq_clock();
    MRQ_TRY(mrq_query_resolve(g, MRQ_ASK_RECOMMEND, query, NULL, &resolved, err));
    const double t1 = mrq_clock();
    MRQ_TRY(mrq_person_vector(g, &resolved, &vector, &line, err));
    const double t2 = mrq_clock();
    MRQ_TRY(mrq_person_search(g, &resolved, NULL, vector, &line, &hits, &n, err));
    const double t3 = mrq_clock();
    MRQ_TRY(mrq_recommend(g, NULL, query, NULL, &answer, err));
    const double t4 = mrq_clock();
    mrq_print print = {0};
    mrq_print_content(&print, g, &answer);
    MRQ_AUTOFREE char *document = mrq_print_take(&print, NULL);
    const double t5 = mrq_clock();
    MRQ_TRY(mrq_person_search(plain, &resolved, NULL, vector, &line, &scanned, &n, err));
    const double t6 = mrq_clock();
    if (!document)
        return mrq_fail_memory(err, "answering");
    seconds[RESOLVE] += t1 - t0;
    seconds[VECTOR] += t2 - t1;
    seconds[SEARCH] += t3 - t2;
    seconds[DOCUMENT] += t5 - t4;
    seconds[WHOLE] += t5 - t3;
    seconds[SCAN] += t6 - t5;
    return MRQ_OK;
}

static mrq_status time_call(const struct bench *b, mrq_recommender *r, uint32_t n, double *seconds, mrq_error *err)
{
    const double start = mrq_clock();
    for (uint32_t q = 0; q < n; q++) {
        mrq_answer *result = NULL;
        size_t size;
        MRQ_TRY(call_recommend(r, b, q, &result, err));
        (void)mrq_answer_json(result, &size);
        mrq_answer_free(result);
    }
    *seconds = mrq_clock() - start;
    return MRQ_OK;
}

/* The steps of a computed answer: medians of passes over the same queries. */
static mrq_status break_down(const struct bench *b, mrq_error *err)
{
    static const char *const names[] = {"resolve the query", "the person's vector", "filter and search", "the document"};
    const mrq_generation *g = b->generation;
    const uint32_t n = b->queries->n < 2000 ? b->queries->n : 2000;
    double pass[TIMES][PASSES] = {{0}}, middle[TIMES];
    mrq_recommender *r = NULL;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *plain = NULL;
    MRQ_TRY(mrq_generation_open(b->store, &plain, err));
    MRQ_TRY(mrq_index_sketch(g->index, err));
    MRQ_TRY(mrq_recommender_open(&(mrq_options){.store = b->store}, &r, err));
    mrq_status status = MRQ_OK;
    for (int p = -1; status == MRQ_OK && p < PASSES; p++) { /* the first warms up */
        double seconds[TIMES] = {0};
        for (uint32_t q = 0; status == MRQ_OK && q < n; q++)
            status = time_steps(g, plain, &b->queries->query[q], seconds, err);
        if (status == MRQ_OK)
            status = time_call(b, r, n, &seconds[CALL], err);
        for (int t = 0; t < TIMES && p >= 0; t++)
            pass[t][p] = seconds[t] / n;
    }
    mrq_recommender_close(r);
    MRQ_TRY(status);
    for (int t = 0; t < TIMES; t++)
        middle[t] = mrq_bench_median(pass[t], PASSES);
    const double read = mrq_bench_read(mrq_index_vectors(g->index), (size_t)g->items->rows * g->tower->dim);
    double sum = 0;
    if (!b->json)
        printf("\na computed answer, us\n");
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "side", "engine");
    cJSON_AddStringToObject(line, "case", "steps");
    for (int t = 0; t < STEPS; t++) {
        sum += middle[t];
        cJSON_AddNumberToObject(line, names[t], middle[t]);
        if (!b->json)
            printf("  %-22s %7.1f\n", names[t], middle[t] * 1e6);
    }
    cJSON_AddNumberToObject(line, "engine", middle[WHOLE]);
    cJSON_AddNumberToObject(line, "call", middle[CALL]);
    cJSON_AddNumberToObject(line, "search without a sketch", middle[SCAN]);
    cJSON_AddNumberToObject(line, "read", read);
    if (b->json) {
        mrq_bench_print(line);
        return MRQ_OK;
    }
    cJSON_Delete(line);
    printf("  %-22s %7.1f\n%-24s %7.1f\n%-24s %7.1f\n%-24s %7.1f\n", "the rest", (middle[CALL] - sum) * 1e6, "the library's call",
           middle[CALL] * 1e6, "search without a sketch", middle[SCAN] * 1e6, "reading all vectors once", read * 1e6);
    return MRQ_OK;
}

/* A query for each item. */
static mrq_status make_items(struct bench *b, mrq_error *err)
{
    const mrq_table *items = b->generation->items;
    b->item = mrq_array(items->rows, sizeof *b->item);
    if (!b->item)
        return mrq_fail_memory(err, "making queries");
    for (uint32_t i = 0; i < items->rows; i++)
        MRQ_TRY(mrq_query_put(&b->item[i], MRQ_Q_ITEM, mrq_table_id(items, i), err));
    return MRQ_OK;
}

static void clear(struct bench *b)
{
    for (uint32_t i = 0; b->item && i < b->generation->items->rows; i++)
        mrq_query_clear(&b->item[i]);
    mrq_free(b->item);
    mrq_bench_queries_free(b->queries);
    mrq_generation_close(b->generation);
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    __attribute__((cleanup(clear))) struct bench b = {.n_queries = 20000, .seconds = 2};
    const mrq_option options[] = {
        {"store", 's', MRQ_OPT_TEXT, &b.store, 0, 0, "DIR", "an exported model"},
        {"queries", 'q', MRQ_OPT_INT, &b.n_queries, 1, 1e6, "N", "different ones"},
        {"seconds", 't', MRQ_OPT_REAL, &b.seconds, 0.001, 1e4, "S", "of each case"},
        {"write", 'w', MRQ_OPT_TEXT, &b.write, 0, 0, "FILE", "only write the queries, as the service is asked them, one a line"},
        {"smoke", 0, MRQ_OPT_FLAG, &b.smoke, 0, 0, NULL, "a moment of everything"},
        {"json", 'j', MRQ_OPT_FLAG, &b.json, 0, 0, NULL, "a JSON document a line"},
        {0},
    };
    const mrq_command command = {"bench_engine",
                                 "--store DIR [option...]",
                                 "Measures the library's answers from one thread and from two, and the steps of a computed one.",
                                 options,
                                 0,
                                 0,
                                 "  bench_engine --store store\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!b.store)
        return mrq_fail(err, MRQ_USAGE, "missing --store DIR");
    if (b.smoke) {
        b.n_queries = 1000;
        b.seconds = 0.02;
    }
    MRQ_TRY(mrq_generation_open(b.store, &b.generation, err));
    MRQ_TRY(mrq_bench_queries_make(b.generation, (uint32_t)b.n_queries, &b.queries, err));
    if (b.write)
        return mrq_bench_queries_write(b.queries, b.write, err);
    MRQ_TRY(make_items(&b, err));
    if (!b.json)
        printf("%-24s %7s %12s %9s %9s %9s %9s\n", "", "threads", "answers/s", "p50 us", "p95", "p99", "p99.9");
    for (uint32_t threads = 1; threads <= 2; threads++)
        MRQ_TRY(run_cases(&b, threads, err));
    return break_down(&b, err);
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_engine", MRQ_LOG_ERROR, run, argc, argv);
}
