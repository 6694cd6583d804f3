#include "index/lengths.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "index/scan.h"

struct entry {
    float length;
    uint32_t row;
};

static int by_length(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->length < y->length ? 1 : x->length > y->length ? -1 : (x->row > y->row) - (x->row < y->row);
}

static double length_of(const float *x, uint32_t n)
{
    double sum = 0;
    for (uint32_t d = 0; d < n; d++)
        sum += (double)x[d] * (double)x[d];
    return sqrt(sum);
}

mrq_status mrq_lengths_new(const float *vectors, uint32_t n, uint32_t dim, mrq_lengths **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_lengths_free) mrq_lengths *lengths = calloc(1, sizeof *lengths);
    MRQ_AUTOFREE struct entry *entry = mrq_array(n, sizeof *entry);
    if (lengths)
        *lengths = (mrq_lengths){dim, mrq_array(n, sizeof *lengths->length), mrq_array(n, sizeof *lengths->row), 0};
    if (!entry || !lengths || !lengths->length || !lengths->row)
        return mrq_fail_memory(err, "ordering vectors");
    for (uint32_t i = 0; i < n; i++) {
        const float *vector = vectors + (size_t)i * dim;
        lengths->length[i] = mrq_above(length_of(vector, dim - 1));
        lengths->last = fmaxf(lengths->last, fabsf(vector[dim - 1]));
        entry[i] = (struct entry){lengths->length[i], i};
    }
    qsort(entry, n, sizeof *entry, by_length);
    for (uint32_t i = 0; i < n; i++)
        lengths->row[i] = entry[i].row;
    *out = lengths;
    lengths = NULL;
    return MRQ_OK;
}

void mrq_lengths_free(mrq_lengths *lengths)
{
    if (!lengths)
        return;
    mrq_free(lengths->length);
    mrq_free(lengths->row);
    free(lengths);
}

mrq_reach mrq_lengths_reach(const mrq_lengths *lengths, const float *query)
{
    const double rounding = 1 + (2.0 * lengths->dim + 64) * 0x1p-24; /* of a float sum of that many products */
    return (mrq_reach){mrq_above(length_of(query, lengths->dim - 1) * rounding),
                       mrq_above(fabs((double)query[lengths->dim - 1]) * (double)lengths->last * rounding)};
}
