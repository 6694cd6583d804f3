/* A query that cannot be read, or that the recommender refuses, gets an error at its place among the answers; the other queries are
 * still answered. The query of an answer can be sent again and means the same. */
#include "http/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

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
            problem->status = mrq_query_read_json(query, item, problem);
        } else {
            (void)mrq_json_wrong(item, "", "query", "an object", problem);
            problem->status = MRQ_USAGE; /* the reader of JSON says MRQ_BAD_FILE */
        }
        if (problem->status != MRQ_OK)
            continue;
        rows += mrq_query_rows(query);
        explained += query->n[MRQ_Q_EXPLAIN];
    }
    if (explained > MRQ_BATCH_EXPLAINED)
        return mrq_fail(err, MRQ_USAGE, "queries: %u of them with explain, want at most %d; ask in smaller batches", explained,
                        MRQ_BATCH_EXPLAINED);
    if (rows > MRQ_BATCH_ROWS)
        return mrq_fail(err, MRQ_USAGE, "queries: %llu items and parts of scores in all, want at most %d; ask in smaller batches",
                        (unsigned long long)rows, MRQ_BATCH_ROWS);
    return MRQ_OK;
}

static mrq_status read_body(const char *body, size_t size, mrq_batch *batch, mrq_error *err)
{
    static const char *const keys[] = {"queries", NULL};
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    const cJSON *list;
    const size_t bad = mrq_utf8_bad(body, size);
    if (bad)
        return mrq_fail(err, MRQ_USAGE, "body: byte %zu is not UTF-8", bad);
    MRQ_TRY(mrq_json_parse(body, size, "body", &json, err));
    MRQ_TRY(mrq_json_keys(json, "body:", keys, err));
    MRQ_TRY(mrq_json_array(json, "body:", "queries", true, &list, err));
    const int n = cJSON_GetArraySize(list);
    if (n > MRQ_BATCH_QUERIES)
        return mrq_fail(err, MRQ_USAGE, "queries: %d of them, want at most %d", n, MRQ_BATCH_QUERIES);
    batch->n = (uint32_t)n;
    batch->query = mrq_array(batch->n, sizeof *batch->query);
    batch->problem = mrq_array(batch->n, sizeof *batch->problem);
    if (!batch->query || !batch->problem)
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
    for (uint32_t i = 0; batch->query && i < batch->n; i++)
        mrq_query_clear(&batch->query[i]);
    mrq_free(batch->query);
    mrq_free(batch->problem);
    *batch = (mrq_batch){0};
}

/* The answers of a batch, before their documents are joined. */
struct answers {
    uint32_t n;
    mrq_answer **result; /* (n) of the queries that could be read, in order */
    mrq_error *error;    /* (n) */
    const char **text;   /* (batch->n) documents of answers, or from mrq_error_json() */
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
        mrq_answer_free(a->result[r]);
    mrq_free(a->result);
    mrq_free(a->error);
    mrq_free(a->text);
    mrq_free(a->size);
}

/* Collects the answers' documents without their line ends. */
static bool collect(const mrq_batch *batch, struct answers *a, size_t *total)
{
    for (uint32_t i = 0, r = 0; i < batch->n; i++) {
        const bool asked = batch->problem[i].status == MRQ_OK;
        mrq_answer *result = asked ? a->result[r] : NULL;
        a->text[i] = result ? mrq_answer_json(result, &a->size[i]) : mrq_error_json(asked ? &a->error[r] : &batch->problem[i]);
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
    MRQ_AUTOFREE const mrq_query **query = mrq_array(batch->n, sizeof(mrq_query *));
    a->result = mrq_array(batch->n, sizeof(mrq_answer *));
    a->error = mrq_array(batch->n, sizeof *a->error);
    a->size = mrq_array(batch->n, sizeof *a->size);
    if (!query || !a->result || !a->error || !a->size || !(a->text = mrq_array(batch->n, sizeof *a->text)))
        return mrq_fail_memory(err, "answering a batch");
    for (uint32_t i = 0; i < batch->n; i++)
        if (batch->problem[i].status == MRQ_OK)
            query[a->n++] = &batch->query[i];
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
