/* A row x is stored as a scale s and integers c within ±127, so that x = s c + e with known |e|; a query is quantised in the same
 * way, q = t b + f. Then
 *
 *     q x = t s (b c) + (t b) e + f x,   where the last two terms are at most |t b| |e| + |f| |x|   (Cauchy and Schwarz)
 *
 * so the product of integers gives an upper bound of the inner product, and a row whose bound is below the worst of the best so far
 * is skipped. All others are scored exactly: with trained vectors about one row in fifty. The bound includes all rounding errors of
 * floats, so the answer is exact, including the order of equal scores. If the floats of the bound could leave the range of normal
 * numbers, all rows are scanned.
 *
 * The last number of a vector is not quantised: in the unit vectors of an inner product it makes all vectors equally long
 * (model/folded.h), is larger than the others and would make their scale coarse, although a query has 0 there.
 *
 * Rejected: one scale for all rows (their lengths differ by a factor of tens); bounds that may fail at the price of recall (that is
 * what a graph is for). */
#include "index/sketch.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/kernels.h"
#include "index/scan.h"

enum { BLOCK = MRQ_SKETCHED, MIDDLE = 128 };

struct mrq_sketch {
    const float *vectors; /* (n, dim) */
    uint32_t n, dim;
    uint32_t bytes;    /* per row: dim - 1, padded with zeros to a multiple of 4 */
    float least, most; /* smallest and largest scale that is not 0 */
    float last;        /* the largest magnitude of a last number */
    uint8_t *code;     /* (n / BLOCK, bytes / 4, BLOCK, 4) integers, plus MIDDLE */
    mrq_bound *bound;  /* (n / BLOCK) */
};

/* Quantises `x` (size): integers, scale, length of x and length of the error. */
static void quantise(const float *x, uint32_t size, int8_t *whole, float *scale, double *length, double *error)
{
    float largest = 0;
    for (uint32_t d = 0; d < size; d++)
        largest = fabsf(x[d]) > largest ? fabsf(x[d]) : largest;
    const float step = largest / 127, inverse = step > 0 ? 1 / step : 0;
    const bool sound = isfinite(inverse); /* else the numbers are so small that they can all be counted as error */
    double squares = 0, errors = 0;
    for (uint32_t d = 0; d < size; d++) {
        const float c = sound ? x[d] * inverse : 0; /* within ±127, except for rounding */
        whole[d] = (int8_t)(c + (c < 0 ? -0.5f : 0.5f));
        const double e = (double)x[d] - (double)step * whole[d];
        squares += (double)x[d] * (double)x[d];
        errors += e * e;
    }
    *scale = step;
    *length = sqrt(squares);
    *error = sqrt(errors);
}

/* Rounds up, so that it is an upper bound. */
/* Writes a row into its block. */
static void put(mrq_sketch *sketch, uint32_t row, int8_t *whole)
{
    const float *x = sketch->vectors + (size_t)row * sketch->dim;
    mrq_bound *bound = &sketch->bound[row / BLOCK];
    uint8_t *code = sketch->code + (size_t)(row / BLOCK) * BLOCK * sketch->bytes;
    const uint32_t i = row % BLOCK;
    double length, error;
    quantise(x, sketch->dim - 1, whole, &bound->scale[i], &length, &error);
    bound->last[i] = x[sketch->dim - 1];
    if (bound->scale[i] > 0)
        sketch->least = fminf(sketch->least, bound->scale[i]);
    sketch->most = fmaxf(sketch->most, bound->scale[i]);
    sketch->last = fmaxf(sketch->last, fabsf(bound->last[i]));
    bound->length[i] = mrq_above(length);
    bound->error[i] = mrq_above(error);
    for (uint32_t d = 0; d < sketch->bytes; d++)
        code[(size_t)(d / 4 * BLOCK + i) * 4 + d % 4] = (uint8_t)(whole[d] + MIDDLE);
}

