/* An index kept by Milvus: a searcher of inside.h.
 *
 * Conditions on columns are sent as a filter expression (milvus_filter.c). Items to leave out, seen or excluded, are not sent; more
 * candidates are requested instead. For "row not in [...]" a server looks at every item, which is not faster even with only 3,883
 * items (165 rows 6.4 ms, 265 candidates 5.0 ms).
 *
 * A server that does not answer would keep every searching thread busy for the whole deadline, and delay those that wait for a
 * thread several times as long. So after one search has timed out all others fail at once, except for one now and then that tries
 * again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "index/inside.h"
#include "index/milvus.h"

#define RERANK         100 /* extra candidates: the server rounds differently, and the order is made exact here */
#define SILENT_SECONDS 1.0 /* a failure that took this long is a time-out; for this long afterwards no search is sent */

typedef struct remote {
    mrq_backend *backend;
    mrq_contents contents;
    mrq_milvus_name collection;
} remote;

static mrq_status no_collection(const mrq_backend *backend, const char *collection, mrq_error *err)
{
    return mrq_fail(err, MRQ_NOT_FOUND, "%s has no collection %s for this generation: `marquee export --to %s` makes it",
                    backend->server, collection, backend->label);
}

static void print_vector(mrq_print *body, const mrq_backend *backend, const float *vector, uint32_t dim)
{
    const bool first = atomic_load(&backend->version) == 1;
    mrq_print_key(body, first ? "vector" : "data");
    if (!first)
        mrq_print_open(body, '[');
    mrq_print_open(body, '[');
    for (uint32_t d = 0; d < dim; d++)
        mrq_print_real(body, (double)vector[d], 9);
    mrq_print_close(body, ']');
    if (first)
        return;
    mrq_print_close(body, ']');
    mrq_milvus_add_text(body, "annsField", "vector");
}

/* The rows of a reply, each once, even if the reply repeats one. */
static mrq_status take_rows(const cJSON *items, uint32_t rows, uint32_t ask, uint32_t *row, uint32_t *found, mrq_error *err)
{
    MRQ_AUTOFREE uint64_t *taken = mrq_array(rows / 64 + 1, sizeof *taken);
    if (!taken)
        return mrq_fail_memory(err, "searching");
    uint32_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const uint32_t r = mrq_milvus_row(item, rows);
        if (n == ask || r == MRQ_NONE || taken[r / 64] >> r % 64 & 1)
            continue;
        taken[r / 64] |= (uint64_t)1 << r % 64;
        row[n++] = r;
    }
    *found = n;
    return MRQ_OK;
}

static long long milliseconds(double seconds)
{
    return (long long)(1e3 * seconds);
}

/* A failure after this many seconds counts as a time-out. */
static double timeout(const mrq_backend *backend)
{
    const double most = 0.9 * backend->search_seconds;
    return most < SILENT_SECONDS ? most : SILENT_SECONDS;
}

/* Whether this thread may send a search: always, but after a time-out only one thread at a time. */
static bool may_search(mrq_backend *backend)
{
    const long long now = milliseconds(mrq_clock());
    long long again = atomic_load(&backend->again);
    return !again || (now >= again && atomic_compare_exchange_strong(&backend->again, &again,
                                                                     now + milliseconds(backend->search_seconds + SILENT_SECONDS)));
}

static mrq_status search_in_time(mrq_backend *backend, const char *collection, mrq_print *body, mrq_milvus_reply *out,
                                 mrq_error *err)
{
    const double start = mrq_clock();
    if (!may_search(backend)) {
        mrq_free(mrq_print_take(body, NULL));
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s did not answer a moment ago", backend->server);
    }
    const mrq_status status = mrq_milvus_call(backend, &mrq_milvus_search, collection, body, backend->search_seconds, out, err);
    const double end = mrq_clock();
    const bool silent = status == MRQ_UNAVAILABLE && end - start >= timeout(backend);
    atomic_store(&backend->again, silent ? milliseconds(end + SILENT_SECONDS) : 0);
    return status;
}

static mrq_status search(const mrq_index *index, const float *query, uint32_t ask, const mrq_terms *terms, uint32_t *row,
                         uint32_t *found, mrq_error *err)
{
    const remote *r = index->remote;
    MRQ_MILVUS_REPLY reply = {0};
    mrq_print body = {0};
    MRQ_AUTOFREE char *filter = mrq_milvus_filter(terms);
    if (!filter)
        return mrq_fail_memory(err, "searching");
    mrq_milvus_begin(&body, r->collection.text);
    print_vector(&body, r->backend, query, index->dim);
    if (*filter)
        mrq_milvus_add_text(&body, "filter", filter);
    mrq_milvus_add_whole(&body, "limit", ask < MRQ_MILVUS_HITS ? ask : MRQ_MILVUS_HITS);
    mrq_print_key(&body, "outputFields");
    mrq_print_raw(&body, "[\"row\"]");
    MRQ_TRY(search_in_time(r->backend, r->collection.text, &body, &reply, err));
    if (!cJSON_IsArray(reply.data))
        return mrq_milvus_strange(r->backend, "a list of items", err);
    return take_rows(reply.data, index->n, ask, row, found, err);
}

static mrq_status count(const mrq_index *index, uint32_t *n, mrq_error *err)
{
    const remote *r = index->remote;
    return mrq_milvus_count(r->backend, &r->contents, n, err);
}

static void close_index(mrq_index *index)
{
    free(index->remote);
}

static const mrq_searcher searcher = {search, count, close_index, true};

mrq_status mrq_index_connect(mrq_backend *backend, const mrq_contents *contents, mrq_index **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_index_free)
    mrq_index *index = mrq_index_new(&searcher, contents->vectors, contents->items->rows, contents->dim);
    remote *r = index ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return mrq_fail_memory(err, "opening an index");
    index->remote = r;
    index->way = MRQ_WAY_ASK;
    index->settings = (mrq_index_settings){.factory = "Milvus", .rerank = RERANK};
    *r = (remote){backend, *contents, mrq_milvus_collection(backend, contents->name)};
    MRQ_MILVUS_REPLY about = {0};
    mrq_error problem = {0};
    const mrq_status status = mrq_milvus_check_dimensions(backend, r->collection.text, contents->dim, &about, &problem);
    if (status != MRQ_OK) {
        bool there = true;
        MRQ_MILVUS_REPLY names = {0};
        if (about.refused)
            MRQ_TRY(mrq_milvus_exists(backend, r->collection.text, &there, &names, err));
        return there ? mrq_fail(err, status, "%s", problem.msg) : no_collection(backend, r->collection.text, err);
    }
    *out = index;
    index = NULL;
    return MRQ_OK;
}
