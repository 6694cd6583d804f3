/* A query of a batch that cannot be read, or that the recommender refuses, is answered with its error, in its place; the others
 * are answered all the same. What a query points to is copied into an arena, numbers that stand for a text among it, so that the
 * JSON is freed before the work begins. A member that is null counts as absent: answers tell their query with such members, and
 * who sends one back means the same. */
#include "http/batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "http/params.h"

static const char *copy_text(mrq_arena *arena, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mrq_arena_array(arena, size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* A text, or a number that is meant as one. */
static mrq_status read_text(const cJSON *object, mrq_arena *arena, const char *key, const char **out, mrq_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    char number[40];
    const char *text = number;
    if (!item)
        return MRQ_OK;
    if (cJSON_IsString(item))
        text = item->valuestring;
    else if (cJSON_IsNumber(item))
        snprintf(number, sizeof number, "%.15g", item->valuedouble);
    else
        return mrq_json_wrong(item, "", key, "a text or a number", err);
    *out = copy_text(arena, text);
    return *out ? MRQ_OK : mrq_fail_memory(err, "reading a batch");
}

static mrq_status read_ids(const cJSON *object, mrq_arena *arena, const char *key, int max, const int64_t **out, uint32_t *n,
                           mrq_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    if (!list)
        return MRQ_OK;
    if (!cJSON_IsArray(list))
        return mrq_json_wrong(list, "", key, "a list of ids of movies", err);
    const int size = cJSON_GetArraySize(list);
    if (size > max)
        return mrq_fail(err, MRQ_USAGE, "%s: %d movies, want at most %d", key, size, max);
    int64_t *ids = mrq_arena_array(arena, (size_t)size, sizeof *ids);
    if (!ids)
        return mrq_fail_memory(err, "reading a batch");
    uint32_t i = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
            item->valuedouble != floor(item->valuedouble))
            return mrq_json_wrong(item, "", key, "ids of movies", err);
        ids[i++] = (int64_t)item->valuedouble;
    }
    *out = ids;
    *n = i;
    return MRQ_OK;
}

/* A name or a list of names. */
static mrq_status read_genres(const cJSON *object, mrq_arena *arena, mrq_filters *filters, mrq_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "genre"), *item;
    if (!list)
        return MRQ_OK;
    if (!cJSON_IsArray(list) && !cJSON_IsString(list))
        return mrq_json_wrong(list, "", "genre", "names of genres", err);
    const int size = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 1;
    if (size > MRQ_GENRES_MAX)
        return mrq_fail(err, MRQ_USAGE, "genre: %d of them, want at most %d", size, MRQ_GENRES_MAX);
    const char **names = mrq_arena_array(arena, (size_t)size, sizeof *names);
    bool full = !names;
    uint32_t n = 0;
    for (item = cJSON_IsArray(list) ? list->child : list; item && !full; item = cJSON_IsArray(list) ? item->next : NULL) {
        if (!cJSON_IsString(item))
            return mrq_json_wrong(item, "", "genre", "names of genres", err);
        full = (names[n++] = copy_text(arena, item->valuestring)) == NULL;
    }
    if (full)
        return mrq_fail_memory(err, "reading a batch");
    filters->genre = names;
    filters->n_genres = n;
    return MRQ_OK;
}

static mrq_status read_explain(const cJSON *object, uint32_t *out, mrq_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "explain");
    int64_t parts = 0;
    if (!item)
        return MRQ_OK;
    if (cJSON_IsBool(item))
        parts = cJSON_IsTrue(item) ? MRQ_EXPLAIN_DEFAULT : 0;
    else
        MRQ_TRY(mrq_json_int(object, "", "explain", 0, MRQ_EXPLAIN_MAX, &parts, err));
    *out = (uint32_t)parts;
    return MRQ_OK;
}