mrq_status mrq_sketch_new(const float *vectors, uint32_t n, uint32_t dim, mrq_sketch **out, mrq_error *err)
{
    mrq_sketch *sketch = calloc(1, sizeof *sketch);
    const uint32_t bytes = (dim - 1 + 3) / 4 * 4;
    const size_t blocks = (size_t)n / BLOCK + (n % BLOCK != 0);
    MRQ_AUTOFREE int8_t *whole = mrq_array(bytes, 1);
    if (sketch)
        *sketch = (mrq_sketch){.vectors = vectors,
                               .n = n,
                               .dim = dim,
                               .bytes = bytes,
                               .least = FLT_MAX,
                               .code = mrq_array(blocks, (size_t)BLOCK * bytes),
                               .bound = mrq_array(blocks, sizeof *sketch->bound)};
    if (!sketch || !whole || !sketch->code || !sketch->bound) {
        mrq_sketch_free(sketch);
        return mrq_fail_memory(err, "sketching an index");
    }
    for (uint32_t row = 0; row < n; row++)
        put(sketch, row, whole);
    *out = sketch;
    return MRQ_OK;
}

void mrq_sketch_free(mrq_sketch *sketch)
{
    if (!sketch)
        return;
    mrq_free(sketch->code);
    mrq_free(sketch->bound);
    free(sketch);
}

/* Scores the rows of a block that may be among the best. */
static void score_rows(const mrq_sketch *sketch, const float *query, const float *most, uint32_t first, uint64_t keep, mrq_top *top)
{
    const mrq_distances *kernels = mrq_distances_best();
    for (; keep; keep &= keep - 1) {
        const uint32_t i = (uint32_t)__builtin_ctzll(keep), row = first + i;
        if (top->n == top->k && most[i] < top->hit[0].score)
            continue;
        const float score = kernels->inner_product(query, sketch->vectors + (size_t)row * sketch->dim, sketch->dim);
        mrq_top_push(top, (mrq_hit){row, score});
    }
}

/* Whether no number in the bounds can overflow or underflow a float. */
static bool in_range(const mrq_sketch *sketch, float scale, float last)
{
    const double largest =
        (double)scale * (double)sketch->most * 127 * 255 * sketch->dim + fabs((double)last) * (double)sketch->last;
    return (double)scale * (double)sketch->least >= (double)FLT_MIN && largest < (double)FLT_MAX / 8;
}

mrq_status mrq_sketch_scan(const mrq_sketch *sketch, const float *query, const mrq_filter *filter, mrq_top *top, mrq_error *err)
{
    const mrq_distances *kernels = mrq_distances_best();
    const uint32_t size = sketch->dim - 1;
    MRQ_AUTOFREE int8_t *whole = mrq_array(sketch->bytes, 1);
    if (!whole)
        return mrq_fail_memory(err, "searching an index");
    double length, error;
    mrq_bound_query q;
    quantise(query, size, whole, &q.scale, &length, &error);
    if (!in_range(sketch, q.scale, query[size])) {
        const float longest = mrq_scan_longest(sketch->vectors, sketch->n, sketch->dim);
        mrq_scan(sketch->vectors, sketch->n, sketch->dim, query, filter, mrq_scan_slack(query, sketch->dim, longest), top);
        return MRQ_OK;
    }
    /* Rounding errors: a float sum of `dim` products is off by at most dim × 2^-24 of the sum of the products' magnitudes; this
     * applies to our sum and to the one that it is compared with. The bound itself adds a few roundings. */
    const double rounding = (2.0 * sketch->dim + 64) * 0x1p-24;
    q.last = query[size];
    q.length = mrq_above((length + error) * (1 + rounding));
    q.error = mrq_above(error + rounding * length);
    q.rounding = mrq_above(rounding * fabs((double)query[size]));
    q.middle = 0;
    for (uint32_t d = 0; d < size; d++)
        q.middle += MIDDLE * whole[d];
    float most[BLOCK];
    for (uint32_t start = 0; top->k && start < sketch->n; start += BLOCK) {
        const uint32_t rows = sketch->n - start < BLOCK ? sketch->n - start : BLOCK;
        const uint64_t all = ~(uint64_t)0 >> (BLOCK - rows), keep = filter ? filter->keep[start / BLOCK] & all : all;
        if (!keep)
            continue;
        const float best = kernels->bounds(most, &q, &sketch->bound[start / BLOCK], whole,
                                           sketch->code + (size_t)start * sketch->bytes, sketch->bytes);
        if (top->n < top->k || best >= top->hit[0].score)
            score_rows(sketch, query, most, start, keep, top);
    }
    return MRQ_OK;
}
