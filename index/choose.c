/* Settings are tried from the cheapest up on the first half of the queries, one query at a time on one thread, as `infer` does. The
 * fastest that reaches the recall is measured again on the other half, and that result is reported: measured on the queries it was
 * chosen by, it would look better than it is. */
#include "index/choose.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "index/inside.h"
#include "index/scan.h"

#define LONG_WORK  10000 /* from this many vectors on, the log says when a build begins */
#define PASSES     3
#define ENOUGH     1.0               /* seconds after which no further pass starts */
#define SCAN_BYTES ((size_t)8 << 20) /* "auto": smaller catalogues are scanned */

const char mrq_index_kinds[] =
    "auto              measures Flat and the two graphs over bytes, and uses the fastest that reaches --recall;\n"
    "                  a catalogue of 8 MiB of vectors or less uses Flat\n"
    "Flat              compares every vector: exact\n"
    "HNSW32            a graph over the vectors, with 32 links per item: 260 more bytes per item\n"
    "HNSW32,SQ8        the same graph over vectors in bytes: faster, a quarter of the memory\n"
    "PCA64,HNSW32,SQ8  the same over 64 bytes per item, to which PCA reduces longer vectors: the fastest\n"
    "IVF256,Flat       256 lists of vectors, of which a few are scanned: quick to build\n"
    "IVF256,PQ20np     the same with vectors of 20 bytes (20 must divide the dimensions): the smallest\n"
    "SQ8, SQfp16       a scan of vectors in bytes or in half precision: slower than Flat\n"
    "Any other FAISS factory string works too. Candidates are sorted by exact inner products.\n";

bool mrq_trial_tell(const mrq_trial *trial, cJSON *object)
{
    const char *name = mrq_index_parameter_name(trial->settings.factory);
    return cJSON_AddStringToObject(object, "factory", trial->settings.factory) &&
           (!name || cJSON_AddNumberToObject(object, name, trial->settings.parameter)) &&
           cJSON_AddNumberToObject(object, "rerank", trial->settings.rerank) &&
           mrq_json_add_rounded(object, "recall", trial->recall, 6) &&
           mrq_json_add_rounded(object, "p50_us", 1e6 * trial->p50, 2) &&
           mrq_json_add_rounded(object, "p99_us", 1e6 * trial->p99, 2) &&
           cJSON_AddNumberToObject(object, "queries", trial->n_queries);
}

/* Half of the queries, with their exact answers. */
struct query_set {
    const float *query; /* (n, dim) */
    uint32_t n, dim, k;
    uint32_t *answer; /* (n, k) rows, ascending in each */
};

