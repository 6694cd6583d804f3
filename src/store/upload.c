/* Uploads an index in an order in which no failure affects the serving generation: the collection gets a name of its own and is
 * filled and measured before the generation becomes current. If an upload fails, the next one of the same items and vectors
 * continues it; an upload of others drops its collection. */
#include "store/upload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/manifest.h"
#include "store/queries.h"

#define WAIT_SECONDS 60.0 /* until received rows are visible */
#define LOOK_SECONDS 0.5
#define MEASURED     200 /* queries; over a network each takes milliseconds */

typedef struct owner {
    char text[MRQ_STORE_PATH + 300];
} owner;

/* "Marquee's, of HOST:/path/of/store": distinguishes our collections from those of other stores. */
static mrq_status name_owner(const char *store, owner *out, mrq_error *err)
{
    char host[256] = "?";
    char *path = realpath(store, NULL);
    if (!path)
        return mrq_fail_errno(err, "cannot find the path of %s", store);
    (void)gethostname(host, sizeof host - 1);
    snprintf(out->text, sizeof out->text, "Marquee's, of %s:%s", host, path);
    free(path);
    return MRQ_OK;
}

static mrq_contents contents_of(const mrq_generation *generation)
{
    mrq_contents contents = {
        .items = generation->items, .vectors = mrq_index_vectors(generation->index), .dim = generation->tower->dim};
    snprintf(contents.name, sizeof contents.name, "%s", generation->content);
    return contents;
}

static mrq_status wait_for_rows(const mrq_index *index, const mrq_backend *backend, uint32_t rows, mrq_error *err)
{
    const struct timespec nap = {0, (long)(1e9 * LOOK_SECONDS)};
    uint32_t n = 0;
    for (const double start = mrq_clock();; nanosleep(&nap, NULL)) {
        MRQ_TRY(mrq_index_count(index, &n, err));
        if (n == rows)
            return MRQ_OK;
        if (mrq_clock() - start > WAIT_SECONDS)
            return mrq_fail(err, MRQ_UNAVAILABLE, "%s received %u rows, but shows %u of them after %g s",
                            mrq_backend_label(backend), rows, n, WAIT_SECONDS);
    }
}

static mrq_status measure(const mrq_generation *generation, const mrq_index *index, const mrq_backend *backend, double recall,
                          mrq_trial *out, mrq_error *err)
{
    uint32_t n;
    MRQ_AUTOFREE float *queries = NULL;
    MRQ_TRY(mrq_store_queries(generation->tower, generation->users, &n, &queries, err));
    MRQ_TRY(mrq_index_measure(index, queries, n < MEASURED ? n : MEASURED, out, err));
    return out->recall >= recall ? MRQ_OK
                                 : mrq_fail(err, MRQ_FAILED, "%s: recall@%d is %.4f, want %.4f", mrq_backend_label(backend),
                                            MRQ_RECALL_K, out->recall, recall);
}

mrq_status mrq_store_upload(const char *store, const mrq_generation *generation, mrq_backend *backend, double recall,
                            const mrq_upload_watch *watch, mrq_uploaded *out, mrq_error *err)
{
    const mrq_contents contents = contents_of(generation);
    mrq_uploaded uploaded = {.rows = generation->items->rows};
    owner own;
    MRQ_TRY(name_owner(store, &own, err));
    MRQ_TRY(mrq_backend_upload(backend, &contents, own.text, watch ? watch->rows : NULL, watch ? watch->context : NULL,
                               &uploaded.sent, err));
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    MRQ_TRY(mrq_index_connect(backend, &contents, &index, err));
    MRQ_TRY(wait_for_rows(index, backend, uploaded.rows, err));
    MRQ_TRY(measure(generation, index, backend, recall, &uploaded.measured, err));
    *out = uploaded;
    return MRQ_OK;
}

/* The content names of all generations of the store. Fails if a manifest cannot be read, so that its collection is not dropped. */
static mrq_status list_contents(const char *store, mrq_content_name **out, uint32_t *n, mrq_error *err)
{
    uint32_t count;
    MRQ_AUTOFREE mrq_name *names = NULL;
    MRQ_TRY(mrq_store_names(store, &names, &count, err));
    MRQ_AUTOFREE mrq_content_name *list = mrq_array(count, sizeof *list);
    if (!list)
        return mrq_fail_memory(err, "pruning a backend");
    for (uint32_t i = 0; i < count; i++) {
        char folder[MRQ_STORE_PATH];
        mrq_manifest manifest;
        MRQ_TRY(mrq_generation_path(store, names[i].text, folder, err));
        MRQ_TRY(mrq_manifest_read(folder, names[i].text, &manifest, NULL, err));
        mrq_manifest_content(&manifest, list[i].text);
    }
    *out = list;
    *n = count;
    list = NULL;
    return MRQ_OK;
}

mrq_status mrq_store_settle(const char *store, const mrq_generation *generation, mrq_backend *backend, mrq_uploaded *out,
                            mrq_error *err)
{
    owner own;
    uint32_t n = 0;
    MRQ_AUTOFREE mrq_content_name *keep = NULL;
    MRQ_TRY(mrq_backend_point(backend, generation->content, &out->aliased, err));
    MRQ_TRY(name_owner(store, &own, err));
    MRQ_TRY(list_contents(store, &keep, &n, err));
    return mrq_backend_prune(backend, own.text, keep, n, &out->removed, err);
}
