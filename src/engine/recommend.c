/* Answers: the user's vector, the index's nearest movies, less those the user has rated: so many more are asked for.
 *
 * A hit of the cache and a search give the same rows and the same inner products, to the bit, so nothing but mrq_answer.cache tells
 * them apart. What Redis does is never an error: the answer is computed. */
#include <math.h>

#include "engine/cached.h"

void mrq_answer_clear(mrq_answer *answer)
{
    mrq_free(answer->item);
    mrq_free(answer->query);
    *answer = (mrq_answer){0};
}

static bool contains(const uint32_t *ascending, uint64_t n, uint32_t row)
{
    uint64_t low = 0, high = n;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (ascending[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ascending[low] == row;
}

static mrq_status user_vector(const mrq_generation *generation, const uint32_t *value, float *out, mrq_line *line, mrq_error *err)
{
    mrq_folded_vector(generation->tower, value, out, line);
    for (uint32_t d = 0; d < generation->tower->dim; d++)
        if (!isfinite(out[d]))
            return mrq_fail(err, MRQ_BAD_FILE, "generation %s: the user tower gives %g at place %u", generation->name,
                            (double)out[d], d);
    if (!isfinite(line->slope) || !isfinite(line->intercept))
        return mrq_fail(err, MRQ_BAD_FILE, "generation %s: the user tower gives scores of %g x + %g", generation->name, line->slope,
                        line->intercept);
    return MRQ_OK;
}

/* The best `k` movies that the user has not rated: `*hits` (freed with mrq_free()) and their number. */
static mrq_status search(const mrq_generation *generation, const mrq_resolved *resolved, const float *vector, mrq_hit **out,
                         uint32_t *n, mrq_error *err)
{
    const uint32_t total = mrq_index_count(generation->index), k = resolved->k;
    const uint32_t *seen = NULL;
    uint64_t n_seen = 0;
    if (resolved->user != MRQ_NONE) {
        const uint64_t *offset = generation->seen.offset + resolved->user;
        seen = generation->seen.item + offset[0];
        n_seen = offset[1] - offset[0];
    }
    const uint32_t ask = k + n_seen < total ? (uint32_t)(k + n_seen) : total;
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(ask, sizeof *hits);
    uint32_t found = 0, kept = 0;
    if (!hits)
        return mrq_fail_memory(err, "searching");
    MRQ_TRY(mrq_index_search(generation->index, vector, ask, hits, &found, err));
    for (uint32_t i = 0; i < found && kept < k; i++)
        if (!contains(seen, n_seen, hits[i].row))
            hits[kept++] = hits[i];
    *out = hits;
    *n = kept;
    hits = NULL;
    return MRQ_OK;
}

mrq_status mrq_recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query, mrq_answer *out,
                         mrq_error *err)
{
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    MRQ_TRY(mrq_query_resolve(generation, query, &resolved, err));
    MRQ_AUTOFREE float *vector = mrq_array(generation->tower->dim, sizeof *vector);
    mrq_line line;
    if (!vector)
        return mrq_fail_memory(err, "answering");
    MRQ_TRY(user_vector(generation, resolved.value, vector, &line, err));
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    uint32_t n = 0;
    mrq_cache_state state = MRQ_CACHE_OFF;
    char key[MRQ_CACHED_KEY];
    if (cache) {
        mrq_cached_key(generation, &resolved, key);
        state = mrq_cached_get(cache, key, generation->movies->rows, resolved.k, &hits, &n);
    }
    if (state != MRQ_CACHE_HIT)
        MRQ_TRY(search(generation, &resolved, vector, &hits, &n, err));
    if (state == MRQ_CACHE_MISS)
        state = mrq_cached_set(cache, key, hits, n);
    mrq_recommendation *item = mrq_array(n, sizeof *item);
    if (!item)
        return mrq_fail_memory(err, "answering");
    for (uint32_t i = 0; i < n; i++)
        item[i] = (mrq_recommendation){hits[i].row, line.slope * (double)hits[i].score + line.intercept};
    *out = (mrq_answer){n, item, state, cache ? mrq_cache_counted(cache) : (mrq_cache_counts){0}, resolved.text};
    resolved.text = NULL;
    return MRQ_OK;
}
