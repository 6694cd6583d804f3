/* Queries as literals: tests say in one struct what is asked, and a query is made of it field by field. */
#ifndef MRQ_TESTS_ASKED_H
#define MRQ_TESTS_ASKED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/json.h"

typedef struct question_filters {
    const char *const *genre; /* (n_genres) */
    uint32_t n_genres;
    bool all_genres;
    int year_from, year_to; /* 0: open */
    const int64_t *exclude; /* (n_exclude) */
    uint32_t n_exclude;
    bool include_seen;
} question_filters;

typedef struct question {
    const char *age, *gender, *job; /* NULL: not set */
    int64_t user;                   /* -1: not set */
    uint32_t k;
    question_filters filters;
    const int64_t *liked, *disliked; /* (n_liked, n_disliked) */
    uint32_t n_liked, n_disliked;
    uint32_t explain; /* 0: not set */
} question;
#define QUESTION                                                                                                                   \
    {                                                                                                                              \
        .user = -1, .k = MRQ_K_DEFAULT                                                                                             \
    }

static inline mrq_status asked_ids(mrq_query *query, mrq_field_index field, const int64_t *id, uint32_t n, mrq_error *problem)
{
    char text[32];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%" PRId64, id[i]);
        MRQ_TRY(mrq_query_put(query, field, text, problem));
    }
    return MRQ_OK;
}

static inline mrq_status asked_number(mrq_query *query, mrq_field_index field, int64_t number, mrq_error *problem)
{
    return asked_ids(query, field, &number, 1, problem);
}

static inline mrq_status asked_filter(const question_filters *f, mrq_query *query, mrq_error *problem)
{
    char from[16] = "", to[16] = "", years[40];
    for (uint32_t i = 0; i < f->n_genres; i++)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_GENRE, f->genre[i], problem));
    if (f->all_genres)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_ALL_GENRES, "true", problem));
    if (f->year_from)
        snprintf(from, sizeof from, "%d", f->year_from);
    if (f->year_to)
        snprintf(to, sizeof to, "%d", f->year_to);
    snprintf(years, sizeof years, "%s-%s", from, to);
    if (f->year_from || f->year_to)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_YEAR, years, problem));
    if (f->include_seen)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_INCLUDE_SEEN, "true", problem));
    return asked_ids(query, MRQ_Q_EXCLUDE, f->exclude, f->n_exclude, problem);
}

/* The query of what is asked; to be cleared whatever comes of it. */
static inline mrq_status asked_query(const question *a, mrq_query *query, mrq_error *problem)
{
    if (a->age)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_AGE, a->age, problem));
    if (a->gender)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_GENDER, a->gender, problem));
    if (a->job)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_JOB, a->job, problem));
    if (a->user != -1)
        MRQ_TRY(asked_number(query, MRQ_Q_USER, a->user, problem));
    if (a->k != MRQ_K_DEFAULT)
        MRQ_TRY(asked_number(query, MRQ_Q_K, a->k, problem));
    if (a->explain == MRQ_EXPLAIN_ALL)
        MRQ_TRY(mrq_query_put(query, MRQ_Q_EXPLAIN, "all", problem));
    else if (a->explain)
        MRQ_TRY(asked_number(query, MRQ_Q_EXPLAIN, a->explain, problem));
    MRQ_TRY(asked_ids(query, MRQ_Q_LIKED, a->liked, a->n_liked, problem));
    MRQ_TRY(asked_ids(query, MRQ_Q_DISLIKED, a->disliked, a->n_disliked, problem));
    return asked_filter(&a->filters, query, problem);
}

#define ASKED_QUERY __attribute__((cleanup(mrq_query_clear))) mrq_query

/* The document of an answer, freed with mrq_free(); NULL when out of memory. */
static inline char *asked_json(const mrq_generation *g, const mrq_content *answer)
{
    mrq_print print = {0};
    mrq_print_content(&print, g, answer);
    mrq_print_key(&print, "cache");
    mrq_print_text(&print, mrq_cache_state_names[answer->cache]);
    mrq_print_close(&print, '}');
    mrq_print_close(&print, '\n');
    return mrq_print_take(&print, NULL);
}

