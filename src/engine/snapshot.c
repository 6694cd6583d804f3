/* Snapshots and cached answers are reference-counted; the last release frees them. */
#include "engine/snapshot.h"

#include <stdlib.h>
#include <string.h>

void mrq_snapshot_release(mrq_snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub(&snapshot->references, 1) != 1)
        return;
    mrq_generation_close(snapshot->generation);
    mrq_free(snapshot->ratings);
    free(snapshot);
}

static void count_ratings(const mrq_generation *generation, uint32_t *ratings)
{
    const uint64_t n = generation->seen.offset[generation->users->rows];
    for (uint64_t i = 0; i < n; i++)
        ratings[generation->seen.item[i]]++;
}

/* Prepares what lists need, and for many queries what only pays off for them. */
static mrq_status prepare(mrq_snapshot *snapshot, mrq_purpose purpose, mrq_error *err)
{
    if (purpose == MRQ_FOR_ALL)
        MRQ_TRY(mrq_index_sketch(snapshot->generation->index, err));
    snapshot->ratings = mrq_array(snapshot->generation->items->rows, sizeof *snapshot->ratings);
    if (!snapshot->ratings)
        return mrq_fail_memory(err, "opening the store");
    count_ratings(snapshot->generation, snapshot->ratings);
    return MRQ_OK;
}

mrq_status mrq_snapshot_open(const char *store, mrq_backend *backend, mrq_purpose purpose, mrq_snapshot **out, mrq_error *err)
{
    mrq_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return mrq_fail_memory(err, "opening the store");
    atomic_init(&snapshot->references, 1);
    mrq_status status =
        mrq_generation_open_on(store, backend, purpose == MRQ_FOR_ALL || purpose == MRQ_FOR_ONE, &snapshot->generation, err);
    if (status == MRQ_OK && (purpose == MRQ_FOR_ALL || purpose == MRQ_FOR_LIST))
        status = prepare(snapshot, purpose, err);
    if (status != MRQ_OK) {
        mrq_snapshot_release(snapshot);
        return status;
    }
    *out = snapshot;
    return MRQ_OK;
}

mrq_status mrq_cached_answer_new(mrq_snapshot *snapshot, mrq_content *answer, mrq_print *open, bool tells_cache,
                                 mrq_cached_answer **out, mrq_error *err)
{
    size_t size = 0;
    char *text = mrq_print_take(open, &size);
    mrq_cached_answer *cached = text ? calloc(1, sizeof *cached) : NULL;
    if (!cached) {
        mrq_content_clear(answer);
        mrq_free(text);
        return mrq_fail_memory(err, "answering");
    }
    atomic_init(&cached->references, 1);
    atomic_fetch_add(&snapshot->references, 1);
    cached->snapshot = snapshot;
    cached->content = *answer;
    cached->open = text;
    cached->size = size;
    cached->tells_cache = tells_cache;
    *out = cached;
    return MRQ_OK;
}

mrq_cached_answer *mrq_cached_answer_acquire(mrq_cached_answer *cached)
{
    atomic_fetch_add(&cached->references, 1);
    return cached;
}

void mrq_cached_answer_release(mrq_cached_answer *cached)
{
    if (!cached || atomic_fetch_sub(&cached->references, 1) != 1)
        return;
    mrq_content_clear(&cached->content);
    mrq_free(cached->open);
    mrq_snapshot_release(cached->snapshot);
    free(cached);
}

size_t mrq_cached_answer_bytes(const mrq_cached_answer *cached)
{
    const mrq_content *answer = &cached->content;
    return sizeof *cached + cached->size + answer->n * sizeof *answer->hit +
           (answer->query.text ? mrq_resolved_bytes(&answer->query) : 0) +
           (answer->why.base ? answer->n * (2 * sizeof(double) + answer->why.n * sizeof(mrq_score_part)) : 0);
}
