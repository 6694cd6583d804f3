/* Answers a query: computes the user's vector and finds the nearest items that pass the filters.
 *
 * A cached answer and a search have the same rows and the same inner products, bit for bit: they differ only in mrq_content.cache,
 * and both can be explained. A failure of Redis is never an error: the answer is computed. */
#include "engine/recommend.h"

#include <math.h>
#include <string.h>

#include "engine/neighbours.h"
#include "engine/redis_answers.h"

void mrq_content_clear(mrq_content *answer)
{
    mrq_free(answer->hit);
    mrq_resolved_clear(&answer->query);
    mrq_free(answer->why.base);
    mrq_free(answer->why.rest);
    mrq_free(answer->why.part);
    *answer = (mrq_content){0};
}

mrq_status mrq_person_vector(const mrq_generation *generation, const mrq_resolved *resolved, float **out, mrq_line *line,
                             mrq_error *err)
{
    MRQ_AUTOFREE float *vector = mrq_array(generation->tower->dim, sizeof *vector);
    if (!vector)
        return mrq_fail_memory(err, "answering");
    const mrq_feedback lists[] = {{resolved->feedback.n, resolved->feedback.item, resolved->feedback.net},
                                  mrq_person_history(generation, resolved)};
    const bool aged = resolved->feedback.aged; /* so that the user's row, the sum of his history, is of no use */
    uint32_t value[MRQ_BRANCHES_MAX];
    memcpy(value, resolved->value, resolved->n_values * sizeof *value);
    if (aged)
        mrq_folded_forget(generation->tower, value);
    mrq_folded_vector_of(generation->tower, value, resolved->members, lists, aged ? 2 : 1, vector, line);
    for (uint32_t d = 0; d < generation->tower->dim; d++)
        if (!isfinite(vector[d]))
            return mrq_fail(err, MRQ_BAD_FILE, "generation %s: the user tower gives %g at place %u", generation->name,
                            (double)vector[d], d);
    if (!isfinite(line->slope) || !isfinite(line->intercept))
        return mrq_fail(err, MRQ_BAD_FILE, "generation %s: the user tower gives scores of %g x + %g", generation->name, line->slope,
                        line->intercept);
    *out = vector;
    vector = NULL;
    return MRQ_OK;
}

/* Copies the user's rated items but those that live events have taken back; both lists ascend. Returns their number. */
static uint64_t copy_rated(const uint32_t *rated, uint64_t n, const mrq_query_feedback *feedback, uint32_t *out)
{
    uint64_t kept = 0;
    for (uint64_t i = 0, f = 0; i < n; i++) {
        while (f < feedback->n && feedback->item[f] < rated[i])
            f++;
        const bool back = f < feedback->n && feedback->item[f] == rated[i] && feedback->by[f] == MRQ_BY_ERASE;
        out[kept] = rated[i];
        kept += !back;
    }
    return kept;
}

/* The items that are not to be answered: those that the user has rated, those that the query and live events are of, and those that
 * are gone. */
static mrq_status find_seen(const mrq_generation *generation, const mrq_resolved *resolved, const mrq_live_view *live,
                            uint32_t **out, uint64_t *n, mrq_error *err)
{
    const mrq_query_feedback *feedback = &resolved->feedback;
    const uint64_t *offset = resolved->user == MRQ_NONE || resolved->include_seen ? NULL : generation->seen.offset + resolved->user;
    const uint64_t rated = offset ? offset[1] - offset[0] : 0;
    const uint32_t n_gone = live ? live->n_gone : 0;
    uint32_t *seen = mrq_array(rated + feedback->n + feedback->n_had + n_gone, sizeof *seen);
    if (!seen)
        return mrq_fail_memory(err, "searching");
    uint64_t at = rated ? copy_rated(generation->seen.item + offset[0], rated, feedback, seen) : 0;
    for (uint32_t i = 0; !resolved->include_seen && i < feedback->n; i++)
        if (feedback->by[i] != MRQ_BY_ERASE)
            seen[at++] = feedback->item[i];
    for (uint32_t i = 0; !resolved->include_seen && i < feedback->n_had; i++)
        seen[at++] = feedback->had[i];
    for (uint32_t i = 0; i < n_gone; i++)
        seen[at++] = live->gone[i];
    *out = seen;
    *n = at;
    return MRQ_OK;
}

mrq_status mrq_person_search(const mrq_generation *generation, const mrq_resolved *resolved, const mrq_live_view *live,
                             const float *vector, const mrq_line *line, mrq_hit **out, uint32_t *n, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *seen = NULL;
    uint64_t n_seen = 0;
    MRQ_TRY(find_seen(generation, resolved, live, &seen, &n_seen, err));
    __attribute__((cleanup(mrq_bitmap_clear))) mrq_bitmap bitmap = {0};
    MRQ_TRY(mrq_selection_bitmap(&resolved->selection, generation->items, seen, n_seen, &bitmap, err));
    const uint32_t kept = bitmap.filter.n_kept, k = mrq_resolved_reach(resolved, kept);
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(k, sizeof *hits);
    if (!hits)
        return mrq_fail_memory(err, "searching");
    const mrq_filter *filter = kept < generation->items->rows ? &bitmap.filter : NULL;
    uint32_t found = 0;
    const mrq_feedback liked[] = {mrq_person_history(generation, resolved),
                                  {resolved->feedback.n, resolved->feedback.item, resolved->feedback.net}};
    MRQ_TRY(mrq_neighbours_search(generation, vector, line->slope, liked, 2, k, filter, hits, &found, err));
    *n = mrq_resolved_page(resolved, hits, found);
    *out = hits;
    hits = NULL;
    return MRQ_OK;
}

mrq_status mrq_recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query, const mrq_live_view *live,
                         mrq_content *out, mrq_error *err)
{
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    MRQ_TRY(mrq_query_resolve(generation, MRQ_ASK_RECOMMEND, query, live, &resolved, err));
    MRQ_AUTOFREE float *vector = NULL;
    mrq_line line;
    MRQ_TRY(mrq_person_vector(generation, &resolved, &vector, &line, err));
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    uint32_t n = 0;
    mrq_cache_state state = MRQ_CACHE_OFF;
    char key[MRQ_REDIS_KEY];
    if (cache) {
        mrq_redis_answers_key(generation, &resolved, key);
        state = mrq_redis_answers_get(cache, key, resolved.text, generation->items->rows, resolved.k, &hits, &n);
    }
    if (state != MRQ_CACHE_HIT)
        MRQ_TRY(mrq_person_search(generation, &resolved, live, vector, &line, &hits, &n, err));
    if (state == MRQ_CACHE_MISS)
        state = mrq_redis_answers_set(cache, key, hits, n);
    MRQ_AUTOFREE mrq_recommendation *hit = mrq_array(n, sizeof *hit);
    if (!hit)
        return mrq_fail_memory(err, "answering");
    for (uint32_t i = 0; i < n; i++)
        hit[i] = (mrq_recommendation){hits[i].row, line.slope * (double)hits[i].score + line.intercept};
    mrq_explanation why = {0};
    if (resolved.explain)
        MRQ_TRY(mrq_person_explain(generation, &resolved, hit, n, resolved.explain, &why, err));
    *out = (mrq_content){n, hit, state, resolved, why};
    hit = NULL;
    resolved = (mrq_resolved){0};
    return MRQ_OK;
}