static mrq_status read_query(const cJSON *object, mrq_arena *arena, mrq_query *out, mrq_error *err)
{
    static const char *const keys[] = {"age",   "gender",     "job",  "user",    "liked",        "disliked", "k",
                                       "genre", "all_genres", "year", "exclude", "include_seen", "explain",  NULL};
    const char *years = NULL;
    mrq_query query = MRQ_QUERY;
    int64_t k = query.k;
    MRQ_TRY(mrq_json_keys(object, "", keys, err));
    MRQ_TRY(read_text(object, arena, "age", &query.age, err));
    MRQ_TRY(read_text(object, arena, "gender", &query.gender, err));
    MRQ_TRY(read_text(object, arena, "job", &query.job, err));
    MRQ_TRY(mrq_json_int(object, "", "user", 0, ((int64_t)1 << 53) - 1, &query.user, err));
    MRQ_TRY(mrq_json_int(object, "", "k", 1, MRQ_K_MAX, &k, err));
    MRQ_TRY(read_ids(object, arena, "liked", MRQ_TASTE_MAX, &query.liked, &query.n_liked, err));
    MRQ_TRY(read_ids(object, arena, "disliked", MRQ_TASTE_MAX, &query.disliked, &query.n_disliked, err));
    MRQ_TRY(read_genres(object, arena, &query.filters, err));
    MRQ_TRY(mrq_json_bool(object, "", "all_genres", &query.filters.all_genres, err));
    MRQ_TRY(read_text(object, arena, "year", &years, err));
    if (years)
        MRQ_TRY(mrq_years_parse(years, &query.filters, err));
    MRQ_TRY(read_ids(object, arena, "exclude", MRQ_EXCLUDE_MAX, &query.filters.exclude, &query.filters.n_exclude, err));
    MRQ_TRY(mrq_json_bool(object, "", "include_seen", &query.filters.include_seen, err));
    MRQ_TRY(read_explain(object, &query.explain, err));
    query.k = (uint32_t)k;
    *out = query;
    return MRQ_OK;
}

static void remove_nulls(cJSON *object)
{
    for (cJSON *item = object->child, *next; item; item = next) {
        next = item->next;
        if (cJSON_IsNull(item))
            cJSON_Delete(cJSON_DetachItemViaPointer(object, item));
    }
}

uint64_t mrq_query_rows(const mrq_query *query)
{
    return query->k * (uint64_t)(1 + query->explain);
}

static mrq_status read_queries(cJSON *list, mrq_batch *batch, mrq_error *err)
{
    uint64_t rows = 0;
    uint32_t i = 0, explained = 0;
    cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        mrq_error *problem = &batch->problem[i];
        mrq_query *query = &batch->query[i++];
        if (cJSON_IsObject(item)) {
            remove_nulls(item);
            problem->status = read_query(item, batch->arena, query, problem);
        } else {
            problem->status = mrq_json_wrong(item, "", "query", "an object", problem);
        }
        if (problem->status == MRQ_BAD_FILE)
            problem->status = MRQ_USAGE; /* the reader of JSON takes it for a file's */
        if (problem->status != MRQ_OK)
            continue;
        rows += mrq_query_rows(query);
        explained += query->explain > 0;
    }
    if (explained > MRQ_BATCH_EXPLAINED)
        return mrq_fail(err, MRQ_USAGE, "queries: %u of them with explain, want at most %d; ask in smaller batches", explained,
                        MRQ_BATCH_EXPLAINED);
    if (rows > MRQ_BATCH_ROWS)
        return mrq_fail(err, MRQ_USAGE, "queries: %llu movies and parts of scores in all, want at most %d; ask in smaller batches",
                        (unsigned long long)rows, MRQ_BATCH_ROWS);
    return MRQ_OK;
}

static mrq_status check_utf8(const char *text, size_t size, mrq_error *err)
{
    uint32_t code;
    for (size_t at = 0, n; at < size; at += n)
        if ((n = mrq_utf8_read(text + at, size - at, &code)) == 0)
            return mrq_fail(err, MRQ_USAGE, "body: byte %zu is not UTF-8", at + 1);
    return MRQ_OK;
}

static mrq_status read_body(const char *body, size_t size, mrq_batch *batch, mrq_error *err)
{
    static const char *const keys[] = {"queries", NULL};
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    const cJSON *list;
    MRQ_TRY(check_utf8(body, size, err));
    MRQ_TRY(mrq_json_parse(body, size, "body", &json, err));
    MRQ_TRY(mrq_json_keys(json, "body:", keys, err));
    MRQ_TRY(mrq_json_array(json, "body:", "queries", true, &list, err));
    const int n = cJSON_GetArraySize(list);
    if (n > MRQ_BATCH_QUERIES)
        return mrq_fail(err, MRQ_USAGE, "queries: %d of them, want at most %d", n, MRQ_BATCH_QUERIES);
    batch->n = (uint32_t)n;
    batch->arena = mrq_arena_new();
    batch->query = mrq_array(batch->n, sizeof *batch->query);
    batch->problem = mrq_array(batch->n, sizeof *batch->problem);
    if (!batch->arena || !batch->query || !batch->problem)
        return mrq_fail_memory(err, "reading a batch");
    return read_queries(cJSON_GetObjectItemCaseSensitive(json, "queries"), batch, err);
}

