/* Export: from a model file to a published generation. The model is read, and so judged, before the store is touched; the long work
 * is done under the store's lock, so that a second export fails at once and not after minutes. */
#include <math.h>
#include <string.h>

#include "store/write.h"

/* The vectors of all movies (movies, dim), every number finite. */
static mrq_status movie_vectors(const mrq_model *model, const char *model_path, float *out, double *reach, mrq_error *err)
{
    const mrq_table *movies = mrq_model_movies(model);
    const uint32_t dim = mrq_description_dim(mrq_model_description(model));
    MRQ_TRY(mrq_model_export_movies(model, out, reach, err));
    for (uint32_t i = 0; i < movies->rows; i++)
        for (uint32_t j = 0; j < dim; j++)
            if (!isfinite(out[(size_t)i * dim + j]))
                return mrq_fail(err, MRQ_BAD_FILE, "%s: the vector of movie %lld is not finite", model_path,
                                (long long)movies->id[i]);
    return MRQ_OK;
}

mrq_status mrq_store_export(const char *store, const char *model_path, const char *factory, char name[MRQ_GENERATION_NAME],
                            uint32_t *movies, mrq_error *err)
{
    const size_t longest = sizeof((mrq_generation *)NULL)->index_kind - 1;
    if (strlen(factory) > longest)
        return mrq_fail(err, MRQ_USAGE, "index \"%.40s...\": %zu bytes, want at most %zu", factory, strlen(factory), longest);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_model_load(model_path, &model, err));
    MRQ_CLEANUP(mrq_draft_discard) mrq_draft *draft = NULL;
    MRQ_TRY(mrq_draft_open(store, &draft, err));

    const uint32_t rows = mrq_model_movies(model)->rows, dim = mrq_description_dim(mrq_model_description(model));
    MRQ_AUTOFREE float *vectors = mrq_array((size_t)rows * dim, sizeof *vectors);
    if (!vectors)
        return mrq_fail_memory(err, "computing the movies' vectors");
    double reach;
    MRQ_TRY(movie_vectors(model, model_path, vectors, &reach, err));
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    MRQ_TRY(mrq_index_build(factory, vectors, rows, dim, &index, err));
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
    MRQ_TRY(mrq_model_fold(model, reach, &tower, err));

    const mrq_generation_parts parts = {model, tower, index, factory};
    mrq_draft *full = draft;
    draft = NULL;
    MRQ_TRY(mrq_draft_publish(full, &parts, name, err));
    *movies = rows;
    return MRQ_OK;
}
