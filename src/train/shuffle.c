#include "train/shuffle.h"

#include <string.h>

/* Counting sort by item, the items in random order. */
static mrq_status by_item(const mrq_dataset *data, mrq_random *rng, uint32_t *rating, uint64_t n, mrq_error *err)
{
    const uint32_t items = data->items->rows;
    MRQ_AUTOFREE uint32_t *place = mrq_array(items, sizeof *place), *sorted = mrq_array(n, sizeof *sorted);
    MRQ_AUTOFREE uint64_t *next = mrq_array((size_t)items + 1, sizeof *next);
    if (!place || !sorted || !next)
        return mrq_fail_memory(err, "ordering the ratings");
    for (uint32_t m = 0; m < items; m++)
        place[m] = m;
    mrq_random_shuffle(rng, place, items);
    for (uint64_t i = 0; i < n; i++)
        next[place[data->item[rating[i]]] + 1]++;
    for (uint32_t m = 0; m < items; m++)
        next[m + 1] += next[m];
    for (uint64_t i = 0; i < n; i++)
        sorted[next[place[data->item[rating[i]]]]++] = rating[i];
    memcpy(rating, sorted, n * sizeof *rating);
    return MRQ_OK;
}

mrq_status mrq_shuffle_epoch(mrq_shuffle order, const mrq_dataset *data, mrq_random *rng, uint32_t *rating, uint64_t n,
                             mrq_error *err)
{
    if (order == MRQ_SHUFFLE_ITEM)
        return by_item(data, rng, rating, n, err);
    mrq_random_shuffle(rng, rating, n);
    return MRQ_OK;
}

uint64_t mrq_shuffle_cut(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n, uint32_t size,
                         uint64_t *start)
{
    uint64_t batches = 0, end;
    for (uint64_t at = 0; at < n; at = end) {
        start[batches++] = at;
        end = n - at < size ? n : at + size;
        while (order == MRQ_SHUFFLE_ITEM && end < n && data->item[rating[end]] == data->item[rating[end - 1]])
            end++;
    }
    start[batches] = n;
    return batches;
}

mrq_status mrq_shuffle_largest(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n, uint32_t size,
                               uint32_t *largest, mrq_error *err)
{
    *largest = n < size ? (uint32_t)n : size;
    if (order != MRQ_SHUFFLE_ITEM)
        return MRQ_OK;
    MRQ_AUTOFREE uint32_t *count = mrq_array(data->items->rows, sizeof *count);
    if (!count)
        return mrq_fail_memory(err, "ordering the ratings");
    uint64_t most = 0;
    for (uint64_t i = 0; i < n; i++)
        most = ++count[data->item[rating[i]]] > most ? count[data->item[rating[i]]] : most;
    most += size;
    if (most > UINT32_MAX)
        return mrq_fail(err, MRQ_FAILED, "an item has %llu ratings: too many for batches of whole items",
                        (unsigned long long)(most - size));
    *largest = (uint32_t)(most < n ? most : n);
    return MRQ_OK;
}

/* The sort key of an item: its number, scattered over the next power of two. Item numbers often follow the time of arrival; sorted
 * by them, one half of a batch would hold more of the rarely rated items than the other half. */
static uint32_t scattered(uint32_t item, uint32_t mask)
{
    return item * 0x9e3779b1u & mask;
}

void mrq_shuffle_sort(const mrq_dataset *data, uint32_t *rating, uint32_t n, uint64_t *scratch)
{
    uint64_t *from = scratch, *to = scratch + n;
    uint32_t mask = 0;
    while (mask < data->items->rows - 1)
        mask = mask << 1 | 1;
    for (uint32_t i = 0; i < n; i++)
        from[i] = (uint64_t)scattered(data->item[rating[i]], mask) << 32 | rating[i];
    for (uint32_t shift = 32; shift < 64 && mask >> (shift - 32); shift += 8) { /* radix sort, one byte a round */
        uint32_t next[257] = {0};
        for (uint32_t i = 0; i < n; i++)
            next[(from[i] >> shift & 255) + 1]++;
        for (uint32_t b = 1; b < 256; b++) /* next[0] is 0 */
            next[b + 1] += next[b];
        for (uint32_t i = 0; i < n; i++)
            to[next[from[i] >> shift & 255]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    for (uint32_t i = 0; i < n; i++)
        rating[i] = (uint32_t)from[i];
}