mrq_status mrq_batch_read(const char *body, size_t size, mrq_batch *out, mrq_error *err)
{
    mrq_batch batch = {0};
    mrq_error problem = {0};
    const mrq_status status = read_body(body, size, &batch, &problem);
    if (status != MRQ_OK) {
        mrq_batch_clear(&batch);
        return mrq_fail(err, status == MRQ_BAD_FILE ? MRQ_USAGE : status, "%s", problem.msg);
    }
    *out = batch;
    return MRQ_OK;
}

void mrq_batch_clear(mrq_batch *batch)
{
    mrq_free(batch->query);
    mrq_free(batch->problem);
    mrq_arena_free(batch->arena);
    *batch = (mrq_batch){0};
}

/* The answers while they are put together. */
struct answers {
    uint32_t n;
    mrq_result **result; /* (n) of the queries that could be read, in their order */
    mrq_error *error;    /* (n) */
    const char **text;   /* (n of the batch) documents, of the results or from mrq_error_json() */
    size_t *size;
};

static void answers_clear(const mrq_batch *batch, struct answers *a)
{
    for (uint32_t i = 0, r = 0; a->text && i < batch->n; i++) {
        const bool asked = batch->problem[i].status == MRQ_OK;
        if (!asked || !a->result[r])
            free((void *)(uintptr_t)a->text[i]);
        r += asked;
    }
    for (uint32_t r = 0; a->result && r < a->n; r++)
        mrq_result_free(a->result[r]);
    mrq_free(a->result);
    mrq_free(a->error);
    mrq_free(a->text);
    mrq_free(a->size);
}

/* Each answer's document, less its line end. */
static bool collect(const mrq_batch *batch, struct answers *a, size_t *total)
{
    for (uint32_t i = 0, r = 0; i < batch->n; i++) {
        const bool asked = batch->problem[i].status == MRQ_OK;
        mrq_result *result = asked ? a->result[r] : NULL;
        a->text[i] = result ? mrq_result_json(result, &a->size[i]) : mrq_error_json(asked ? &a->error[r] : &batch->problem[i]);
        if (!a->text[i])
            return false;
        if (!result)
            a->size[i] = strlen(a->text[i]);
        a->size[i] -= a->text[i][a->size[i] - 1] == '\n';
        *total += a->size[i] + 1;
        r += asked;
    }
    return true;
}

static mrq_status ask(const mrq_batch *batch, mrq_recommender *recommender, uint32_t threads, struct answers *a, mrq_error *err)
{
    MRQ_AUTOFREE mrq_query *query = mrq_array(batch->n, sizeof *query);
    a->result = mrq_array(batch->n, sizeof(mrq_result *));
    a->error = mrq_array(batch->n, sizeof *a->error);
    a->size = mrq_array(batch->n, sizeof *a->size);
    if (!query || !a->result || !a->error || !a->size || !(a->text = mrq_array(batch->n, sizeof *a->text)))
        return mrq_fail_memory(err, "answering a batch");
    for (uint32_t i = 0; i < batch->n; i++)
        if (batch->problem[i].status == MRQ_OK)
            query[a->n++] = batch->query[i];
    return mrq_recommender_batch(recommender, query, a->n, threads, a->result, a->error, err);
}

mrq_status mrq_batch_answer(const mrq_batch *batch, mrq_recommender *recommender, uint32_t threads, char **out, size_t *size,
                            mrq_error *err)
{
    static const char head[] = "{\"schema\":1,\"answers\":[", tail[] = "]}\n";
    struct answers a = {0};
    size_t total = sizeof head + sizeof tail;
    char *text = NULL;
    mrq_status status = ask(batch, recommender, threads, &a, err);
    if (status == MRQ_OK && (!collect(batch, &a, &total) || !(text = mrq_array(total, 1))))
        status = mrq_fail_memory(err, "answering a batch");
    if (status == MRQ_OK) {
        char *end = stpcpy(text, head);
        for (uint32_t i = 0; i < batch->n; i++) {
            if (i)
                *end++ = ',';
            end = mempcpy(end, a.text[i], a.size[i]);
        }
        end = stpcpy(end, tail);
        *size = (size_t)(end - text);
        *out = text;
    }
    answers_clear(batch, &a);
    return status;
}