static inline mrq_status asked_recommend(const mrq_generation *g, mrq_cache *cache, const question *a, mrq_content *out,
                                         mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(asked_query(a, &query, problem));
    return mrq_recommend(g, cache, &query, NULL, out, problem);
}

static inline mrq_status asked_similar(const mrq_generation *g, const char *item, uint32_t k, const question_filters *filters,
                                       mrq_content *out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(mrq_query_put(&query, MRQ_Q_ITEM, item, problem));
    MRQ_TRY(asked_number(&query, MRQ_Q_K, k, problem));
    if (filters)
        MRQ_TRY(asked_filter(filters, &query, problem));
    return mrq_similar(g, &query, NULL, out, problem);
}

static inline mrq_status asked_resolve(const mrq_generation *g, const question *a, mrq_resolved *out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(asked_query(a, &query, problem));
    return mrq_query_resolve(g, MRQ_ASK_RECOMMEND, &query, NULL, out, problem);
}

static inline mrq_status ask_recommend(mrq_recommender *r, const question *a, mrq_answer **out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(asked_query(a, &query, problem));
    return mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, &query, out, problem);
}

static inline mrq_status ask_similar(mrq_recommender *r, const char *item, uint32_t k, const question_filters *filters,
                                     mrq_answer **out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(mrq_query_put(&query, MRQ_Q_ITEM, item, problem));
    MRQ_TRY(asked_number(&query, MRQ_Q_K, k, problem));
    if (filters)
        MRQ_TRY(asked_filter(filters, &query, problem));
    return mrq_recommender_ask(r, MRQ_ASK_SIMILAR, &query, out, problem);
}

static inline mrq_status ask_item(mrq_recommender *r, int64_t id, mrq_answer **out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(asked_number(&query, MRQ_Q_ITEM, id, problem));
    return mrq_recommender_ask(r, MRQ_ASK_ITEM, &query, out, problem);
}

static inline mrq_status ask_search(mrq_recommender *r, const char *text, uint32_t k, mrq_answer **out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(mrq_query_put(&query, MRQ_Q_TEXT, text, problem));
    MRQ_TRY(asked_number(&query, MRQ_Q_K, k, problem));
    return mrq_recommender_ask(r, MRQ_ASK_SEARCH, &query, out, problem);
}

static inline mrq_status ask_user(mrq_recommender *r, int64_t id, uint32_t k, mrq_answer **out, mrq_error *problem)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(asked_number(&query, MRQ_Q_USER, id, problem));
    MRQ_TRY(asked_number(&query, MRQ_Q_K, k, problem));
    return mrq_recommender_ask(r, MRQ_ASK_USER, &query, out, problem);
}

static inline mrq_status ask_info(mrq_recommender *r, mrq_answer **out, mrq_error *problem)
{
    return mrq_recommender_ask(r, MRQ_ASK_INFO, NULL, out, problem);
}

/* Those that cannot be made are among the errors. */
static inline mrq_status ask_batch(mrq_recommender *r, const question *a, uint32_t n, uint32_t threads, mrq_answer **result,
                                   mrq_error *error, mrq_error *problem)
{
    mrq_query *query = calloc(n ? n : 1, sizeof *query);
    const mrq_query **list = calloc(n ? n : 1, sizeof(mrq_query *));
    mrq_status status = query && list ? MRQ_OK : MRQ_FAILED;
    for (uint32_t i = 0; i < n && status == MRQ_OK; i++) {
        status = asked_query(&a[i], &query[i], problem);
        list[i] = &query[i];
    }
    if (status == MRQ_OK)
        status = mrq_recommender_batch(r, list, n, threads, result, error, problem);
    for (uint32_t i = 0; query && i < n; i++)
        mrq_query_clear(&query[i]);
    free(query);
    free(list);
    return status;
}

#endif
