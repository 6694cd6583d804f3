/* Real vectors come from a model file. For sizes that no free data set has there is a generator, made after what the `fusion` model
 * of MovieLens 1M learns (marquee train, seed 1).
 *
 * How it was taken: covariance of the 3,883 items' vectors, its eigenvectors; along each the variance of items and of users, and
 * both means. The table has the first 32, with 0.96 of the items' variance; behind them variance falls by a tenth from one to the
 * next. A plain Gaussian of that spectrum is too even; ten kinds of items and users, which share half the variance, make it alike
 * (medians over 1,000 queries, 3,883 generated vectors beside the real ones):
 *
 *                                                        real            generated
 *   a user's inner products with all items              0.62 +- 0.16    0.66 +- 0.13
 *   with the best, the 10th, the 100th                   0.93 0.90 0.85  0.93 0.90 0.86
 *   dimensions around a user, by the nearest 100, 20     12.2 16.2       12.0 14.8
 *   dimensions around an item                            11.3 13.0       10.6 13.8
 *   of the users' best ten, those among 100 items       0.50            0.35
 *
 * (Dimensions: maximum likelihood, Levina and Bickel, 2004.) A random rotation follows, for kinds that code each coordinate on its
 * own. With 64 dimensions the spectrum ends there, where 0.0001 of it is left. */
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "index/top.h"
#include "model/gemm.h"
#include "model/model.h"

enum { SEED = 4, GROUPS = 10, SPECTRUM = 32, BLOCK = 2048 };
#define SHARED_VARIANCE 0.5 /* of the groups' centres */
#define TAIL            0.9

enum side { ITEMS, USERS };

static const struct {
    float variance[2], mean[2]; /* of items, of users */
} spectrum[SPECTRUM] = {
    {{0.08445F, 0.03140F}, {0.115F, 0.317F}},  {{0.04068F, 0.03368F}, {0.085F, 0.096F}},  {{0.03073F, 0.02575F}, {0.129F, 0.265F}},
    {{0.02787F, 0.02102F}, {0.072F, -0.038F}}, {{0.02420F, 0.01596F}, {0.047F, -0.011F}}, {{0.02290F, 0.01763F}, {0.037F, -0.020F}},
    {{0.01757F, 0.01283F}, {0.066F, 0.024F}},  {{0.01617F, 0.01524F}, {0.026F, -0.039F}}, {{0.01589F, 0.01030F}, {0.128F, 0.050F}},
    {{0.01094F, 0.01068F}, {0.358F, 0.274F}},  {{0.00934F, 0.00673F}, {0.001F, -0.058F}}, {{0.00839F, 0.00758F}, {0.040F, 0.112F}},
    {{0.00760F, 0.00783F}, {0.225F, 0.184F}},  {{0.00653F, 0.00353F}, {0.025F, 0.047F}},  {{0.00539F, 0.00446F}, {0.516F, 0.555F}},
    {{0.00489F, 0.00341F}, {0.109F, 0.169F}},  {{0.00414F, 0.00224F}, {0.176F, 0.186F}},  {{0.00364F, 0.00238F}, {0.148F, 0.123F}},
    {{0.00300F, 0.00135F}, {0.026F, 0.025F}},  {{0.00265F, 0.00091F}, {0.068F, 0.056F}},  {{0.00251F, 0.00113F}, {0.009F, -0.004F}},
    {{0.00218F, 0.00122F}, {0.022F, 0.045F}},  {{0.00188F, 0.00094F}, {0.028F, 0.011F}},  {{0.00185F, 0.00065F}, {0.107F, 0.101F}},
    {{0.00159F, 0.00043F}, {0.012F, 0.010F}},  {{0.00155F, 0.00038F}, {0.053F, 0.054F}},  {{0.00145F, 0.00047F}, {0.012F, 0.006F}},
    {{0.00124F, 0.00038F}, {0.055F, 0.057F}},  {{0.00123F, 0.00091F}, {0.041F, 0.030F}},  {{0.00117F, 0.00021F}, {0.009F, 0.006F}},
    {{0.00107F, 0.00034F}, {0.005F, 0.004F}},  {{0.00103F, 0.00033F}, {0.038F, 0.041F}},
};
/* The means' parts that lie outside of these 32 directions span two more. */
static const float rest_of_mean[2][2] = {{0.117F, 0}, {0.108F, 0.032F}};

void mrq_bench_vectors_free(mrq_bench_vectors *vectors)
{
    if (!vectors)
        return;
    mrq_free(vectors->vector);
    mrq_free(vectors->query);
    mrq_free(vectors->answer);
    free(vectors);
}

