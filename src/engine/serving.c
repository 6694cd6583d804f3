/* Counting holders: who takes a thing holds it until he lets go, and the last one frees it. An answer holds its generation; a
 * generation's memory of answers would hold it for ever, so it is emptied by whoever takes the generation out of service
 * (recommender.c), before the last holder is gone. */
#include "engine/serving.h"

#include <stdlib.h>
#include <string.h>

#include "engine/answers.h"

void mrq_serving_release(mrq_serving *serving)
{
    if (!serving || atomic_fetch_sub(&serving->holders, 1) != 1)
        return;
    mrq_answers_free(serving->answers);
    mrq_generation_close(serving->generation);
    mrq_free(serving->ratings);
    free(serving);
}

static void count_ratings(const mrq_generation *generation, uint32_t *ratings)
{
    const uint64_t n = generation->seen.offset[generation->users->rows];
    for (uint64_t i = 0; i < n; i++)
        ratings[generation->seen.item[i]]++;
}

/* What pays where there are many questions. */
static mrq_status prepare(mrq_serving *serving, size_t memory, atomic_ullong *evicted, mrq_error *err)
{
    MRQ_TRY(mrq_index_sketch(serving->generation->index, err));
    serving->ratings = mrq_array(serving->generation->movies->rows, sizeof *serving->ratings);
    serving->answers = memory ? mrq_answers_new(memory, evicted) : NULL;
    if (!serving->ratings || (memory && !serving->answers))
        return mrq_fail_memory(err, "opening the store");
    count_ratings(serving->generation, serving->ratings);
    return MRQ_OK;
}

mrq_status mrq_serving_open(const char *store, mrq_backend *backend, mrq_purpose purpose, size_t memory, atomic_ullong *evicted,
                            mrq_serving **out, mrq_error *err)
{
    mrq_serving *serving = calloc(1, sizeof *serving);
    if (!serving)
        return mrq_fail_memory(err, "opening the store");
    atomic_init(&serving->holders, 1);
    mrq_status status = mrq_generation_open_on(store, backend, purpose != MRQ_FOR_ONE_PLAIN, &serving->generation, err);
    if (status == MRQ_OK && purpose == MRQ_FOR_ALL)
        status = prepare(serving, memory, evicted, err);
    if (status != MRQ_OK) {
        mrq_serving_release(serving);
        return status;
    }
    *out = serving;
    return MRQ_OK;
}

mrq_status mrq_finished_new(mrq_serving *serving, mrq_answer *answer, mrq_print *open, bool tells_cache, mrq_finished **out,
                            mrq_error *err)
{
    size_t size = 0;
    char *text = mrq_print_take(open, &size);
    mrq_finished *finished = text ? calloc(1, sizeof *finished) : NULL;
    if (!finished) {
        mrq_answer_clear(answer);
        mrq_free(text);
        return mrq_fail_memory(err, "answering");
    }
    atomic_init(&finished->holders, 1);
    atomic_fetch_add(&serving->holders, 1);
    finished->serving = serving;
    finished->answer = *answer;
    finished->open = text;
    finished->size = size;
    finished->tells_cache = tells_cache;
    *out = finished;
    return MRQ_OK;
}

mrq_finished *mrq_finished_hold(mrq_finished *finished)
{
    atomic_fetch_add(&finished->holders, 1);
    return finished;
}

void mrq_finished_release(mrq_finished *finished)
{
    if (!finished || atomic_fetch_sub(&finished->holders, 1) != 1)
        return;
    mrq_answer_clear(&finished->answer);
    mrq_free(finished->open);
    mrq_serving_release(finished->serving);
    free(finished);
}

size_t mrq_finished_bytes(const mrq_finished *finished)
{
    const mrq_answer *answer = &finished->answer;
    return sizeof *finished + finished->size + answer->n * sizeof *answer->item +
           (answer->query.text ? mrq_resolved_bytes(&answer->query) : 0) +
           (answer->why.base ? answer->n * (2 * sizeof(double) + answer->why.n * sizeof(mrq_score_part)) : 0);
}
