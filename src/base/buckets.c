/* Buckets are filled from the least number on, each with an equal share of the numbers that are left; one that makes up a share
 * alone begins its own. So a number that half of all have does not cost the others their buckets, as fixed quantiles would. */
#include "base/buckets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static int compare_numbers(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

mrq_status mrq_buckets_find(const double *number, size_t n, double bound[MRQ_BUCKETS_MAX], uint32_t *buckets, mrq_error *err)
{
    MRQ_AUTOFREE double *sorted = mrq_array(n, sizeof *sorted);
    if (!sorted)
        return mrq_fail_memory(err, "dividing numbers");
    size_t known = 0, distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(number[i]))
            sorted[known++] = number[i];
    qsort(sorted, known, sizeof *sorted, compare_numbers);
    for (size_t i = 0; i < known; i++)
        distinct += !i || sorted[i] > sorted[i - 1];
    uint32_t made = 0;
    size_t size = 0, share = 0; /* of the last bucket: how many it has and should have */
    for (size_t i = 0, next; i < known; i = next) {
        for (next = i + 1; next < known && sorted[next] <= sorted[i];)
            next++;
        if (made < MRQ_BUCKETS_MAX && (!made || size >= share || next - i >= share)) {
            share = distinct <= MRQ_BUCKETS_MAX ? 1 : (known - i) / (MRQ_BUCKETS_MAX - made);
            size = 0;
            bound[made++] = sorted[i];
        }
        size += next - i;
    }
    *buckets = made;
    return MRQ_OK;
}

uint32_t mrq_bucket_of(const double *bound, uint32_t buckets, double number)
{
    uint32_t i = buckets - 1;
    while (i && number < bound[i])
        i--;
    return i;
}

/* A bound as people write it: a large one is no 1e+06. */
static const char *plain(double number, char out[24])
{
    snprintf(out, 24, floor(number) >= number && fabs(number) < 1e15 ? "%.0f" : "%.6g", number);
    return out;
}

const char *mrq_bucket_label(const double *bound, uint32_t buckets, uint32_t i, bool whole, char out[MRQ_BUCKET_LABEL])
{
    char from[24], to[24];
    plain(bound[i], from);
    if (buckets == 1)
        snprintf(out, MRQ_BUCKET_LABEL, "any");
    else if (i + 1 == buckets)
        snprintf(out, MRQ_BUCKET_LABEL, "%s or more", from);
    else if (!i)
        snprintf(out, MRQ_BUCKET_LABEL, "under %s", plain(bound[1], to));
    else if (whole && bound[i + 1] - bound[i] <= 1)
        snprintf(out, MRQ_BUCKET_LABEL, "%s", from);
    else
        snprintf(out, MRQ_BUCKET_LABEL, "%s to %s", from, plain(whole ? bound[i + 1] - 1 : bound[i + 1], to));
    return out;
}