static mrq_status vectors_new(const char *name, uint32_t n, uint32_t dim, uint32_t n_queries, mrq_bench_vectors **out,
                              mrq_error *err)
{
    MRQ_CLEANUP(mrq_bench_vectors_free) mrq_bench_vectors *v = calloc(1, sizeof *v);
    if (!v)
        return mrq_fail_memory(err, "making vectors");
    snprintf(v->name, sizeof v->name, "%s", name);
    v->n = n;
    v->dim = dim;
    v->n_queries = n_queries;
    v->vector = mrq_array((size_t)n * dim, sizeof *v->vector);
    v->query = mrq_array((size_t)n_queries * dim, sizeof *v->query);
    v->answer = mrq_array((size_t)n_queries * MRQ_BENCH_K, sizeof *v->answer);
    if (!v->vector || !v->query || !v->answer)
        return mrq_fail_memory(err, "making vectors");
    *out = v;
    v = NULL;
    return MRQ_OK;
}

/* Exact answers by matrix products, which owe nothing to the index. */
static mrq_status answer(mrq_bench_vectors *v, mrq_error *err)
{
    MRQ_AUTOFREE float *score = mrq_array((size_t)v->n_queries * BLOCK, sizeof *score);
    MRQ_AUTOFREE mrq_hit *hit = mrq_array((size_t)v->n_queries * MRQ_BENCH_K, sizeof *hit);
    MRQ_AUTOFREE mrq_top *top = mrq_array(v->n_queries, sizeof *top);
    if (!score || !hit || !top)
        return mrq_fail_memory(err, "finding the exact answers");
    for (uint32_t q = 0; q < v->n_queries; q++)
        top[q] = (mrq_top){hit + (size_t)q * MRQ_BENCH_K, MRQ_BENCH_K, 0};
    for (uint32_t first = 0; first < v->n; first += BLOCK) {
        const uint32_t rows = v->n - first < BLOCK ? v->n - first : BLOCK;
        mrq_gemm_bt(v->n_queries, rows, v->dim, v->query, v->dim, v->vector + (size_t)first * v->dim, v->dim, score, BLOCK);
        for (uint32_t q = 0; q < v->n_queries; q++)
            for (uint32_t i = 0; i < rows; i++) {
                const float s = score[(size_t)q * BLOCK + i];
                if (top[q].n < MRQ_BENCH_K || s > top[q].hit[0].score)
                    mrq_top_push(&top[q], (mrq_hit){first + i, s});
            }
    }
    for (uint32_t q = 0; q < v->n_queries; q++) {
        uint32_t *row = v->answer + (size_t)q * MRQ_BENCH_K;
        for (uint32_t j = 0; j < MRQ_BENCH_K; j++)
            row[j] = top[q].hit[j].row;
        mrq_list_sort(row, MRQ_BENCH_K);
    }
    return MRQ_OK;
}

/* User vectors from the folded tower. A stranger has random categories, some user's sets and no id. */
static void ask_users(const mrq_folded *tower, const mrq_table *users, mrq_bench_vectors *v, uint32_t *value)
{
    mrq_random random;
    mrq_line line;
    mrq_random_init(&random, SEED, 0);
    for (uint32_t q = 0; q < v->n_queries; q++) {
        mrq_folded_values(tower, users, (uint32_t)mrq_random_below(&random, users->rows), value);
        for (uint32_t b = 0; b < tower->n_branches && q % 4 == 3; b++)
            value[b] = mrq_folded_is_id(&tower->branch[b])
                           ? 0
                           : (uint32_t)mrq_random_below(&random, mrq_folded_is_set(&tower->branch[b]) ? users->rows
                                                                                                      : tower->branch[b].n_rows);
        mrq_folded_vector(tower, value, v->query + (size_t)q * v->dim, &line);
    }
}

mrq_status mrq_bench_vectors_of_model(const char *path, uint32_t n_queries, mrq_bench_vectors **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_CLEANUP(mrq_bench_vectors_free) mrq_bench_vectors *v = NULL;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
    MRQ_TRY(mrq_model_load(path, &model, err));
    const uint32_t rows = mrq_model_items(model)->rows;
    if (rows < MRQ_BENCH_K)
        return mrq_fail(err, MRQ_USAGE, "%s: %u items, want %d or more", path, rows, MRQ_BENCH_K);
    MRQ_TRY(vectors_new("ml-1m", rows, mrq_description_dim(mrq_model_description(model)), n_queries, &v, err));
    double reach;
    MRQ_TRY(mrq_model_export_items(model, v->vector, &reach, err));
    MRQ_TRY(mrq_model_fold(model, reach, &tower, err));
    MRQ_AUTOFREE uint32_t *value = mrq_array(tower->n_branches, sizeof *value);
    if (!value)
        return mrq_fail_memory(err, "making queries");
    ask_users(tower, mrq_model_users(model), v, value);
    MRQ_TRY(answer(v, err));
    *out = v;
    v = NULL;
    return MRQ_OK;
}

