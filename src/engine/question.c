/* A question's bytes are those it was asked with, not what they are understood as: two spellings of one question are two entries in
 * memory, and one in Redis, but the key costs next to nothing. Each text and list follows its length, so that no two questions
 * meet. */
#include "engine/question.h"

#include <string.h>

static void put(mrq_question_key *to, const void *bytes, size_t size)
{
    if (to->size + size <= MRQ_QUESTION_KEY)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void put_text(mrq_question_key *to, const char *text)
{
    const uint32_t size = text ? (uint32_t)strlen(text) : UINT32_MAX;
    put(to, &size, sizeof size);
    if (text)
        put(to, text, size);
}

static void put_ids(mrq_question_key *to, const int64_t *id, uint32_t n)
{
    put(to, &n, sizeof n);
    if (n)
        put(to, id, n * sizeof *id);
}

static void put_filters(mrq_question_key *to, const mrq_filters *filters)
{
    const int32_t plain[] = {filters->all_genres, filters->year_from, filters->year_to, filters->include_seen,
                             (int32_t)filters->n_genres};
    put(to, plain, sizeof plain);
    for (uint32_t i = 0; i < filters->n_genres; i++)
        put_text(to, filters->genre[i]);
    put_ids(to, filters->exclude, filters->n_exclude);
}

void mrq_question_write(const mrq_question *q, mrq_question_key *to)
{
    const int64_t plain[] = {q->kind, q->id, q->k};
    to->size = 0;
    put(to, plain, sizeof plain);
    put_text(to, q->text);
    if (q->query) {
        const int64_t numbers[] = {q->query->user, q->query->k, q->query->explain};
        put(to, numbers, sizeof numbers);
        put_text(to, q->query->age);
        put_text(to, q->query->gender);
        put_text(to, q->query->job);
        put_ids(to, q->query->liked, q->query->n_liked);
        put_ids(to, q->query->disliked, q->query->n_disliked);
        put_filters(to, &q->query->filters);
    }
    if (q->filters)
        put_filters(to, q->filters);
}

static mrq_status check_list(const char *name, const void *list, uint32_t n, mrq_error *err)
{
    return list || !n ? MRQ_OK : mrq_fail(err, MRQ_USAGE, "%s: %u of them, but no list", name, n);
}

static mrq_status check_filters(const mrq_filters *filters, mrq_error *err)
{
    MRQ_TRY(check_list("genre", filters->genre, filters->n_genres, err));
    for (uint32_t i = 0; i < filters->n_genres; i++)
        MRQ_TRY(mrq_argument_check(filters->genre[i], "genre", err));
    return check_list("exclude", filters->exclude, filters->n_exclude, err);
}

mrq_status mrq_question_check(const mrq_question *q, mrq_error *err)
{
    if (q->kind == MRQ_ASK_SIMILAR || q->kind == MRQ_ASK_SEARCH)
        MRQ_TRY(mrq_argument_check(q->text, q->kind == MRQ_ASK_SIMILAR ? "movie" : "text", err));
    if (q->kind == MRQ_ASK_RECOMMEND) {
        MRQ_TRY(mrq_argument_check(q->query, "query", err));
        MRQ_TRY(check_list("liked", q->query->liked, q->query->n_liked, err));
        MRQ_TRY(check_list("disliked", q->query->disliked, q->query->n_disliked, err));
        MRQ_TRY(check_filters(&q->query->filters, err));
    }
    return q->filters ? check_filters(q->filters, err) : MRQ_OK;
}