static int by_row(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int by_seconds(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mrq_status answer_exactly(struct query_set *q, const float *vectors, uint32_t n, mrq_error *err)
{
    q->answer = mrq_array((size_t)q->n * q->k, sizeof *q->answer);
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(q->k, sizeof *hits);
    if (!q->answer || !hits)
        return mrq_fail_memory(err, "measuring an index");
    for (uint32_t i = 0; i < q->n; i++) {
        mrq_top top = {hits, q->k, 0};
        mrq_scan(vectors, n, q->dim, q->query + (size_t)i * q->dim, NULL, 0, &top);
        for (uint32_t j = 0; j < q->k; j++)
            q->answer[(size_t)i * q->k + j] = hits[j].row;
        qsort(q->answer + (size_t)i * q->k, q->k, sizeof *q->answer, by_row);
    }
    return MRQ_OK;
}

/* Runs all queries once: their times, ascending, and how many of the exact hits were found. */
static mrq_status run_queries(const mrq_index *index, const struct query_set *q, mrq_hit *hits, double *seconds, uint64_t *same,
                              mrq_error *err)
{
    *same = 0;
    for (uint32_t i = 0; i < q->n; i++) {
        uint32_t found = 0;
        const double start = mrq_clock();
        MRQ_TRY(mrq_index_search(index, q->query + (size_t)i * q->dim, q->k, NULL, hits, &found, err));
        seconds[i] = mrq_clock() - start;
        for (uint32_t j = 0; j < found; j++)
            *same += bsearch(&hits[j].row, q->answer + (size_t)i * q->k, q->k, sizeof *q->answer, by_row) != NULL;
    }
    qsort(seconds, q->n, sizeof *seconds, by_seconds);
    return MRQ_OK;
}

/* Measures recall and times with the current settings. The times are those of the fastest of several passes, because other programs
 * can slow a pass down but nothing can speed it up. */
static mrq_status measure(const mrq_index *index, const struct query_set *q, mrq_trial *out, mrq_error *err)
{
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(q->k, sizeof *hits);
    MRQ_AUTOFREE double *seconds = mrq_array(q->n, sizeof *seconds);
    if (!hits || !seconds)
        return mrq_fail_memory(err, "measuring an index");
    mrq_trial trial = {*mrq_index_settings_of(index), 0, INFINITY, INFINITY, q->n};
    const double start = mrq_clock();
    for (int pass = 0; pass < PASSES && mrq_clock() - start < ENOUGH; pass++) {
        uint64_t same;
        MRQ_TRY(run_queries(index, q, hits, seconds, &same, err));
        trial.recall = (double)same / ((double)q->n * q->k);
        if (seconds[q->n / 2] < trial.p50) {
            trial.p50 = seconds[q->n / 2];
            trial.p99 = seconds[q->n * 99 / 100];
        }
    }
    *out = trial;
    return MRQ_OK;
}

/* From the smallest parameter to the largest; the first that reaches the recall is the fastest of its kind. */
static const uint32_t parameters[] = {8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024};
static const uint32_t reranks[] = {0, 20, 40, 100, 400};
#define N_PARAMETERS (sizeof parameters / sizeof *parameters)
#define N_RERANKS    (sizeof reranks / sizeof *reranks)

/* The state of a choice. */
struct search {
    double recall; /* to reach */
    struct query_set query_set;
    mrq_choice choice;
    size_t capacity;
    mrq_index *best; /* the fastest index that reaches the recall, or NULL */
    double fastest, highest;
};

static mrq_status try(struct search *s, mrq_index *index, uint32_t parameter, uint32_t rerank, mrq_trial *out, mrq_error *err)
{
    MRQ_TRY(mrq_index_tune(index, parameter, rerank, err));
    MRQ_TRY(measure(index, &s->query_set, out, err));
    if (mrq_grow(&s->choice.trial, &s->capacity, s->choice.n + 1, sizeof *s->choice.trial) != 0)
        return mrq_fail_memory(err, "choosing an index");
    s->choice.trial[s->choice.n++] = *out;
    s->highest = out->recall > s->highest ? out->recall : s->highest;
    return MRQ_OK;
}

/* Tries the parameters upwards at one rerank until the recall is reached or the time is more than twice that of `*fit`, the fastest
 * setting so far that reaches it. */
static mrq_status climb(struct search *s, mrq_index *index, uint32_t rerank, mrq_trial *fit, mrq_error *err)
{
    const bool has_parameter = mrq_index_settings_of(index)->parameter > 0;
    for (size_t i = 0; i < (has_parameter ? N_PARAMETERS : 1); i++) {
        mrq_trial trial;
        if (index->way == MRQ_WAY_WALK && parameters[i] < rerank)
            continue; /* a walk finds at most `parameter` candidates */
        MRQ_TRY(try(s, index, has_parameter ? parameters[i] : 0, rerank, &trial, err));
        if (trial.recall >= s->recall) {
            if (trial.p50 < fit->p50)
                *fit = trial;
            break;
        }
        if (trial.p50 > 2 * fit->p50)
            break;
    }
    return MRQ_OK;
}

/* Builds an index of one kind, finds its fastest setting and keeps it if it is the best so far. */
static mrq_status consider(struct search *s, const char *kind, const float *vectors, uint32_t n, uint32_t dim, mrq_error *err)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    const double start = mrq_clock();
    if (n >= LONG_WORK)
        mrq_log(MRQ_LOG_INFO, "index", "kind=%s vectors=%u dimensions=%u building", kind, n, dim);
    MRQ_TRY(mrq_index_build(kind, vectors, n, dim, &index, err));
    const double built = mrq_clock();
    mrq_trial fit = {.p50 = s->fastest};
    const bool ordered = index->parts.rows && !index->parts.rotation; /* candidates are already in exact order */
    for (size_t i = 0; i < (ordered ? 1 : N_RERANKS); i++)
        MRQ_TRY(climb(s, index, reranks[i], &fit, err));
    const bool fits = fit.n_queries > 0;
    mrq_log(MRQ_LOG_INFO, "index", "kind=%s build_seconds=%.1f measure_seconds=%.1f%s", kind, built - start, mrq_clock() - built,
            fits ? " fastest" : "");
    if (!fits)
        return MRQ_OK;
    MRQ_TRY(mrq_index_tune(index, fit.settings.parameter, fit.settings.rerank, err));
    mrq_index_free(s->best);
    s->best = index;
    s->fastest = fit.p50;
    index = NULL;
    return MRQ_OK;
}

static void search_clear(struct search *s)
{
    mrq_free(s->query_set.answer);
    mrq_free(s->choice.trial);
    mrq_index_free(s->best);
}

uint32_t mrq_index_automatic(uint32_t n, uint32_t dim, const char *kinds[MRQ_AUTOMATIC])
{
    const bool small = (size_t)n * dim * sizeof(float) <= SCAN_BYTES;
    const bool long_enough = dim > 64 && n >= dim; /* else PCA has nothing to leave out, or too few vectors to learn from */
    kinds[0] = "Flat";
    kinds[1] = "HNSW32,SQ8";
    kinds[2] = "PCA64,HNSW32,SQ8";
    return small ? 1 : long_enough ? 3 : 2;
}

mrq_status mrq_index_choose_among(const char *const *kinds, uint32_t n_kinds, double recall, const float *vectors, uint32_t n,
                                  uint32_t dim, const float *queries, uint32_t n_queries, mrq_index **out, mrq_choice *choice,
                                  mrq_error *err)
{
    const uint32_t half = n_queries / 2, k = n < MRQ_RECALL_K ? n : MRQ_RECALL_K;
    assert(half > 0);
    MRQ_TRY(mrq_index_check_vectors(vectors, n, dim, err));
    __attribute__((cleanup(search_clear))) struct search s = {
        .recall = recall, .query_set = {queries, half, dim, k, NULL}, .fastest = INFINITY};
    MRQ_TRY(answer_exactly(&s.query_set, vectors, n, err));
    for (uint32_t i = 0; i < n_kinds; i++)
        MRQ_TRY(consider(&s, kinds[i], vectors, n, dim, err));
    if (!s.best)
        return mrq_fail(err, MRQ_FAILED,
                        "index \"%s\" finds at most %.4f of the best %u, want %.4f: use a lower --recall or another kind", kinds[0],
                        s.highest, k, recall);
    mrq_free(s.query_set.answer);
    s.query_set = (struct query_set){queries + (size_t)half * dim, n_queries - half, dim, k, NULL};
    MRQ_TRY(answer_exactly(&s.query_set, vectors, n, err));
    MRQ_TRY(measure(s.best, &s.query_set, &s.choice.best, err));
    *out = s.best;
    *choice = s.choice;
    s.best = NULL;
    s.choice.trial = NULL;
    return MRQ_OK;
}

mrq_status mrq_index_measure(const mrq_index *index, const float *queries, uint32_t n_queries, mrq_trial *out, mrq_error *err)
{
    struct query_set q = {queries, n_queries, index->dim, index->n < MRQ_RECALL_K ? index->n : MRQ_RECALL_K, NULL};
    mrq_status status = answer_exactly(&q, index->vectors, index->n, err);
    if (status == MRQ_OK)
        status = measure(index, &q, out, err);
    mrq_free(q.answer);
    return status;
}

mrq_status mrq_index_choose(const char *kind, double recall, const float *vectors, uint32_t n, uint32_t dim, const float *queries,
                            uint32_t n_queries, mrq_index **out, mrq_choice *choice, mrq_error *err)
{
    const char *kinds[MRQ_AUTOMATIC] = {kind};
    const uint32_t n_kinds = strcmp(kind, "auto") == 0 ? mrq_index_automatic(n, dim, kinds) : 1;
    return mrq_index_choose_among(kinds, n_kinds, recall, vectors, n, dim, queries, n_queries, out, choice, err);
}