/* Two normal numbers: Box and Muller, 1958. */
static void normal(mrq_random *random, double out[2])
{
    const double radius = sqrt(-2 * log(1 - mrq_random_unit(random))), angle = 2 * 3.14159265358979323846 * mrq_random_unit(random);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

static void normals(mrq_random *random, size_t n, float *out)
{
    for (size_t i = 0; i < n; i += 2) {
        double two[2];
        normal(random, two);
        out[i] = (float)two[0];
        if (i + 1 < n)
            out[i + 1] = (float)two[1];
    }
}

static double dot(const float *x, const float *y, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

static void normalize(float *x, uint32_t n)
{
    const double length = sqrt(dot(x, x, n));
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)(x[i] / length);
}

/* A random rotation (dim, dim): normal numbers, made orthogonal row by row. */
static void rotation(mrq_random *random, uint32_t dim, float *out)
{
    normals(random, (size_t)dim * dim, out);
    for (uint32_t i = 0; i < dim; i++) {
        float *row = out + (size_t)i * dim;
        for (int twice = 0; twice < 2; twice++) /* once leaves a trace of the others by rounding */
            for (uint32_t j = 0; j < i; j++) {
                const float *other = out + (size_t)j * dim;
                const double along = dot(row, other, dim);
                for (uint32_t d = 0; d < dim; d++)
                    row[d] -= (float)along * other[d];
            }
        normalize(row, dim);
    }
}

/* What both sides share. */
struct shape {
    const float *centre, *rotation; /* (GROUPS, dim) normal numbers; (dim, dim) */
    uint32_t dim;
    float *publication; /* (BLOCK, dim) before the rotation */
};

static void generate(const struct shape *shape, enum side side, uint32_t n, mrq_random *random, float *out)
{
    const uint32_t dim = shape->dim;
    const float of_group = (float)sqrt(SHARED_VARIANCE), own = (float)sqrt(1 - SHARED_VARIANCE);
    for (uint32_t first = 0; first < n; first += BLOCK) {
        const uint32_t rows = n - first < BLOCK ? n - first : BLOCK;
        normals(random, (size_t)rows * dim, shape->publication);
        for (uint32_t i = 0; i < rows; i++) {
            const float *centre = shape->centre + mrq_random_below(random, GROUPS) * dim;
            float *x = shape->publication + (size_t)i * dim, variance = 0;
            for (uint32_t d = 0; d < dim; d++) {
                variance = d < SPECTRUM ? spectrum[d].variance[side] : variance * (float)TAIL;
                const float mean = d < SPECTRUM ? spectrum[d].mean[side] : d < SPECTRUM + 2 ? rest_of_mean[side][d - SPECTRUM] : 0;
                x[d] = mean + sqrtf(variance) * (of_group * centre[d] + own * x[d]);
            }
            normalize(x, dim);
        }
        mrq_gemm(rows, dim, dim, shape->publication, dim, shape->rotation, dim, 0, out + (size_t)first * dim, dim);
    }
}

mrq_status mrq_bench_vectors_like_real(const char *name, uint32_t n, uint32_t dim, uint32_t n_queries, mrq_bench_vectors **out,
                                       mrq_error *err)
{
    MRQ_CLEANUP(mrq_bench_vectors_free) mrq_bench_vectors *v = NULL;
    MRQ_TRY(vectors_new(name, n, dim, n_queries, &v, err));
    MRQ_AUTOFREE float *centre = mrq_array((size_t)GROUPS * dim, sizeof *centre);
    MRQ_AUTOFREE float *turn = mrq_array((size_t)dim * dim, sizeof *turn);
    MRQ_AUTOFREE float *publication = mrq_array((size_t)BLOCK * dim, sizeof *publication);
    if (!centre || !turn || !publication)
        return mrq_fail_memory(err, "generating vectors");
    mrq_random random;
    mrq_random_init(&random, SEED, 1);
    normals(&random, (size_t)GROUPS * dim, centre);
    rotation(&random, dim, turn);
    const struct shape shape = {centre, turn, dim, publication};
    generate(&shape, ITEMS, n, &random, v->vector);
    generate(&shape, USERS, n_queries, &random, v->query);
    MRQ_TRY(answer(v, err));
    *out = v;
    v = NULL;
    return MRQ_OK;
}

static mrq_status dump_part(const char *folder, const char *name, const char *what, const void *data, size_t size, mrq_error *err)
{
    char path[4096], file[64];
    snprintf(file, sizeof file, "%s.%s", name, what);
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, file, err));
    return mrq_file_write(path, data, size, err);
}

mrq_status mrq_bench_vectors_dump(const mrq_bench_vectors *v, const char *folder, mrq_error *err)
{
    char head[128];
    snprintf(head, sizeof head, "{\"case\": \"%s\", \"n\": %u, \"dim\": %u, \"n_queries\": %u, \"k\": %d}\n", v->name, v->n, v->dim,
             v->n_queries, MRQ_BENCH_K);
    MRQ_TRY(dump_part(folder, v->name, "vectors.f32", v->vector, (size_t)v->n * v->dim * sizeof(float), err));
    MRQ_TRY(dump_part(folder, v->name, "queries.f32", v->query, (size_t)v->n_queries * v->dim * sizeof(float), err));
    MRQ_TRY(dump_part(folder, v->name, "answers.u32", v->answer, (size_t)v->n_queries * MRQ_BENCH_K * sizeof(uint32_t), err));
    return dump_part(folder, v->name, "json", head, strlen(head), err);
}
