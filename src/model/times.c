#include "model/times.h"

#include <math.h>

#define FIRST "first"
#define TREND "trend"

enum { BUCKETS = 1 << 16, LATE = 20 }; /* one of so many events is late */

/* The range of the known times; false if there are not two of them. */
static bool find_range(const int64_t *time, uint64_t n, int64_t *oldest, int64_t *newest)
{
    *oldest = INT64_MAX;
    *newest = INT64_MIN;
    for (uint64_t i = 0; i < n; i++)
        if (time[i]) {
            *oldest = time[i] < *oldest ? time[i] : *oldest;
            *newest = time[i] > *newest ? time[i] : *newest;
        }
    return *oldest < *newest;
}

/* The time in which the last events happened, to one part in BUCKETS of the whole range; 0: out of memory. */
static double find_half_life(const int64_t *time, uint64_t n, int64_t oldest, int64_t newest)
{
    MRQ_AUTOFREE uint64_t *count = mrq_array(BUCKETS, sizeof *count);
    const double width = ((double)newest - (double)oldest + 1) / BUCKETS;
    uint64_t known = 0, late = 0;
    if (!count)
        return 0;
    for (uint64_t i = 0; i < n; i++)
        if (time[i]) {
            count[(uint32_t)(((double)newest - (double)time[i]) / width)]++;
            known++;
        }
    uint32_t bucket = 0;
    while ((late += count[bucket]) * LATE < known)
        bucket++;
    return width * (bucket + 1);
}

int mrq_times_make(mrq_arena *arena, const uint32_t *item, const int64_t *time, uint64_t n, uint32_t items, mrq_times *out)
{
    int64_t oldest, newest;
    *out = (mrq_times){0};
    if (!time || !find_range(time, n, &oldest, &newest))
        return 0;
    const double half_life = find_half_life(time, n, oldest, newest);
    MRQ_AUTOFREE uint64_t *count = mrq_array(items, sizeof *count);
    int64_t *first = mrq_arena_array(arena, items, sizeof *first);
    double *trend = mrq_arena_array(arena, items, sizeof *trend);
    if (!(half_life > 0) || !count || !first || !trend)
        return -1;
    double all = 0;
    uint64_t known = 0;
    for (uint32_t i = 0; i < items; i++)
        first[i] = MRQ_NEVER;
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t it = item[i];
        if (!time[i])
            continue;
        const double weight = exp2(((double)time[i] - (double)newest) / half_life);
        first[it] = !count[it]++ || time[i] < first[it] ? time[i] : first[it];
        trend[it] += weight;
        all += weight;
        known++;
    }
    for (uint32_t i = 0; i < items; i++) {
        const double expected = (double)count[i] * all / (double)known;
        trend[i] = (trend[i] - expected) / sqrt(expected + 1);
    }
    *out = (mrq_times){first, trend};
    return 0;
}

void mrq_times_save(const mrq_times *times, uint32_t items, mrq_container_writer *writer)
{
    if (!times->first)
        return;
    mrq_container_add(writer, times->first, items, sizeof *times->first, FIRST);
    mrq_container_add(writer, times->trend, items, sizeof *times->trend, TREND);
}

mrq_status mrq_times_load(const mrq_container *container, uint32_t items, mrq_times *out, mrq_error *err)
{
    size_t count = items;
    const void *first, *trend;
    *out = (mrq_times){0};
    if (!mrq_container_has(container, FIRST) && !mrq_container_has(container, TREND))
        return MRQ_OK;
    MRQ_TRY(mrq_container_get(container, sizeof *out->first, &count, &first, err, FIRST));
    MRQ_TRY(mrq_container_get(container, sizeof *out->trend, &count, &trend, err, TREND));
    const double *number = trend;
    for (uint32_t i = 0; i < items; i++)
        if (!isfinite(number[i]))
            return mrq_container_bad(container, err, "section \"" TREND "\": number %u is not finite", i);
    *out = (mrq_times){first, trend};
    return MRQ_OK;
}
